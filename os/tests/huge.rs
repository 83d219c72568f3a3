//! Huge blocks: alone in a program, as it looks at totals.

mod thread_support;
mod usage_support;

use std::alloc::Layout;
use std::thread;

use memalloc_core::FreeError;
use memalloc_os::process;

use thread_support::{Block, allocate, free};
use usage_support::resident_bytes;

const KIB: usize = 1 << 10;

#[test]
fn huge_blocks_grow_and_shrink_with_their_bytes_and_are_freed_once() {
    let before = process::totals();
    let mut block = allocate(Layout::from_size_align(5_000_000, 16).unwrap());
    // SAFETY: the block has these bytes; it is used by the newest pointer alone.
    unsafe {
        block.0.write_bytes(9, 5_000_000);
        for size in [5_000_001, 70_000_000, 300_000_000, 8_000_000, 5_000_000] {
            block = Block(process::resize(block.0, size).unwrap().unwrap());
            let kept = std::slice::from_raw_parts(block.0.as_ptr(), 5_000_000);
            assert!(kept.iter().all(|&byte| byte == 9), "{size}");
            assert_eq!(process::totals().used() - before.used(), size.next_multiple_of(16));
        }
        for offset in [4096, 1 << 20] {
            assert_eq!(free(Block(block.0.add(offset))), Err(FreeError::NotAStart));
        }
    }
    assert_eq!(thread::spawn(move || free(block)).join().unwrap(), Ok(()));
    assert!(free(block).is_err());
    assert!(process::trim() > 0, "what a block has left goes back when asked for");
    assert_eq!((process::totals().used(), process::totals().source()), (before.used(), before.source()));
    they_are_aligned_and_what_lies_beside_them_goes(before.source());
    they_lie_side_by_side(before.source());
    what_grows_large_is_of_no_heap();
    what_a_huge_block_leaves_serves_the_next_ones_and_goes_back_in_time();
    what_is_free_makes_way_for_huge_blocks();
    pages_that_are_free_in_a_region_go_back_when_asked_for();
}

fn they_are_aligned_and_what_lies_beside_them_goes(before: usize) {
    for align in [128, 512, 1024, 4096, 65536].map(|kib| kib * KIB) {
        let block = allocate(Layout::from_size_align(5_000_000, align).unwrap());
        assert!(block.0.addr().get().is_multiple_of(align), "{align}");
        let held = process::totals().source() - before;
        assert!(held <= 12 << 20, "{held} with an alignment of {align}");
        assert_eq!(free(block), Ok(()));
        process::trim();
    }
}

fn they_lie_side_by_side(before: usize) {
    let blocks = [(); 16].map(|()| allocate(Layout::from_size_align(13 << 18, 16).unwrap()));
    let held = process::totals().source() - before;
    assert!(held <= 56 << 20, "{held} for 52 MiB");
    blocks.into_iter().for_each(|block| assert_eq!(free(block), Ok(())));
    process::trim();
}

fn what_is_free_makes_way_for_huge_blocks() {
    process::trim();
    let before = process::totals().source();
    let small = Layout::from_size_align(80, 16).unwrap();
    let blocks: Vec<_> = (0..800_000).map(|_| allocate(small)).collect();
    let held = process::totals().source();
    assert!(held - before >= 64_000_000);
    blocks.into_iter().for_each(|block| assert_eq!(free(block), Ok(())));
    let huge = allocate(Layout::from_size_align(40_000_000, 16).unwrap());
    assert!(process::totals().source() <= held, "it is had of what they leave");
    seconds_later();
    // Two regions stay.
    assert!(process::totals().source() <= before + 52_000_000, "{}", process::totals().source() - before);
    assert_eq!((free(huge), process::check()), (Ok(()), Ok(())));
    process::trim();
    assert_eq!(process::totals().source(), before);
}

fn pages_that_are_free_in_a_region_go_back_when_asked_for() {
    let size = 1_900_000;
    let [below, block, above] =
        [64, size, 64].map(|size| allocate(Layout::from_size_align(size, 16).unwrap()));
    // SAFETY: the block has these bytes.
    unsafe { block.0.write_bytes(3, size) };
    let held = resident_bytes();
    assert_eq!(free(block), Ok(()));
    process::trim();
    assert!(resident_bytes() + size * 9 / 10 <= held, "{} of {held}", resident_bytes());
    assert_eq!((free(below), free(above), process::check()), (Ok(()), Ok(()), Ok(())));
}

