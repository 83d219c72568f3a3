//! What is free makes way for huge blocks where they come to much more than ever, and then only: alone in a program, as it counts pages.

mod usage_support;

use core::alloc::Layout;
use core::ptr::NonNull;

use memalloc_os::process;
use usage_support::{page_faults, resident_bytes};

const PAGE: usize = 4096;
const LONG: usize = 100 << 10;
/// So many are 20 MB.
const COUNT: usize = 200;
/// So many of them are freed.
const HOLES: usize = COUNT / 2;
/// More than is kept once it is freed.
const HUGE: usize = 64 << 20;

fn block(size: usize) -> NonNull<u8> {
    process::allocate(Layout::from_size_align(size, 16).unwrap()).expect("there is memory")
}

fn free(block: NonNull<u8>) {
    // SAFETY: the block is used no more.
    assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
}

/// So many long blocks that were written to.
fn written(count: usize) -> Vec<NonNull<u8>> {
    let written = |_| {
        let block = block(LONG);
        // SAFETY: the block has these bytes.
        unsafe { block.write_bytes(1, LONG) };
        block
    };
    (0..count).map(written).collect()
}

#[test]
fn what_is_free_makes_way_for_a_peak_and_stays_where_there_is_none() {
    // Between those that are freed some stay, so that no region goes.
    let kept: Vec<_> = written(COUNT)
        .into_iter()
        .enumerate()
        .filter_map(|(number, block)| {
            if number % 2 == 0 {
                return Some(block);
            }
            free(block);
            None
        })
        .collect();
    let before = resident_bytes();
    // The blocks lie in 24 MiB: these come to half of that, and then to more than two thirds.
    let half = block(12 << 20);
    assert!(resident_bytes() > before - HOLES * LONG / 8, "{} after {before}", resident_bytes());
    let more = block(5 << 20);
    assert!(resident_bytes() < before - HOLES * LONG / 2, "{} after {before}", resident_bytes());
    [half, more].into_iter().for_each(free);
    free(block(HUGE));

    written(HOLES).into_iter().for_each(free);
    let faults = page_faults();
    for _ in 0..10 {
        free(block(HUGE + HUGE / 32));
        written(HOLES).into_iter().for_each(free);
    }
    let faults = page_faults() - faults;
    assert!(faults < HOLES * LONG / PAGE / 8, "{faults} page faults, where all was there before");
    kept.into_iter().for_each(free);
    assert_eq!(process::check(), Ok(()));
}
