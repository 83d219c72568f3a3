//! A heap that goes up and down by a few regions keeps their pages; one that shrinks to nothing keeps none for long.

mod usage_support;

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::VecDeque;
use std::thread::sleep;
use std::time::Duration;

use memalloc_os::process;
use rustix::param::page_size;
use usage_support::{page_faults, resident_bytes};

/// Four of them fill a region.
const SIZE: usize = 1 << 20;

/// Adds so many blocks, all written to.
fn add(blocks: &mut VecDeque<NonNull<u8>>, count: usize) {
    blocks.extend((0..count).map(|_| {
        let block = process::allocate(Layout::from_size_align(SIZE, 16).unwrap()).expect("there is memory");
        // SAFETY: the block has these bytes.
        unsafe { block.write_bytes(1, SIZE) };
        block
    }));
}

fn free(blocks: &mut VecDeque<NonNull<u8>>, count: usize) {
    for block in blocks.drain(..count) {
        // SAFETY: the block is used no more.
        assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
    }
}

#[test]
fn a_heap_that_goes_up_and_down_keeps_pages_and_one_that_shrinks_does_not() {
    let (before, mut blocks) = (resident_bytes(), VecDeque::new());
    add(&mut blocks, 40);
    let round = |blocks: &mut VecDeque<_>| {
        free(blocks, 12);
        add(blocks, 12);
    };
    (0..5).for_each(|_| round(&mut blocks));
    let faults = page_faults();
    (0..50).for_each(|_| round(&mut blocks));
    let faults = page_faults() - faults;
    assert!(
        faults < 50 * SIZE / page_size(),
        "{faults} page faults, where blocks of 600 MiB were written to"
    );

    // Zeros are asked for where regions hold what they held.
    free(&mut blocks, 12);
    for _ in 0..12 {
        let layout = Layout::from_size_align(SIZE, 16).unwrap();
        let block = process::allocate_zeroed(layout).expect("there is memory");
        // SAFETY: the block has these bytes.
        assert!(unsafe { block.cast::<[u8; SIZE]>().as_ref() }.iter().all(|&byte| byte == 0));
        blocks.push_back(block);
    }

    free(&mut blocks, 40);
    sleep(Duration::from_millis(2100));
    for _ in 0..16 {
        add(&mut blocks, 1);
        free(&mut blocks, 1);
    }
    // Two regions with the last blocks and the spare one.
    assert!(resident_bytes() < before + (16 << 20), "{} after {before}", resident_bytes());
    assert!(process::trim() > 0);
    assert!(resident_bytes() < before + (4 << 20), "{} after {before}", resident_bytes());
    assert_eq!(process::check(), Ok(()));
}