fn what_a_huge_block_leaves_serves_the_next_ones_and_goes_back_in_time() {
    process::trim();
    let layout = |mib| Layout::from_size_align(mib * KIB * KIB, 16).unwrap();
    let small = allocate(Layout::new::<u64>());
    let before = process::totals().source();
    let large = allocate(layout(19));
    // SAFETY: the block has these bytes.
    unsafe { large.0.write_bytes(5, 19 * KIB * KIB) };
    let held = process::totals().source();
    assert_eq!(free(large), Ok(()));
    assert_eq!(process::totals().source(), held);
    // Side by side, from its end down.
    let [upper, mut block] = [allocate(layout(3)), allocate(layout(3))];
    let end = large.0.addr().get() + 19 * KIB * KIB;
    assert_eq!([upper, block].map(|block| (end - block.0.addr().get()) / KIB / KIB), [3, 6]);
    assert_eq!(process::totals().source(), held);
    assert_eq!(free(upper), Ok(()));
    for (mib, is_in_place) in [(4, true), (6, true), (10, false), (40, false), (30, true)] {
        let was = block.0;
        // SAFETY: the block is used by the newest pointer alone.
        block = Block(unsafe { process::resize(block.0, mib * KIB * KIB) }.unwrap().unwrap());
        assert_eq!(block.0 == was, is_in_place, "{mib}");
        assert!(all_are(block, 5));
    }
    let left = allocate(layout(3));
    // SAFETY: the block has these bytes.
    unsafe { left.0.write_bytes(5, 3 * KIB * KIB) };
    assert_eq!(free(left), Ok(()));
    let zeroed = process::allocate_zeroed(layout(3)).map(Block).unwrap();
    assert_eq!(zeroed.0, left.0);
    assert!(all_are(zeroed, 0));
    assert_eq!((free(block), free(zeroed)), (Ok(()), Ok(())));
    assert!(process::totals().source() > before);
    seconds_later();
    assert_eq!(process::totals().source(), before);
    assert_eq!(free(small), Ok(()));
}

/// Waits, and calls again, as the program has to for the time to be seen.
fn seconds_later() {
    thread::sleep(std::time::Duration::from_millis(2100));
    let calls = (0..100).map(|count| allocate(Layout::from_size_align(2000 + 16 * count, 16).unwrap()));
    calls.collect::<Vec<_>>().into_iter().for_each(|block| assert_eq!(free(block), Ok(())));
}

/// Whether the first 3 MiB of a block that has as many are all `byte`.
fn all_are(block: Block, byte: u8) -> bool {
    // SAFETY: the tests ask of such blocks alone.
    let bytes = unsafe { std::slice::from_raw_parts(block.0.as_ptr(), 3 << 20) };
    bytes.iter().all(|&there| there == byte)
}

fn what_grows_large_is_of_no_heap() {
    let layout = |size| Layout::from_size_align(size, 16).unwrap();
    let mut block = allocate(layout(100 * KIB));
    let above = allocate(layout(KIB));
    // SAFETY: the block has these bytes; it is used by the newest pointer alone.
    unsafe {
        block.0.write_bytes(7, 100 * KIB);
        let before = process::totals();
        for (kib, is_huge) in [
            (300, false),
            (2000, false),
            (5000, true),
            (9000, true),
            (4600, true),
            (3200, true),
            (1700, true),
            (900, true),
            (500, true),
            (260, true),
            (256, true),
            (2000, true),
            (1000, false),
            (4000, true),
            (2000, false),
            (4100, true),
            (3100, true),
            (1600, true),
            (900, true),
            (500, true),
            (457, true),
            (256, true),
            (255, false),
            (100, false),
        ] {
            let size = kib * KIB;
            block = Block(process::resize(block.0, size).unwrap().unwrap());
            let kept = std::slice::from_raw_parts(block.0.as_ptr(), 100 * KIB);
            assert!(kept.iter().all(|&byte| byte == 7), "{size}");
            assert_eq!(process::usable_size(block.0), Ok(size));
            assert_eq!(process::totals().used() + 100 * KIB, before.used() + size);
            // Once it is huge, half as much leads back into a heap, or less than 256 KiB.
            let is_one_of_a_heap = process::owner_of(block.0) == process::owner_of(above.0);
            assert_eq!(is_one_of_a_heap, !is_huge, "{size}");
        }
    }
    assert_eq!((free(block), free(above)), (Ok(()), Ok(())));
}
