//! What no block has covered yet is cut last.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::zeros::Zeros;
use memalloc_core::{ArenaSource, BlocksSource, GRANULE, Heap, Mode, PageSource};

const KIB: usize = 1 << 10;

fn memory(size: usize) -> &'static mut [MaybeUninit<u8>] {
    vec![MaybeUninit::uninit(); size].leak()
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, GRANULE).unwrap()
}

fn free<S: PageSource, M: Mode>(heap: &mut Heap<S, M>, block: NonNull<u8>) {
    // SAFETY: nobody uses the block.
    unsafe { heap.deallocate(block) }.unwrap();
}

#[test]
fn what_was_touched_is_used_up_first() {
    let mut heap = Heap::real_time(Zeros::new(ArenaSource::new(memory(4096 * KIB))));
    let low = heap.allocate(layout(2300 * KIB)).unwrap();
    let high = heap.allocate(layout(KIB)).unwrap();
    free(&mut heap, low);
    // Above are 1.6 MiB or more, which would fit better.
    let blocks = [(); 3].map(|()| heap.allocate(layout(1000 * KIB)).unwrap());
    assert_eq!(blocks.map(|block| block < high), [true, true, false]);
    assert_eq!((heap.check(), blocks[0]), (Ok(()), low));
    // What is left there is too short for this, though it is in the bin of the longest.
    assert_eq!((heap.allocate(layout(750 * KIB)), heap.check()), (None, Ok(())));
    assert!(heap.allocate(layout(600 * KIB)).unwrap() > high);
    blocks.into_iter().for_each(|block| free(&mut heap, block));
    assert_eq!(heap.check(), Ok(()));
}

/// Where the last bin is among those that all chunks of fit, it is kept in that of its size.
#[test]
fn a_request_is_never_served_from_less() {
    for size in [2 * KIB, 4 * KIB, 8 * KIB, 15 * KIB, 15 * KIB + 512, 16 * KIB, 17 * KIB, 64 * KIB] {
        let mut heap = Heap::real_time(Zeros::new(ArenaSource::new(memory(size))));
        let low = heap.allocate(layout(size / 2)).unwrap();
        assert_eq!((heap.allocate(layout(size / 2)), heap.check()), (None, Ok(())), "{size}");
        assert!(heap.allocate(layout(size / 8)).is_some_and(|block| block > low), "{size}");
        assert_eq!(heap.check(), Ok(()), "{size}");
    }
}

#[test]
fn it_may_be_a_single_granule() {
    let mut heap = Heap::real_time(Zeros::new(ArenaSource::new(memory(1024 * KIB))));
    let first = heap.allocate(layout(GRANULE)).unwrap();
    let most = heap.totals().free() - GRANULE;
    let block = heap.allocate(layout(most)).unwrap();
    assert_eq!((heap.totals().free(), heap.check()), (GRANULE, Ok(())));
    let last = heap.allocate(layout(GRANULE)).unwrap();
    assert_eq!((heap.allocate(layout(GRANULE)), heap.check()), (None, Ok(())));
    [last, block, first].into_iter().for_each(|block| free(&mut heap, block));
    assert_eq!((heap.totals().used(), heap.check()), (0, Ok(())));
}

#[test]
fn another_span_ends_it() {
    for left in [0, GRANULE, 4 * GRANULE, 300 * KIB] {
        let mut source = BlocksSource::<2>::new();
        let (below, behind) = memory(1025 * KIB).split_at_mut(1024 * KIB);
        behind.fill(MaybeUninit::new(0xa5));
        source.add(below).unwrap();
        source.add(memory(1024 * KIB)).unwrap();
        let mut heap = Heap::real_time(Zeros::new(source));
        let first = heap.allocate(layout(GRANULE)).unwrap();
        let most = heap.totals().free() - left;
        let block = heap.allocate(layout(most)).unwrap();
        let other = heap.allocate(layout(600 * KIB)).unwrap();
        assert_eq!((heap.totals().spans(), heap.check()), (2, Ok(())));
        // What was left before is cut by what fits it, and first.
        if left > 0 {
            let fitting = heap.allocate(layout(left)).unwrap();
            assert_eq!((fitting.addr().get(), heap.check()), (block.addr().get() + most, Ok(())));
            free(&mut heap, fitting);
        }
        [first, other, block].into_iter().for_each(|block| free(&mut heap, block));
        assert_eq!((heap.totals().used(), heap.check()), (0, Ok(())));
        // SAFETY: the bytes were written above.
        assert!(behind.iter().all(|byte| unsafe { byte.assume_init() } == 0xa5));
    }
}

/// Where it shares the last bin with a longer chunk, and lies before that, and the request's own bin has many too short.
#[test]
fn what_is_longer_is_found_behind_it() {
    let mut heap = Heap::real_time(Zeros::new(ArenaSource::new(memory(5400 * KIB))));
    let mut allocate = |size| heap.allocate(layout(size)).unwrap();
    let (long, _guard) = (allocate(5130 * KIB), allocate(GRANULE));
    let short = [(); 9].map(|()| (allocate(1030 * GRANULE), allocate(GRANULE)).0);
    let most = heap.totals().free() - 600 * GRANULE;
    heap.allocate(layout(most)).unwrap();
    let below = heap.allocate(layout(60 * GRANULE)).unwrap();
    short.into_iter().chain([long, below]).for_each(|block| free(&mut heap, block));
    assert_eq!((heap.allocate(layout(1100 * GRANULE)), heap.check()), (Some(long), Ok(())));
}
