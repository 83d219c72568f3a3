//! Huge blocks that are freed while the process has as many mappings as it may: alone in a program, as it counts pages.

mod usage_support;

use core::ffi::c_void;
use core::ptr::null_mut;

use memalloc_os::process;

use usage_support::{resident_bytes, written};

const MIB: usize = 1 << 20;
const PAGE: usize = 4096;
/// As many mappings are made at most, twice. Where more may be, they are no limit to be met.
const MAPPINGS: usize = 100_000;

/// Memory each second page of which is a mapping, until there may be no more. `None` where that is never so.
struct Full(*mut c_void);

impl Full {
    const BYTES: usize = 2 * MAPPINGS * PAGE;

    fn new() -> Option<Self> {
        // SAFETY: a new mapping that nobody uses, and pages of it.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let start = libc::mmap(null_mut(), Self::BYTES, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            let is_refused =
                |page: usize| libc::mprotect(start.byte_add(2 * page * PAGE), PAGE, libc::PROT_READ) != 0;
            let full = Self(start);
            (0..MAPPINGS).any(is_refused).then_some(full)
        }
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        // SAFETY: nobody uses what is mapped there.
        unsafe { libc::munmap(self.0, Self::BYTES) };
    }
}

#[test]
fn pages_go_where_there_may_be_no_more_mappings() {
    let before = resident_bytes();
    let blocks: Vec<_> = (0..60).map(|_| written(11 * MIB / 2)).collect();
    let Some(full) = Full::new() else { return };
    for first in [0, 1] {
        for block in blocks.iter().skip(first).step_by(2) {
            // SAFETY: the block is live, and freed once.
            assert_eq!(unsafe { process::deallocate(*block) }, Ok(()));
        }
    }
    // As much as may stay of what was just freed.
    assert!(resident_bytes() - before < 100 * MIB, "{}", resident_bytes() - before);
    drop(full);
    process::trim();
    assert!(resident_bytes() < before + 10 * MIB, "{}", resident_bytes() - before);
}
