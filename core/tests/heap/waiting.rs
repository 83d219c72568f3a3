//! When blocks may wait, in general mode, where no other memory is to come.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use memalloc_core::{
    ArenaSource, BlocksSource, FreeError, GRANULE, General, Heap, Mode, PageSource, RealTime,
};

const ARENA: usize = 1 << 20;

fn memory(size: usize) -> &'static mut [MaybeUninit<u8>] {
    Box::leak(vec![MaybeUninit::uninit(); size].into_boxed_slice())
}

fn heap<M: Mode>(size: usize) -> Heap<ArenaSource, M> {
    Heap::with_mode(ArenaSource::new(memory(size)))
}

/// A heap over pieces of memory, as many as there are sizes.
fn heap_over<M: Mode, const N: usize>(sizes: [usize; N]) -> Heap<BlocksSource<N>, M> {
    let mut source = BlocksSource::new();
    for size in sizes {
        source.add(memory(size)).expect("there is a place for each");
    }
    Heap::with_mode(source)
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("a small layout")
}

fn free<S: PageSource>(heap: &mut Heap<S>, block: NonNull<u8>, size: usize) {
    // SAFETY: nobody uses the block.
    assert_eq!(unsafe { heap.deallocate_sized(block, layout(size)) }, Ok(()));
}

/// Whether any block waits once two are freed.
fn may_wait<S: PageSource>(heap: &mut Heap<S>) -> bool {
    let blocks = [(); 2].map(|()| heap.allocate(layout(72)).expect("there is room"));
    for block in blocks {
        free(heap, block, 72);
    }
    assert_eq!(heap.check(), Ok(()));
    heap.totals().waiting_chunks() > 0
}

#[test]
fn blocks_wait_only_while_a_long_chunk_is_free() {
    let mut heap = heap::<General>(ARENA);
    assert!(may_wait(&mut heap));
    let mut blocks: Vec<_> = std::iter::from_fn(|| heap.allocate(layout(100))).collect();
    assert_eq!(heap.totals().waiting_chunks(), 0);

    // The lists' memory is among the rest.
    blocks.sort_by_key(|&block| std::cmp::Reverse(block));
    let freed = blocks.split_off(blocks.len() / 8 * 7);
    for block in freed.into_iter().step_by(2) {
        free(&mut heap, block, 100);
    }
    assert!(!may_wait(&mut heap));
    assert_eq!(heap.totals().waiting_chunks(), 0);

    while let Some(block) = blocks.pop() {
        free(&mut heap, block, 100);
    }
    assert!(may_wait(&mut heap));
    assert_eq!(heap.check(), Ok(()));
}

#[test]
fn blocks_wait_while_another_long_piece_of_memory_is_to_come() {
    let mut heap = heap_over([ARENA, ARENA, 4096]);
    let take_most =
        |heap: &mut Heap<_>| heap.allocate(layout(ARENA / 20 * 19)).expect("there is a piece for it");
    let _first = take_most(&mut heap);
    assert!(may_wait(&mut heap));
    let second = take_most(&mut heap);
    assert!(!may_wait(&mut heap));
    free(&mut heap, second, ARENA / 20 * 19);
    assert!(may_wait(&mut heap));
    // The second piece goes back, and may come again.
    heap.trim();
    assert!(may_wait(&mut heap) && heap.totals().spans() == 1);
    let _second = take_most(&mut heap);
    assert!(!may_wait(&mut heap));
}

#[test]
fn a_small_piece_that_is_to_come_or_has_gone_back_is_enough() {
    let mut heap = heap_over([ARENA; 16]);
    let most = ARENA / 20 * 19;
    let take_most = |heap: &mut Heap<_>| heap.allocate(layout(most)).expect("there is a piece for it");
    let mut blocks = Vec::new();
    for _ in 0..15 {
        blocks.push(take_most(&mut heap));
        assert!(may_wait(&mut heap), "{} pieces", blocks.len());
    }
    blocks.push(take_most(&mut heap));
    assert!(!may_wait(&mut heap));
    // It is a sixteenth, not a sixth, and would not do if it did not go back.
    free(&mut heap, blocks.swap_remove(7), most);
    assert!(!may_wait(&mut heap));
    heap.trim();
    assert!(may_wait(&mut heap) && heap.totals().spans() == 15);
}

#[test]
fn a_block_that_grows_into_the_long_chunk_or_out_of_it_counts_too() {
    let mut heap = heap::<General>(ARENA);
    assert!(may_wait(&mut heap));
    let block = heap.allocate(layout(4000)).expect("there is room");
    let mut resize = |from: usize, to: usize| {
        // SAFETY: the block is used by nobody else.
        assert_eq!(unsafe { heap.reallocate(block, layout(from), to) }, Some(block));
        may_wait(&mut heap)
    };
    assert!(resize(4000, ARENA / 2));
    assert!(!resize(ARENA / 2, ARENA / 16 * 15));
    assert!(!resize(ARENA / 16 * 15, ARENA / 4 * 3));
    assert!(resize(ARENA / 4 * 3, ARENA / 2));
}

