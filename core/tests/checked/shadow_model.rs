//! The heap against its shadow, in every configuration, with the full check after each operation.
//!
//! `MEMALLOC_MODEL_OPERATIONS` says how many operations each runs, shared among the modes (20,000 otherwise; use `--release` for a million).

use core::mem::MaybeUninit;

use memalloc_core::{ArenaSource, BlocksSource, Compact, General, Heap, Local, Mode, PageSource, RealTime};

use crate::fuzz::model::Model;
use crate::fuzz::model::operations::{Random, step};
use crate::fuzz::model::source::{Refusals, Terms, TestSource};
use crate::fuzz::model::zeros::Zeros;

fn operations() -> usize {
    let given = std::env::var("MEMALLOC_MODEL_OPERATIONS").ok();
    given.map_or(20_000, |count| count.parse().expect("MEMALLOC_MODEL_OPERATIONS is a number"))
}

/// Runs the modes for any source over sources made for a seed, a third of the operations each.
fn run<S: PageSource>(new_source: impl Fn(u64) -> S, scale: usize) {
    run_mode::<S, General>(&new_source, scale, operations() / 3);
    run_mode::<S, RealTime>(&new_source, scale, operations() / 3);
    run_mode::<S, Local>(&new_source, scale, operations() / 3);
}

fn run_mode<S: PageSource, M: Mode>(new_source: &impl Fn(u64) -> S, scale: usize, operations: usize) {
    let mut left = operations;
    let mut seed = 0;
    while left > 0 {
        let mut model = Model::new(Heap::<S, M>::with_mode(new_source(seed)));
        let mut random = Random::new(seed);
        let count = left.min(5000);
        for _ in 0..count {
            step(&mut model, &mut random, scale);
        }
        // Dropped with blocks in use, a heap gives its memory back all the same: the source sees to that.
        if seed.is_multiple_of(2) {
            model.finish();
        }
        left -= count;
        seed += 1;
    }
}

fn leak(size: usize) -> &'static mut [MaybeUninit<u8>] {
    Box::leak(vec![MaybeUninit::new(0xc5); size].into_boxed_slice())
}

fn arena(size: usize, scale: usize) {
    let source = |seed| ArenaSource::new(leak(size - seed as usize % 64));
    run(source, scale);
    run_mode::<_, Compact>(&source, scale, operations());
}

#[test]
fn arena_of_4_kib() {
    arena(4 << 10, 512);
}

#[test]
fn arena_of_16_kib_not_aligned() {
    run(|seed| ArenaSource::new(&mut leak(16 << 10)[1 + seed as usize % 15..]), 1024);
}

#[test]
fn arena_of_64_kib() {
    arena(64 << 10, 4096);
}

#[test]
fn arena_of_1_mib() {
    arena(1 << 20, 64 << 10);
}

#[test]
fn arena_of_4_mib() {
    arena(4 << 20, 64 << 10);
}

#[test]
fn arena_of_32_mib() {
    run_mode::<_, General>(
        &|seed| ArenaSource::new(leak((32 << 20) + seed as usize % 64)),
        8192,
        operations(),
    );
}

#[test]
fn blocks_that_do_not_touch() {
    let source = |_| {
        let mut source = BlocksSource::<5>::new();
        for size in [3000, 20_000, 70_000, 5000, 900] {
            source.add(leak(size)).unwrap();
        }
        source
    };
    run(source, 4096);
}

#[test]
fn source_that_grows() {
    let terms = Terms::varying(4 << 20, 1 << 20, Refusals::No);
    run(|seed| TestSource::<false>::new(terms, seed), 8192);
}

#[test]
fn arena_of_zeros() {
    let source = |seed| Zeros::new(ArenaSource::new(leak((256 << 10) - seed as usize % 64)));
    run(source, 8192);
    run_mode::<_, Compact>(&source, 8192, operations());
}

#[test]
fn source_of_zeros_that_grows() {
    let terms = Terms::varying(4 << 20, 1 << 20, Refusals::No);
    run(|seed| TestSource::<true>::new(terms, seed), 8192);
}

#[test]
fn source_that_grows_far() {
    let terms = Terms::varying(32 << 20, 16 << 20, Refusals::No);
    run(|seed| TestSource::<false>::new(terms, seed), 64 << 10);
}

#[test]
fn source_that_refuses_every_other_request() {
    let terms = Terms::varying(256 << 10, 64 << 10, Refusals::OneIn(2));
    run(|seed| TestSource::<false>::new(terms, seed), 2048);
}

/// Whichever request is refused, the heap stays whole, and the next that can be had is.
#[test]
fn source_that_refuses_the_nth_request() {
    for nth in 1..40 {
        let terms = Terms::varying(1 << 20, 1 << 20, Refusals::Nth(nth));
        let mut model = Model::new(Heap::new(TestSource::<false>::new(terms, nth as u64)));
        let layout = core::alloc::Layout::from_size_align(4000, 16).unwrap();
        let mut refused = 0;
        for _ in 0..120 {
            refused += usize::from(model.allocate(layout).is_none());
            model.check();
        }
        assert!(refused <= 1, "{refused} refusals for one of the source's");
        model.finish();
    }
}
