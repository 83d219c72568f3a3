//! What a thread's heap does with a glance at the map, and what it leaves to those that look at everything.

mod free;
mod resize;

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::map::WORD_GRANULES;
use crate::remote::{Inbox, RemoteSpan};
use crate::{ArenaSource, GRANULE, GranuleAt, LiveBlock, LocalHeap, PageSource};

/// A heap over so many bytes, and where blocks of it come back.
pub(crate) fn new_heap(size: usize) -> (LocalHeap<'static, ArenaSource>, &'static Inbox) {
    let inbox = std::boxed::Box::leak(std::boxed::Box::new(Inbox::new()));
    let arena = std::vec![MaybeUninit::uninit(); size].leak();
    // SAFETY: the inbox is the heap's alone.
    let heap = unsafe { LocalHeap::new(ArenaSource::new(arena), inbox, |error, _| panic!("{error}")) };
    (heap, inbox)
}

fn at(heap: &LocalHeap<'_, ArenaSource>, ptr: NonNull<u8>) -> GranuleAt {
    let block = heap.source().block_of(ptr.addr().get()).unwrap();
    GranuleAt { block, granule: (ptr.addr().get() - block.addr().get()) / GRANULE, ptr }
}

/// Threads without a heap have one such together, which none may write to.
#[test]
fn a_heap_without_memory_is_as_it_was_whatever_it_is_asked_for() {
    let (mut heap, _) = new_heap(3 << 20);
    for size in [0, 1, 16, 2000, isize::MAX as usize, usize::MAX - 15, usize::MAX] {
        for _ in 0..10_000 {
            assert_eq!(heap.allocate_waiting(size), None, "{size}");
            assert!(!heap.may_tidy(), "{size} is counted");
        }
    }
}

#[test]
fn blocks_lie_in_no_more_lines_of_the_cache_than_need_be_where_many_are_of_one_size() {
    let (mut heap, _) = new_heap(3 << 20);
    let is_at_multiple = [32, 48, 64, 80].repeat(4000).into_iter().map(|size| {
        let block = heap.allocate(Layout::from_size_align(size, 1).unwrap()).unwrap();
        size % 32 != 0 || block.addr().get().is_multiple_of(size)
    });
    let others = is_at_multiple.filter(|is| !is).count();
    // The first few of each size, of which it is not known yet that there will be many.
    assert!(others < 80, "{others} blocks lie elsewhere");
    assert_eq!(heap.check(), Ok(()));
}

#[test]
fn little_is_left_out_so_that_blocks_lie_well_and_of_a_few_blocks_less() {
    for granules in 65..73 {
        let (mut heap, _) = new_heap(3 << 20);
        let layout = |size| Layout::from_size_align(size, 8).unwrap();
        let below = heap.allocate(layout(granules * GRANULE)).unwrap();
        let end = below.addr().get() + granules * GRANULE;
        // The first are four.
        let left_out = Some(end.wrapping_neg() % 64).filter(|out| 16 * out <= 4 * 64).unwrap_or(0);
        assert_eq!(heap.allocate(layout(64)).unwrap().addr().get(), end + left_out, "at {end:#x}");
        assert_eq!(heap.check(), Ok(()));
    }
}

#[test]
fn a_long_block_whose_size_nobody_says_takes_a_chunk_that_is_about_as_long_where_the_heap_is_large() {
    let listed = WORD_GRANULES;
    for (arena, size) in
        [(9 << 20, listed), (9 << 20, listed + 1), (9 << 20, 300), (9 << 20, 40_000), (3 << 20, 300)]
    {
        let (mut heap, _) = new_heap(arena);
        let layout = |size: usize| Layout::from_size_align(size * GRANULE, 8).unwrap();
        let (is_large, room) = (arena > 8 << 20, |size: usize| (size / 8).min(2048));
        let least = (0..).find(|more| *more >= room(size + more)).unwrap();
        for more in [0, 1, least - 1, least, least + 1] {
            let [grows, middle, said, below] =
                [20, 100, 101, 102].map(|size| heap.allocate(layout(size)).unwrap());
            let chunk = heap.allocate(layout(size + more)).unwrap();
            let above = heap.allocate(layout(1)).unwrap();
            let is_about = |heap: &mut LocalHeap<'_, ArenaSource>, block, has| {
                assert_eq!((block, heap.usable_size(chunk)), (chunk, Ok(has * GRANULE)));
                // SAFETY: the block is not used any more.
                assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
                heap.trim();
                assert_eq!(heap.check(), Ok(()));
            };
            is_about(&mut heap, chunk, size + more);
            let block = heap.allocate(layout(size)).unwrap();
            is_about(&mut heap, block, size);
            let takes_all = is_large && size > listed && more < least;
            let has = if takes_all { size + more } else { size };
            let block = heap.allocate_taking_in(layout(size), false).unwrap();
            is_about(&mut heap, block, has);
            // SAFETY: the block is not used where it was.
            let block = unsafe { heap.resize(grows, size * GRANULE) }.unwrap().unwrap();
            is_about(&mut heap, block, has);
            let aligned = Layout::from_size_align(size * GRANULE, 64 * GRANULE).unwrap();
            let block = heap.allocate_taking_in(aligned, false).unwrap();
            assert!(block.addr().get().is_multiple_of(aligned.align()));
            assert_eq!(heap.usable_size(block), Ok(aligned.size()));
            // SAFETY: the block is not used any more.
            assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
            if size > 101 {
                // SAFETY: the block is not used where it was.
                let block = unsafe { heap.reallocate(said, layout(101), size * GRANULE) }.unwrap();
                is_about(&mut heap, block, size);
            } else {
                // SAFETY: the block is not used any more.
                assert_eq!(unsafe { heap.deallocate(said) }, Ok(()));
            }
            for block in [middle, below, above] {
                // SAFETY: the block is not used any more.
                assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
            }
            heap.trim();
        }
    }
}

