//! Blocks of an arena that wait in no list, as their lists were full.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use memalloc_core::{ArenaSource, BlocksSource, FreeError, Heap, PageSource};

use crate::order::{near, shuffle};

const COUNT: usize = 60_000;
/// Of so many that are freed, a list has the last few.
const DEEPEST: usize = 4096;

type General = Heap<ArenaSource>;

fn heap() -> General {
    heap_of(16 << 20)
}

fn heap_of(bytes: usize) -> General {
    Heap::new(ArenaSource::new(memory(bytes)))
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

fn memory(size: usize) -> &'static mut [MaybeUninit<u8>] {
    vec![MaybeUninit::uninit(); size].leak()
}

fn allocate(heap: &mut General, count: usize) -> Vec<NonNull<u8>> {
    allocate_of(32, heap, count)
}

fn allocate_of(size: usize, heap: &mut General, count: usize) -> Vec<NonNull<u8>> {
    (0..count).map(|_| heap.allocate(layout(size)).unwrap()).collect()
}

fn free(heap: &mut General, blocks: &[NonNull<u8>]) {
    // SAFETY: the blocks are used no more.
    blocks.iter().for_each(|&block| assert_eq!(unsafe { heap.deallocate(block) }, Ok(())));
}

/// A heap in which blocks wait that were freed at random, and these.
fn freed_at_random() -> (General, Vec<NonNull<u8>>) {
    let mut heap = heap();
    let mut blocks = allocate(&mut heap, COUNT);
    shuffle(&mut blocks);
    free(&mut heap, &blocks);
    (heap, blocks)
}

#[test]
fn all_of_them_wait_and_are_known() {
    all_wait(heap(), 32, COUNT);
    // Longer than an entry of the map.
    all_wait(heap_of(64 << 20), 1040, 2 * DEEPEST);
}

fn all_wait(mut heap: General, size: usize, count: usize) {
    let mut blocks = allocate_of(size, &mut heap, count);
    shuffle(&mut blocks);
    free(&mut heap, &blocks);
    let totals = heap.totals();
    assert_eq!((totals.used(), totals.used_chunks()), (0, 0));
    let least = if cfg!(for_size) { DEEPEST } else { count };
    assert!(totals.waiting_chunks() >= least && totals.waiting() == size * totals.waiting_chunks());
    assert_eq!(heap.check(), Ok(()));
    for &block in &blocks {
        // SAFETY: no block in use starts there.
        assert_eq!(unsafe { heap.deallocate(block) }, Err(FreeError::AlreadyFree));
    }
}

#[test]
#[cfg_attr(for_size, ignore = "where size is what counts, what is freed to a full list is coalesced")]
fn those_that_were_freed_last_are_handed_out_first_and_then_neighbours_one_after_another() {
    let (mut heap, mut freed) = freed_at_random();
    for _ in 0..3 {
        let mut blocks = allocate(&mut heap, COUNT);
        assert_eq!(heap.check(), Ok(()));
        let last = DEEPEST / 4;
        assert!(blocks[..last].iter().eq(freed.iter().rev().take(last)));
        let gathered = &blocks[DEEPEST..];
        assert!(near(gathered) > 95, "{} %", near(gathered));
        let ascending = gathered.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!(ascending * 100 > gathered.len() * 99, "{ascending}");
        shuffle(&mut blocks);
        free(&mut heap, &blocks);
        freed = blocks;
    }
}

#[test]
fn all_is_one_chunk_again_for_who_needs_it() {
    // Of the fewer, but one is in a list.
    for count in [COUNT, DEEPEST + 1] {
        let mut heap = heap();
        let blocks = allocate(&mut heap, count);
        free(&mut heap, &blocks);
        assert!(heap.allocate(layout(15 << 20)).is_some());
        assert_eq!(heap.totals().waiting_chunks(), 0);
        assert_eq!(heap.check(), Ok(()));
    }
}

/// Of two sizes, so that some of both wait, blocks come and go.
#[test]
fn they_are_counted_as_they_come_and_go() {
    let mut heap = heap();
    let mut blocks: Vec<_> = allocate(&mut heap, COUNT);
    blocks.extend((0..COUNT / 2).map(|_| heap.allocate(layout(80)).unwrap()));
    for round in 0..6 {
        shuffle(&mut blocks);
        let rest = blocks.split_off(blocks.len() / 3);
        free(&mut heap, &blocks);
        assert_eq!(heap.check(), Ok(()), "{round}");
        blocks = rest;
        let more = COUNT / 3 + round * 1000;
        blocks.extend((0..more).map(|at| heap.allocate(layout(if at % 3 == 0 { 80 } else { 32 })).unwrap()));
        assert_eq!(heap.totals().used_chunks(), blocks.len());
        assert_eq!(heap.check(), Ok(()), "{round}");
    }
    free(&mut heap, &blocks);
    heap.flush();
    assert_eq!((heap.totals().waiting(), heap.totals().used()), (0, 0));
}

#[test]
fn nobody_is_given_what_another_has() {
    come_and_go(heap());
    let mut source = BlocksSource::<3>::new();
    (0..3).for_each(|_| source.add(memory(8 << 20)).unwrap());
    come_and_go(Heap::new(source));
}

/// Blocks are freed at random, or all but a few, and allocated again, some aligned, some long; in each is written which it is.
fn come_and_go<S: PageSource>(mut heap: Heap<S>) {
    let (mut blocks, mut next, mut random) = (Vec::new(), 0_u64, 1_u64);
    let mut below = |limit: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % limit
    };
    for round in 0..30 {
        for _ in 0..15_000 + below(30_000) {
            let long = if below(5000) == 0 { 500_000 } else { 0 };
            let align = if below(50) == 0 { 8 << below(5) } else { 8 };
            let layout = Layout::from_size_align(16 * (1 + below(4)) + long, align).unwrap();
            let Some(block) = heap.allocate(layout) else { break };
            // SAFETY: the block has a word.
            unsafe { block.cast::<u64>().write(next) };
            blocks.push((block, layout, next));
            next += 1;
        }
        assert_eq!(heap.check(), Ok(()), "{round}");
        assert_eq!(heap.totals().used_chunks(), blocks.len());
        let left = if round == 29 { 0 } else { below(blocks.len()) };
        while blocks.len() > left {
            let (block, layout, number) = blocks.swap_remove(below(blocks.len()));
            // SAFETY: the block is in use, and has a word.
            assert_eq!(unsafe { block.cast::<u64>().read() }, number);
            // SAFETY: it is used no more.
            let freed = unsafe {
                if number % 2 == 0 { heap.deallocate(block) } else { heap.deallocate_sized(block, layout) }
            };
            assert_eq!(freed, Ok(()));
        }
        assert_eq!(heap.check(), Ok(()), "{round}");
    }
    heap.flush();
    assert_eq!((heap.totals().waiting(), heap.totals().used()), (0, 0));
}
