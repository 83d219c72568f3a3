//! What huge blocks leave is kept for the next, if a program has shown that there is one.

use std::alloc::Layout;
use std::thread;
use std::time::Duration;

use memalloc_os::process;

const MIB: usize = 1 << 20;

/// What the process holds more than before, once a block of so many MiB is allocated and freed.
fn kept_of(mib: usize, before: usize) -> usize {
    let block = process::allocate(Layout::from_size_align(mib * MIB - 4096, 16).unwrap()).unwrap();
    // SAFETY: the block is not used any more.
    unsafe { process::deallocate(block) }.unwrap();
    process::totals().source() - before
}

#[test]
fn the_largest_goes_back_at_once_and_as_much_is_kept_from_then_on() {
    let before = process::totals().source();
    let kept = [12, 12, 8, 20, 8, 20, 8].map(|mib| kept_of(mib, before) / MIB);
    assert_eq!(kept, [0, 12, 12, 0, 8, 20, 20]);
    process::trim();
    assert_eq!(process::totals().source(), before);
    beside_large_blocks_more_is_kept_as_long_as_they_are_there(before);
}

fn beside_large_blocks_more_is_kept_as_long_as_they_are_there(before: usize) {
    let layout = Layout::from_size_align(300 * MIB, 16).unwrap();
    let large = process::allocate(layout).unwrap();
    let beside = process::totals().source();
    let kept = [100, 100, 160, 152, 100].map(|mib| kept_of(mib, beside) / MIB);
    assert_eq!(kept, [0, 100, 0, 152, 152]);
    // SAFETY: the block is not used any more.
    unsafe { process::deallocate(large) }.unwrap();
    assert_eq!(process::totals().source() - before, 32 * MIB);
    process::trim();
    what_is_mapped_again_is_kept(before);
}

fn what_is_mapped_again_is_kept(before: usize) {
    // What has just gone back is not missed any more.
    thread::sleep(Duration::from_millis(200));
    assert_eq!(kept_of(100, before), 0, "more than stays beside nothing else");
    // At once, unless the program is held up meanwhile.
    assert!((0..100).any(|_| kept_of(100, before) == 100 * MIB), "what is missed each time is never kept");
    process::trim();
}
