//! Of idle memory, what a block had written to is zeroed for the next that is to be zero, and the rest is zero.

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_os::process;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// The largest that one mapping of two slots holds.
const ALL: usize = 8 * MIB;

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 16).unwrap()
}

/// A block of `bytes` bytes, each of them 5.
fn filled(bytes: usize) -> NonNull<u8> {
    let block = process::allocate(layout(bytes)).unwrap();
    // SAFETY: the block has these bytes.
    unsafe { block.write_bytes(5, bytes) };
    block
}

fn free(block: NonNull<u8>) {
    // SAFETY: the block is not used any more.
    unsafe { process::deallocate(block) }.unwrap();
}

/// Whether a zeroed block of `size` bytes, of idle memory, is.
fn is_zeroed(size: usize) -> bool {
    let before = process::totals().source();
    let block = process::allocate_zeroed(layout(size)).unwrap();
    assert_eq!(process::totals().source(), before, "nothing was idle");
    // SAFETY: the block has these bytes.
    let bytes = unsafe { NonNull::slice_from_raw_parts(block, size).as_ref() };
    let is_zeroed = bytes.iter().all(|&byte| byte == 0);
    free(block);
    is_zeroed
}

#[test]
fn idle_memory_is_zero_where_it_is_said_to_be() {
    // What is as large as before is kept when it is freed.
    free(filled(ALL));
    for bytes in [5 * MIB, 5 * MIB + 1, 6 * MIB + 17, ALL - 3, ALL] {
        process::trim();
        free(filled(bytes));
        assert!(is_zeroed(ALL), "after {bytes} bytes");
    }
    // What a block that shrinks leaves above it.
    process::trim();
    let block = filled(ALL);
    // SAFETY: the block is used by its newest pointer alone.
    let shorter = unsafe { process::resize(block, 3 * MIB) }.unwrap().unwrap();
    assert!(is_zeroed(ALL / 2), "beside one that shrank");
    free(shorter);
    // Pages that the system does not take back, as they are locked, hold what they held.
    let block = filled(ALL);
    // SAFETY: the pages are the block's; it is used by its newest pointer alone.
    unsafe {
        assert_eq!(libc::mlock(block.add(6 * MIB).as_ptr().cast(), 16 * KIB), 0);
        let shorter = process::resize(block, 5 * MIB).unwrap().unwrap();
        assert_eq!(shorter, block);
        free(shorter);
        assert!(is_zeroed(ALL), "after locked pages");
    }
    // Who writes a little too far does so in a page that is zeroed anyway.
    process::trim();
    let block = filled(5 * MIB + 16);
    // SAFETY: the mapping has these bytes, which are nobody's.
    unsafe { block.add(5 * MIB + 16).write_bytes(5, 100) };
    free(block);
    assert!(is_zeroed(ALL), "after an overrun");
}
