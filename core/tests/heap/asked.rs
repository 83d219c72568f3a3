//! Which sizes wait in a heap of one thread: those that are asked for.

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_core::GRANULE;

use crate::local::{Local, SPAN, heap};

/// A size that is asked for, and one that such blocks have once they shrank.
const WHOLE: usize = 16 * GRANULE;
const SHRUNK: usize = 10 * GRANULE;
const COUNT: usize = 100;

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

fn allocate(heap: &mut Local, size: usize) -> NonNull<u8> {
    heap.allocate(layout(size)).unwrap()
}

fn free(heap: &mut Local, block: NonNull<u8>) {
    // SAFETY: the block is used no more.
    assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
}

fn resize(heap: &mut Local, block: NonNull<u8>, size: usize) -> NonNull<u8> {
    // SAFETY: the block is used no more where it was.
    unsafe { heap.resize(block, size) }.unwrap().unwrap()
}

fn shrunk(heap: &mut Local) -> Vec<NonNull<u8>> {
    let whole: Vec<_> = (0..COUNT).map(|_| allocate(heap, WHOLE)).collect();
    whole.into_iter().map(|block| resize(heap, block, SHRUNK)).collect()
}

/// How many more wait once the blocks are freed.
fn waiting_of(heap: &mut Local, blocks: Vec<NonNull<u8>>) -> usize {
    let before = heap.totals().waiting_chunks();
    blocks.into_iter().for_each(|block| free(heap, block));
    assert_eq!(heap.check(), Ok(()));
    heap.totals().waiting_chunks() - before
}

#[test]
fn blocks_of_a_size_that_nobody_asked_for_do_not_wait() {
    let mut heap = heap();
    let blocks = shrunk(&mut heap);
    assert_eq!(waiting_of(&mut heap, blocks), 0);
    let whole = (0..COUNT).map(|_| allocate(&mut heap, WHOLE)).collect();
    assert_eq!(waiting_of(&mut heap, whole), COUNT);
}

#[test]
fn nor_does_what_is_cut_off_one() {
    let mut heap = heap();
    for _ in 0..COUNT {
        let block = allocate(&mut heap, WHOLE);
        let before = heap.totals().waiting_chunks();
        // SAFETY: the block is used no more where it was.
        let shrunk = unsafe { heap.reallocate(block, layout(WHOLE), SHRUNK) };
        assert_eq!((shrunk, heap.totals().waiting_chunks()), (Some(block), before));
    }
}

#[test]
fn they_do_once_it_was_asked_for_even_aligned() {
    for align in [8, 64] {
        let mut heap = heap();
        let blocks = shrunk(&mut heap);
        heap.allocate(Layout::from_size_align(SHRUNK, align).unwrap()).unwrap();
        assert_eq!(waiting_of(&mut heap, blocks), COUNT);
    }
}

#[test]
fn they_do_not_once_nobody_asks_for_it_any_more() {
    let mut heap = heap();
    let blocks = shrunk(&mut heap);
    allocate(&mut heap, SHRUNK);
    heap.tidy();
    let waiting = shrunk(&mut heap);
    assert_eq!(waiting_of(&mut heap, waiting), COUNT);
    heap.tidy();
    assert_eq!(waiting_of(&mut heap, blocks), 0);
}

#[test]
fn nor_do_those_that_waited_until_then() {
    let mut heap = heap();
    let blocks = shrunk(&mut heap);
    allocate(&mut heap, SHRUNK);
    // Between two that are in use each is in a row of its own, too short to be coalesced.
    blocks.into_iter().step_by(2).for_each(|block| free(&mut heap, block));
    heap.tidy();
    assert_eq!((heap.totals().waiting_chunks(), heap.check()), (COUNT / 2, Ok(())));
    heap.tidy();
    assert_eq!((heap.totals().waiting_chunks(), heap.check()), (0, Ok(())));
}

#[test]
fn a_size_served_by_what_waits_alone_is_noticed_to_be_asked_for() {
    let mut heap = heap();
    let mut blocks = shrunk(&mut heap);
    allocate(&mut heap, SHRUNK);
    free(&mut heap, blocks.swap_remove(COUNT / 2));
    heap.tidy();
    assert_eq!(heap.totals().waiting_chunks(), 1);
    for _ in 0..10_000 {
        let block = allocate(&mut heap, SHRUNK);
        assert_eq!(heap.totals().waiting_chunks(), 0);
        free(&mut heap, block);
    }
    heap.tidy();
    assert_eq!(waiting_of(&mut heap, blocks), COUNT - 1);
}

#[test]
fn lines_that_are_read_into_buffers_and_then_cut_to_their_length_take_as_much_as_without_waiting() {
    let (mut heap, mut random) = (heap(), 8_u64);
    let mut below = |limit: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % limit
    };
    let mut lines: Vec<NonNull<u8>> = Vec::new();
    for _ in 0..150_000 {
        let longest = if below(10) == 0 { 4000 } else { 200 };
        let length = below(longest) + 1;
        let mut line = allocate(&mut heap, 32);
        for capacity in (6..).map(|bits| 1 << bits).take_while(|capacity| capacity / 2 < length) {
            line = resize(&mut heap, line, capacity);
        }
        line = resize(&mut heap, line, length + 1);
        if lines.len() < 20_000 {
            lines.push(line);
        } else {
            free(&mut heap, std::mem::replace(&mut lines[below(20_000)], line));
        }
    }
    let held = heap.totals().source();
    assert!(held <= 3 * SPAN, "{held} bytes are held for some 6 MB");
}
