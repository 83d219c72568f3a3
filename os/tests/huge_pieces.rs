//! What huge blocks left in several places serves one that is larger than each: alone in a program, as it counts pages.

mod thread_support;
mod usage_support;

use std::alloc::Layout;
use std::slice;

use memalloc_os::process;

use thread_support::{Block, allocate, free};
use usage_support::{page_faults, resident_bytes};

const MIB: usize = 1 << 20;

fn layout(mib: usize) -> Layout {
    Layout::from_size_align(mib * MIB, 16).unwrap()
}

fn fill(block: Block, mib: usize) {
    // SAFETY: the block has these bytes.
    unsafe { block.0.write_bytes(5, mib * MIB) };
}

#[test]
fn what_lies_idle_in_pieces_serves_a_larger_block_without_new_pages() {
    // From then on as much is kept.
    assert_eq!(free(allocate(layout(28))), Ok(()));
    let (left, between): (Vec<_>, Vec<_>) =
        (0..3).map(|_| (allocate(layout(8)), allocate(layout(4)))).unzip();
    for block in left {
        fill(block, 8);
        assert_eq!(free(block), Ok(()));
    }
    let held = process::totals().source();

    let before = page_faults();
    let block = allocate(layout(20));
    fill(block, 20);
    assert!(page_faults() - before < 20 * MIB / 4096 / 10, "{}", page_faults() - before);
    assert_eq!((process::totals().source(), free(block)), (held, Ok(())));

    let zeroed = process::allocate_zeroed(layout(28)).map(Block).unwrap();
    // SAFETY: the block has these bytes.
    let bytes = unsafe { slice::from_raw_parts(zeroed.0.as_ptr(), 28 * MIB) };
    assert!(bytes.iter().all(|&byte| byte == 0));
    assert_eq!(process::totals().source(), held + 4 * MIB);
    assert_eq!((free(zeroed), process::check()), (Ok(()), Ok(())));
    between.into_iter().for_each(|block| assert_eq!(free(block), Ok(())));

    a_block_of_any_size_takes_in_what_there_is();
    a_block_grows_by_what_lies_idle_and_moves_without_a_copy();
    a_block_takes_no_more_of_what_is_idle_than_it_grows_by();
    what_is_idle_serves_what_grows_where_it_is();
    what_is_idle_in_pieces_serves_regions();
    next_to_nothing_lies_beyond_the_ends();
    what_two_need_in_turns_stays();
}

/// Five slots that lie idle apart from each other, and what lies between them.
fn leave_apart() -> Vec<Block> {
    process::trim();
    let (left, between): (Vec<_>, Vec<_>) =
        (0..5).map(|_| (allocate(layout(4)), allocate(layout(4)))).unzip();
    for block in left {
        fill(block, 4);
        assert_eq!(free(block), Ok(()));
    }
    between
}

fn a_block_of_any_size_takes_in_what_there_is() {
    let between = leave_apart();
    let before = page_faults();
    let block = allocate(layout(60));
    fill(block, 60);
    assert!(page_faults() - before < 41 * MIB / 4096, "{}", page_faults() - before);
    assert_eq!(free(block), Ok(()));
    between.into_iter().for_each(|block| assert_eq!(free(block), Ok(())));
}

fn a_block_grows_by_what_lies_idle_and_moves_without_a_copy() {
    let between = leave_apart();
    let mut block = allocate(layout(12));
    fill(block, 12);
    for (had, mib, new) in [(12, 20, 0), (20, 60, 40)] {
        let before = page_faults();
        // SAFETY: the block is used by its newest pointer alone, and has these bytes.
        unsafe {
            block = Block(process::resize(block.0, mib * MIB).unwrap().unwrap());
            let kept = slice::from_raw_parts(block.0.as_ptr(), had * MIB);
            assert!(kept.iter().all(|&byte| byte == 5), "to {mib}");
        }
        fill(block, mib);
        assert!(page_faults() - before < (new + 1) * MIB / 4096, "{} to {mib}", page_faults() - before);
    }
    assert_eq!((free(block), process::check()), (Ok(()), Ok(())));
    between.into_iter().for_each(|block| assert_eq!(free(block), Ok(())));
}