#[test]
fn what_waits_is_coalesced_when_lists_close() {
    let mut heap = heap::<General>(ARENA);
    let [first, _second] = [(); 2].map(|()| heap.allocate(layout(12 * GRANULE)).expect("there is room"));
    free(&mut heap, first, 12 * GRANULE);
    let waiting = heap.totals().waiting_chunks();
    let rest = heap.allocate(layout(ARENA / 16 * 15)).expect("there is a chunk as long");
    assert_eq!((waiting > 0, heap.totals().waiting_chunks()), (true, 0));
    // SAFETY: the block is not in use any more.
    let again = unsafe { heap.deallocate(first) };
    assert_eq!(again, Err(FreeError::AlreadyFree));
    free(&mut heap, rest, ARENA / 16 * 15);
    assert_eq!(heap.check(), Ok(()));
}

#[test]
fn lists_stay_open_if_what_waited_makes_a_long_chunk() {
    let mut heap = heap::<General>(ARENA);
    let sizes = || (8..24).flat_map(|granules| [granules * GRANULE; 20]);
    let blocks: Vec<_> = sizes().map(|size| heap.allocate(layout(size)).expect("there is room")).collect();
    let [beside, _most] =
        [ARENA / 7, ARENA / 2].map(|size| heap.allocate(layout(size)).expect("there is room"));
    for (block, size) in blocks.into_iter().zip(sizes()) {
        free(&mut heap, block, size);
    }
    free(&mut heap, beside, ARENA / 7);
    assert!(heap.totals().waiting() > ARENA / 40);
    let _last_long_chunk = heap.allocate(layout(ARENA / 6)).expect("there is room");
    assert_eq!(heap.totals().waiting(), 0);
    assert!(may_wait(&mut heap));
}

#[test]
fn of_many_blocks_that_wait_each_is_known_and_none_beside_them_is_taken_for_one() {
    let mut heap = heap::<General>(ARENA);
    let blocks: Vec<_> = (0..600)
        .map(|index| (1 + index % 3) * GRANULE)
        .map(|size| (heap.allocate(layout(size)).expect("there is room"), size))
        .collect();
    let freed = || blocks.iter().skip(1).step_by(2);
    freed().for_each(|&(block, size)| free(&mut heap, block, size));
    assert!(heap.totals().waiting_chunks() >= 300);
    for &(block, size) in freed() {
        // SAFETY: nobody uses the block.
        let again = unsafe { [heap.deallocate(block), heap.deallocate_sized(block, layout(size))] };
        assert_eq!(again, [Err(FreeError::AlreadyFree); 2]);
    }
    for &(block, size) in blocks.iter().step_by(2) {
        assert_eq!(heap.usable_size(block), Ok(size));
        free(&mut heap, block, size);
    }
    assert_eq!((heap.check(), heap.totals().used_chunks()), (Ok(()), 0));
}

/// All blocks of 100 bytes that a heap has room for.
fn fill<S: PageSource, M: Mode>(heap: &mut Heap<S, M>) -> Vec<NonNull<u8>> {
    std::iter::from_fn(|| heap.allocate(layout(100))).collect()
}

#[test]
fn a_full_arena_holds_as_much_as_in_real_time_mode() {
    for size in [64 << 10, ARENA, ARENA + 12_344] {
        let (mut general, mut real_time) = (heap::<General>(size), heap::<RealTime>(size));
        let [general_holds, real_time_holds] = [fill(&mut general).len(), fill(&mut real_time).len()];
        assert!(general_holds + 1 >= real_time_holds, "{general_holds}, {real_time_holds}");
        assert_eq!(general.totals().source(), real_time.totals().source());
        assert_eq!(general.totals().overhead(), real_time.totals().overhead());
        assert_eq!((general.check(), general.allocate(layout(2000))), (Ok(()), None));
    }
}

#[test]
fn what_lists_take_is_given_to_whom_it_is_enough_for_and_to_no_other() {
    for left in [0, 1, 2] {
        let mut heap = heap::<General>(ARENA);
        let most = heap.allocate(layout(ARENA / 10 * 9)).expect("there is room");
        let span = heap.spans().next().expect("there is a span");
        let lists = span.block.len() - span.end * GRANULE;
        let before = heap.totals();
        assert!(lists > ARENA / GRANULE / 8);
        assert_eq!((heap.allocate(layout(before.free() + lists + 1)), heap.totals()), (None, before));
        let size = before.free() + lists;
        let rest = heap.allocate(layout(size)).expect("the lists' memory lies above");
        assert_eq!((heap.totals().free(), heap.totals().overhead()), (0, before.overhead() - lists));
        assert_eq!((heap.check(), heap.reserve(layout(1))), (Ok(()), false));

        // What is free above the rest is as much again, and a little.
        // SAFETY: nobody uses the block.
        unsafe { heap.reallocate(rest, layout(size), size - lists - left * GRANULE) }.expect("it shrinks");
        assert!(!may_wait(&mut heap) && heap.totals().overhead() < before.overhead());
        free(&mut heap, most, ARENA / 10 * 9);
        assert!(may_wait(&mut heap) && heap.totals().overhead() == before.overhead());
    }
}

