//! The heap against its shadow, in every configuration, with the full check after each operation.
//!
//! `MEMALLOC_MODEL_OPERATIONS` says how many operations each runs, shared among the modes (20,000 otherwise; use `--release` for a million).

use core::mem::MaybeUninit;

use memalloc_core::{ArenaSource, BlocksSource, Compact, General, Heap, Local, Mode, PageSource, RealTime};

use crate::fuzz::model::Model;
use crate::fuzz::model::operations::{Random, step};
use crate::fuzz::model::source::TestSource;
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
    run(|seed| TestSource::new(4 << 20, 1 << 20, u64::MAX, seed), 8192);
}

#[test]
fn arena_of_zeros() {
    let source = |seed| Zeros::new(ArenaSource::new(leak((256 << 10) - seed as usize % 64)));
    run(source, 8192);
    run_mode::<_, Compact>(&source, 8192, operations());
}

#[test]
fn source_of_zeros_that_grows() {
    run(|seed| Zeros::new(TestSource::new(4 << 20, 1 << 20, u64::MAX, seed)), 8192);
}

#[test]
fn source_that_grows_far() {
    run(|seed| TestSource::new(32 << 20, 16 << 20, u64::MAX, seed), 64 << 10);
}

#[test]
fn source_that_refuses_every_other_request() {
    run(|seed| TestSource::new(256 << 10, 64 << 10, 2, seed), 2048);
}

/// Whichever request is refused, the heap stays whole, and the next that can be had is.
#[test]
fn source_that_refuses_the_nth_request() {
    struct RefuseNth(TestSource, usize, usize);
    // SAFETY: it lends what the inner source lends.
    unsafe impl PageSource for RefuseNth {
        const ALIGN: usize = TestSource::ALIGN;
        fn largest(&self) -> usize {
            self.0.largest()
        }
        unsafe fn request(&mut self, min: usize) -> Option<std::ptr::NonNull<[u8]>> {
            self.1 += 1;
            // SAFETY: as the caller says.
            if self.1 == self.2 { None } else { unsafe { self.0.request(min) } }
        }
        unsafe fn release(&mut self, block: std::ptr::NonNull<[u8]>) {
            // SAFETY: the block is the inner source's.
            unsafe { self.0.release(block) };
        }
        fn block_of(&self, address: usize) -> Option<std::ptr::NonNull<u8>> {
            self.0.block_of(address)
        }
    }
    for nth in 1..40 {
        let source = RefuseNth(TestSource::new(1 << 20, 1 << 20, u64::MAX, nth as u64), 0, nth);
        let mut model = Model::new(Heap::new(source));
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
