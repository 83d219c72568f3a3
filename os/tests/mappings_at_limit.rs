//! Huge blocks that are freed while the process has as many mappings as it may: alone in a program, as it counts pages.

mod usage_support;

use core::alloc::Layout;
use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};

use memalloc_os::process;

use usage_support::{mapped_bytes, resident_bytes, written};

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

/// What the blocks have, in bytes.
const EACH: usize = 11 * MIB / 2;

fn free(block: NonNull<u8>) {
    // SAFETY: the block is live, and freed once.
    assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
}

/// Frees each second block, has as many anew, but for those few that would need a new mapping.
fn free_and_allocate(blocks: &mut Vec<NonNull<u8>>) {
    let before = blocks.len();
    let mut is_second = false;
    blocks.retain(|&block| {
        is_second = !is_second;
        if is_second {
            free(block);
        }
        !is_second
    });
    process::trim();
    let layout = Layout::from_size_align(EACH, 16).unwrap();
    while blocks.len() < before
        && let Some(block) = process::allocate(layout)
    {
        // SAFETY: the block has these bytes.
        unsafe { block.write_bytes(1, EACH) };
        blocks.push(block);
    }
}

#[test]
fn pages_go_where_there_may_be_no_more_mappings_and_their_place_is_used_again() {
    let before = resident_bytes();
    let mut blocks: Vec<_> = (0..60).map(|_| written(EACH)).collect();
    let Some(full) = Full::new() else { return };
    let mapped = mapped_bytes();
    for _ in 0..3 {
        free_and_allocate(&mut blocks);
    }
    assert!(blocks.len() > 50, "{}", blocks.len());
    assert!(mapped_bytes() < mapped + 20 * MIB, "{}", mapped_bytes() - mapped);
    blocks.iter().step_by(2).chain(blocks.iter().skip(1).step_by(2)).for_each(|&block| free(block));
    // As much as may stay of what was just freed.
    assert!(resident_bytes() - before < 100 * MIB, "{}", resident_bytes() - before);
    drop(full);
    process::trim();
    assert!(resident_bytes() < before + 10 * MIB, "{}", resident_bytes() - before);
}