/// Resizes a block that is used by its newest pointer alone, and has `had` MiB.
fn grow(block: &mut Block, had: usize, mib: usize) {
    // SAFETY: as said.
    unsafe {
        *block = Block(process::resize(block.0, mib * MIB).unwrap().unwrap());
        let kept = slice::from_raw_parts(block.0.as_ptr(), had * MIB);
        assert!(kept.iter().all(|&byte| byte == 5), "{had} to {mib}");
    }
    fill(*block, mib);
}

fn a_block_takes_no_more_of_what_is_idle_than_it_grows_by() {
    process::trim();
    // One mapping, as nothing is idle.
    let mut block = allocate(layout(12));
    fill(block, 12);
    let between = leave_apart();
    let before = page_faults();
    grow(&mut block, 12, 20);
    let other = allocate(layout(12));
    fill(other, 12);
    assert!(page_faults() - before < MIB / 4096, "{}", page_faults() - before);
    for block in between.into_iter().chain([block, other]) {
        assert_eq!(free(block), Ok(()));
    }
}

fn what_is_idle_serves_what_grows_where_it_is() {
    process::trim();
    let mut block = allocate(layout(4));
    fill(block, 4);
    // It moves to the start of a slot, below what it may have next.
    let mut grown = allocate(layout(3));
    fill(grown, 3);
    grow(&mut grown, 3, 5);
    let was = grown;
    assert_eq!(free(block), Ok(()));
    let before = page_faults();
    grow(&mut grown, 5, 8);
    assert_eq!(grown.0, was.0, "there is room");
    assert!(page_faults() - before < MIB / 4096, "{}", page_faults() - before);
    block = grown;
    assert_eq!(free(block), Ok(()));
}

fn what_is_idle_in_pieces_serves_regions() {
    process::trim();
    let written = |size: usize| {
        let block = allocate(Layout::from_size_align(size, 16).unwrap());
        // SAFETY: the block has these bytes.
        unsafe { block.0.write_bytes(5, size) };
        block
    };
    // Neither of those that are idle has room for a region.
    let blocks = [(); 5].map(|()| written(13 << 18));
    for number in [1, 3] {
        assert_eq!(free(blocks[number]), Ok(()));
    }
    // Five fill a region: those that are there at first.
    let of_old: Vec<_> = (0..5).map(|_| written(3 << 18)).collect();
    let before = page_faults();
    let of_new: Vec<_> = (0..5).map(|_| written(3 << 18)).collect();
    assert!(page_faults() - before < MIB / 4096 * 3 / 2, "{}", page_faults() - before);
    for block in of_old.into_iter().chain(of_new).chain([0, 2, 4].map(|number| blocks[number])) {
        assert_eq!(free(block), Ok(()));
    }
}

/// Blocks of a little more than a slot each, of slots that were full.
fn next_to_nothing_lies_beyond_the_ends() {
    process::trim();
    let before = resident_bytes();
    // Beside regions of so many bytes, half as many are kept.
    let others: Vec<_> =
        (0..80).map(|_| allocate(Layout::from_size_align(19 * MIB / 10, 16).unwrap())).collect();
    // The second is kept.
    for _ in 0..2 {
        let block = allocate(layout(64));
        fill(block, 64);
        assert_eq!(free(block), Ok(()));
    }
    let faults = page_faults();
    let blocks = [(); 8].map(|()| allocate(layout(5)));
    blocks.iter().for_each(|&block| fill(block, 5));
    assert!(page_faults() - faults < MIB / 4096, "{}", page_faults() - faults);
    // What they do not need is idle, and goes.
    process::trim();
    let (used, held) = (40 * MIB, resident_bytes() - before);
    assert!((used..used + 3 * MIB).contains(&held), "{held} bytes for {used}");
    for block in blocks.into_iter().chain(others) {
        assert_eq!(free(block), Ok(()));
    }
    assert_eq!(process::check(), Ok(()));
}

fn what_two_need_in_turns_stays() {
    process::trim();
    let full = [allocate(layout(4)), allocate(layout(4))];
    for block in full {
        fill(block, 4);
        assert_eq!(free(block), Ok(()));
    }
    let before = page_faults();
    for mib in [3, 4].repeat(20) {
        let block = allocate(layout(mib));
        fill(block, mib);
        assert_eq!(free(block), Ok(()));
    }
    assert!(page_faults() - before < MIB / 4096, "{}", page_faults() - before);
}