#[test]
fn lists_are_back_once_their_memory_is_free_and_much_else() {
    let mut heap = heap::<General>(ARENA);
    assert!(may_wait(&mut heap));
    let overhead = heap.totals().overhead();
    let blocks = fill(&mut heap);
    let highest = *blocks.iter().max().expect("there are blocks");
    assert!(heap.totals().overhead() < overhead);
    for &block in blocks.iter().filter(|&&block| block != highest) {
        free(&mut heap, block, 100);
    }
    assert!(!may_wait(&mut heap) && heap.totals().overhead() < overhead);
    free(&mut heap, highest, 100);
    assert!(may_wait(&mut heap));
    assert_eq!((heap.totals().overhead(), heap.check()), (overhead, Ok(())));
    for block in blocks {
        // SAFETY: nobody uses the block.
        let again = unsafe { heap.deallocate(block) };
        assert!(matches!(again, Err(FreeError::AlreadyFree | FreeError::NotAStart)), "{again:?}");
    }
    let (again, real_time) = (fill(&mut heap).len(), fill(&mut self::heap::<RealTime>(ARENA)).len());
    assert!(again + 2 >= real_time, "{again}, {real_time}");
}

#[test]
fn where_lists_stand_nothing_is_freed() {
    nothing_is_freed(heap(ARENA));
    nothing_is_freed(heap_over([ARENA]));
}

fn nothing_is_freed<S: PageSource>(mut heap: Heap<S>) {
    let _block = heap.allocate(layout(100)).expect("there is room");
    let span = heap.spans().next().expect("there is a span");
    let granules = span.block.len() / GRANULE;
    assert!(span.end < granules);
    for granule in span.end..granules {
        // SAFETY: the granule is one of the block.
        let inside = unsafe { span.block.cast::<u8>().add(granule * GRANULE) };
        for size in [GRANULE, (granules - granule) * GRANULE, ARENA / 2] {
            // SAFETY: no block starts there.
            let freed = unsafe { [heap.deallocate(inside), heap.deallocate_sized(inside, layout(size))] };
            assert_eq!(freed, [Err(FreeError::NotAStart); 2]);
        }
    }
    assert_eq!(heap.check(), Ok(()));
}

/// Percent in use at which some requests fail.
const NEARLY_FULL: usize = 76;

/// Requests that fail while blocks of many sizes come and go in a heap of 16 times [`ARENA`], up to so many percent of it.
fn failures<S: PageSource, M: Mode>(mut heap: Heap<S, M>, percent: usize, seed: u64) -> usize {
    let mut random = Random(seed);
    let (mut live, mut payload, mut failures) = (Vec::new(), 0, 0);
    for _ in 0..400_000 {
        let size = match random.below(1000) {
            0..700 => 16 + random.below(240),
            700..950 => 256 + random.below(1_800),
            950..995 => 2_048 + random.below(14_000),
            _ => 16_384 + random.below(100_000),
        };
        while payload + size > ARENA * 16 / 100 * percent {
            let (block, size) = live.swap_remove(random.below(live.len()));
            // SAFETY: nobody uses the block.
            assert_eq!(unsafe { heap.deallocate_sized(block, layout(size)) }, Ok(()));
            payload -= size;
        }
        match heap.allocate(layout(size)) {
            Some(block) => {
                live.push((block, size));
                payload += size;
            }
            None => failures += 1,
        }
    }
    assert_eq!(heap.check(), Ok(()));
    failures
}

#[test]
fn about_as_many_requests_fail_in_a_full_arena_as_in_real_time_mode() {
    let general: usize = (1..=3).map(|seed| failures(heap::<General>(16 * ARENA), NEARLY_FULL, seed)).sum();
    let real_time: usize =
        (1..=3).map(|seed| failures(heap::<RealTime>(16 * ARENA), NEARLY_FULL, seed)).sum();
    assert!(general <= 2 * real_time, "{general} failed, in real-time mode {real_time}");
}

#[test]
fn nor_do_more_where_memory_is_in_pieces() {
    fn all<M: Mode, const N: usize>() -> usize {
        (1..=3).map(|seed| failures(heap_over::<M, N>([16 * ARENA / N; N]), NEARLY_FULL, seed)).sum()
    }
    for (general, real_time) in
        [(all::<General, 4>(), all::<RealTime, 4>()), (all::<General, 16>(), all::<RealTime, 16>())]
    {
        assert!(general <= 2 * real_time, "{general} failed, in real-time mode {real_time}");
    }
}

#[test]
fn none_fails_where_seven_tenths_are_in_use() {
    for seed in 1..=3 {
        assert_eq!(failures(heap::<General>(16 * ARENA), 70, seed), 0);
        assert_eq!(failures(heap::<RealTime>(16 * ARENA), 70, seed), 0);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
