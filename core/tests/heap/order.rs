//! In what order blocks are handed out that were freed at random.

use std::alloc::Layout;
use std::ptr::NonNull;

use crate::local::{Local, heap};

const COUNT: usize = 400_000;
/// What two blocks of which one is handed out after the other may be apart, to be near.
const NEAR: usize = 4096;

fn allocate(heap: &mut Local, count: usize) -> Vec<NonNull<u8>> {
    (0..count).map(|_| heap.allocate(Layout::new::<[u64; 4]>()).unwrap()).collect()
}

fn free(heap: &mut Local, blocks: &[NonNull<u8>]) {
    // SAFETY: the blocks are used no more.
    blocks.iter().for_each(|&block| assert_eq!(unsafe { heap.deallocate(block) }, Ok(())));
}

pub(crate) fn shuffle(blocks: &mut [NonNull<u8>]) {
    let mut random = 1_u64;
    for index in (1..blocks.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        blocks.swap(index, (random >> 33) as usize % (index + 1));
    }
}

/// How many blocks of 100 were handed out near the one before.
pub(crate) fn near(blocks: &[NonNull<u8>]) -> usize {
    let is_near = |pair: &&[NonNull<u8>]| pair[0].addr().get().abs_diff(pair[1].addr().get()) < NEAR;
    100 * blocks.windows(2).filter(is_near).count() / blocks.len()
}

#[test]
fn after_all_was_freed_at_random_neighbours_are_handed_out_one_after_another() {
    let mut heap = heap();
    let mut blocks = allocate(&mut heap, COUNT);
    for _ in 0..4 {
        shuffle(&mut blocks);
        assert!(near(&blocks) < 10);
        free(&mut heap, &blocks);
        blocks = allocate(&mut heap, COUNT);
        assert!(near(&blocks) > 95, "{} %", near(&blocks));
    }
    assert_eq!(heap.check(), Ok(()));
}

#[test]
fn what_waits_between_blocks_in_use_is_handed_out_from_the_bottom_up() {
    is_handed_out_in_order_after(Local::tidy);
}

#[test]
fn so_it_is_after_many_requests() {
    is_handed_out_in_order_after(ask_often);
}

#[test]
fn while_as_many_come_and_go_what_was_freed_last_is_handed_out_next() {
    let mut heap = heap();
    let mut blocks = allocate(&mut heap, COUNT);
    shuffle(&mut blocks);
    free(&mut heap, &blocks.split_off(COUNT - COUNT / 10));
    for &block in &blocks {
        free(&mut heap, &[block]);
        assert_eq!(allocate(&mut heap, 1), [block]);
    }
    assert_eq!(heap.check(), Ok(()));
}

#[test]
fn what_was_freed_is_put_in_order_if_it_is_a_large_part() {
    // What large heaps have is in no cache, and order is worth more.
    for (count, part, is_ordered) in
        [(COUNT, 7, true), (COUNT, 9, false), (COUNT / 4, 3, true), (COUNT / 4, 5, false)]
    {
        let mut heap = heap();
        let mut blocks = allocate(&mut heap, count);
        shuffle(&mut blocks);
        free(&mut heap, &blocks[..count / part]);
        ask_often(&mut heap);
        assert_eq!(near(&allocate(&mut heap, count / part)) > 98, is_ordered, "{count} / {part}");
    }
}

fn ask_often(heap: &mut Local) {
    for _ in 0..1000 {
        let block = allocate(heap, 1);
        free(heap, &block);
    }
}

fn is_handed_out_in_order_after(see_to: fn(&mut Local)) {
    let mut heap = heap();
    let blocks = allocate(&mut heap, COUNT);
    let (kept, mut freed): (Vec<_>, Vec<_>) = blocks.chunks(2).map(|pair| (pair[0], pair[1])).unzip();
    shuffle(&mut freed);
    free(&mut heap, &freed);
    see_to(&mut heap);
    assert_eq!(heap.check(), Ok(()));
    let again = allocate(&mut heap, freed.len());
    assert!(near(&again) > 95, "{} %", near(&again));
    freed.sort();
    let mut sorted = again.clone();
    sorted.sort();
    assert_eq!(sorted, freed);
    free(&mut heap, &again);
    free(&mut heap, &kept);
    heap.tidy();
    assert_eq!((heap.totals().used(), heap.totals().waiting(), heap.check()), (0, 0, Ok(())));
}
