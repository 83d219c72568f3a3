//! While a heap touches memory anew, as much of what is idle goes back to the system.

mod usage_support;

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_os::process;
use usage_support::resident_bytes;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// A block of `bytes` bytes, all of them written to.
fn written(bytes: usize) -> NonNull<u8> {
    let block = process::allocate(Layout::from_size_align(bytes, 16).unwrap()).unwrap();
    // SAFETY: the block has these bytes.
    unsafe { block.write_bytes(1, bytes) };
    block
}

/// What is resident more than before, once `bytes` bytes are allocated in blocks of `each` and written to.
fn grown_by(bytes: usize, each: usize) -> usize {
    let before = resident_bytes();
    for _ in 0..bytes / each {
        written(each);
    }
    resident_bytes().saturating_sub(before)
}

#[test]
fn what_is_idle_makes_way_for_what_is_touched_anew() {
    written(100);
    // What is as large as before is kept when it is freed: the second is.
    for _ in 0..2 {
        let block = written(9 * MIB);
        // SAFETY: the block is not used any more.
        unsafe { process::deallocate(block) }.unwrap();
    }
    assert!(process::totals().source() >= 13 * MIB, "nothing is idle");
    for each in [256, 20 * KIB] {
        let grown = grown_by(3 * MIB / 2, each);
        assert!(grown < MIB, "{grown} bytes more are resident");
    }
    // What was not given back is there for the next.
    let before = resident_bytes();
    written(9 * MIB);
    let grown = resident_bytes().saturating_sub(before);
    assert!((MIB..6 * MIB).contains(&grown), "{grown} bytes more are resident");
}