#[test]
fn the_size_of_a_block_in_use_is_soon_told_and_of_no_other() {
    let (mut heap, inbox) = new_heap(3 << 20);
    for size in [1, 2, 63, 64, 65, 200] {
        let layout = Layout::from_size_align(size * GRANULE, 8).unwrap();
        let block = heap.allocate(layout).unwrap();
        let at = at(&heap, block);
        let told = Some(size * GRANULE);
        // SAFETY: the block is not used once it is freed, and where it starts granules do.
        unsafe {
            assert_eq!(heap.usable_size_soon(at), told);
            let above = GranuleAt { granule: at.granule + 1, ptr: block.add(GRANULE), ..at };
            assert!(size == 1 || heap.usable_size_soon(above).is_none());
            heap.deallocate(block).unwrap();
            assert_eq!(heap.usable_size_soon(at), None);
            let block = heap.allocate(layout).unwrap();
            let at = GranuleAt { ptr: block, ..self::at(&heap, block) };
            assert_eq!(heap.usable_size_soon(at), told);
            RemoteSpan::at(at.block).free(block, 0, inbox).unwrap();
            assert_eq!(heap.usable_size_soon(at), None);
        }
    }
}

#[test]
fn a_request_that_is_to_be_aligned_takes_a_block_that_waits_if_it_happens_to_lie_so() {
    let (mut heap, _) = new_heap(5 << 20);
    for size in [3 * GRANULE, 100 * GRANULE] {
        let [layout, aligned] = [8, 128].map(|align| Layout::from_size_align(size, align).unwrap());
        let mut block = heap.allocate(layout).unwrap();
        while block.addr().get().is_multiple_of(128) {
            block = heap.allocate(layout).unwrap();
        }
        let first = heap.allocate(aligned).unwrap();
        // SAFETY: the blocks are not used.
        unsafe {
            heap.deallocate(first).unwrap();
            assert_eq!(take_waiting(&mut heap, aligned), Some(first));
            heap.deallocate(block).unwrap();
            assert_eq!(take_waiting(&mut heap, aligned), None);
            let second = heap.allocate(aligned).unwrap();
            assert!(second.addr().get().is_multiple_of(128) && second != block && second != first);
            assert_eq!((heap.allocate(layout), heap.check()), (Some(block), Ok(())));
        }
    }
}

fn take_waiting(heap: &mut LocalHeap<'_, ArenaSource>, layout: Layout) -> Option<NonNull<u8>> {
    heap.allocate_waiting_aligned(layout).or_else(|| heap.allocate_waiting_long(layout, true))
}

#[test]
fn a_long_block_that_waits_serves_what_it_is_about_as_long_as_unless_the_size_is_said_later() {
    let (mut heap, _) = new_heap(5 << 20);
    let layout = |granules: usize| Layout::from_size_align(granules * GRANULE, 8).unwrap();
    let has = 160;
    for asks in has / 2..has * 2 {
        for is_said in [true, false] {
            let block = heap.allocate(layout(has)).unwrap();
            // SAFETY: the block is not used.
            unsafe { heap.deallocate(block).unwrap() };
            let serves = asks == has || (!is_said && asks < has && has - asks < asks / 8);
            let taken = heap.allocate_waiting_long(layout(asks), is_said);
            assert_eq!(taken, serves.then_some(block), "{asks}, {is_said}");
            assert!(
                !serves || LiveBlock::may_be(asks * GRANULE, has * GRANULE),
                "{asks}: its size is refused"
            );
            if let Some(block) = taken {
                // SAFETY: the block is not used.
                unsafe { heap.deallocate(block).unwrap() };
            }
        }
    }
    assert_eq!(heap.check(), Ok(()));
}
