use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::vec::Vec;

use crate::local::tests::new_heap;
use crate::remote::{Inbox, RemoteSpan};
use crate::{ArenaSource, FreeError, GRANULE, LocalHeap, PageSource};

const LAYOUT: Layout = Layout::new::<[u8; 40]>();
/// Its bytes, whole granules.
const WHOLE: usize = LAYOUT.size().next_multiple_of(GRANULE);

fn span_of(heap: &LocalHeap<'_, ArenaSource>, block: NonNull<u8>) -> RemoteSpan {
    let start = heap.source().block_of(block.addr().get()).unwrap();
    // SAFETY: the heap has a span there, and outlives the test's use of it.
    unsafe { RemoteSpan::at(start) }
}

#[test]
fn what_was_on_its_way_to_a_heap_goes_with_it() {
    let (mut heap, inbox) = new_heap(1 << 20);
    let block = heap.allocate(LAYOUT).unwrap();
    // SAFETY: the block is not used any more.
    unsafe { span_of(&heap, block).free(block, 0, inbox) }.unwrap();
    drop(heap);
    let memory = std::vec![MaybeUninit::uninit(); 1 << 20].leak();
    // SAFETY: the heap whose inbox it was is dropped.
    let mut next = unsafe { LocalHeap::new(ArenaSource::new(memory), inbox, |_, _| unreachable!()) };
    assert_eq!((next.take_in(), next.check()), (0, Ok(())));
}

#[test]
fn a_block_freed_elsewhere_is_freed_once_whoever_else_tries() {
    let (mut heap, inbox) = new_heap(1 << 20);
    for bytes in [0, WHOLE] {
        let block = heap.allocate(LAYOUT).unwrap();
        let span = span_of(&heap, block);
        // SAFETY: the block is not used any more, and the heap is to refuse the other frees.
        unsafe {
            assert_eq!(span.usable_size(block), Ok(WHOLE));
            assert_eq!(span.free(block, bytes, inbox), Ok(()));
            for again in [0, WHOLE, 2 * WHOLE] {
                assert_eq!(span.free(block, again, inbox), Err(FreeError::AlreadyFree));
            }
            assert_eq!(span.usable_size(block), Err(FreeError::AlreadyFree));
            assert_eq!(heap.deallocate(block), Err(FreeError::AlreadyFree));
            assert_eq!(heap.deallocate_sized(block, LAYOUT), Err(FreeError::AlreadyFree));
        }
        assert_eq!((heap.usable_size(block), heap.check()), (Err(FreeError::AlreadyFree), Ok(())));
        assert_eq!(heap.totals().used_chunks(), 1);
        assert_eq!((heap.take_in(), heap.take_in(), heap.totals().used_chunks()), (1, 0, 0));
        // SAFETY: the heap is to refuse.
        unsafe {
            assert_eq!(span.free(block, bytes, inbox), Err(FreeError::AlreadyFree));
            assert_eq!((heap.reallocate(block, LAYOUT, 100), heap.check()), (None, Ok(())));
        }
    }
}

#[test]
fn bad_frees_from_elsewhere_are_told_apart() {
    let (mut heap, inbox) = new_heap(1 << 20);
    let block = heap.allocate(LAYOUT).unwrap();
    let span = span_of(&heap, block);
    // SAFETY: the pointers lie in the arena, and the heap is to refuse.
    let free = |block: NonNull<u8>, offset, bytes| unsafe { span.free(block.add(offset), bytes, inbox) };
    for offset in [1, 8, 16, 47] {
        assert_eq!(free(block, offset, 0), Err(FreeError::NotAStart));
    }
    for bytes in [GRANULE, WHOLE - GRANULE, WHOLE + GRANULE] {
        assert_eq!(free(block, 0, bytes), Err(FreeError::WrongSize));
    }
    // What is behind the block is free.
    assert_eq!(free(block, WHOLE, 0), Err(FreeError::AlreadyFree));
    assert_eq!((heap.take_in(), heap.totals().used_chunks(), heap.check()), (0, 1, Ok(())));
    // SAFETY: the block is not used below.
    unsafe { heap.deallocate(block) }.unwrap();
    assert_eq!(free(block, 0, 0), Err(FreeError::AlreadyFree));
    let large = heap.allocate(Layout::new::<[u8; 70_000]>()).unwrap();
    // SAFETY: the span's block holds it.
    assert_eq!(unsafe { span.usable_size(large) }, Ok(70_000));
    assert_eq!(free(large, 60_000, 0), Err(FreeError::NotAStart));
    assert_eq!(free(large, 0, 70_016), Err(FreeError::WrongSize));
    assert_eq!((free(large, 0, 70_000), free(large, 0, 70_000)), (Ok(()), Err(FreeError::AlreadyFree)));
    // SAFETY: the heap is to refuse.
    let freed = unsafe { heap.deallocate_sized(large, Layout::new::<[u8; 70_000]>()) };
    assert_eq!((freed, heap.check()), (Err(FreeError::AlreadyFree), Ok(())));
}

#[test]
fn what_has_come_back_is_taken_before_the_source_is_asked() {
    let (mut heap, inbox) = new_heap(1 << 20);
    let mut blocks: Vec<_> = core::iter::from_fn(|| heap.allocate(LAYOUT)).collect();
    let all = blocks.len();
    for round in 0..3 {
        for &block in &blocks {
            // SAFETY: the block is not used any more.
            unsafe { span_of(&heap, block).free(block, if round == 1 { WHOLE } else { 0 }, inbox) }.unwrap();
        }
        blocks = core::iter::from_fn(|| heap.allocate(LAYOUT)).collect();
        assert_eq!((blocks.len(), heap.check()), (all, Ok(())));
    }
    for &block in &blocks {
        // SAFETY: the block is not used any more.
        unsafe { span_of(&heap, block).free(block, 0, inbox) }.unwrap();
    }
    assert!(heap.allocate(Layout::new::<[u8; 900_000]>()).is_some());
}

/// The second of two frees at the same time, whose teller unwinds: what was told is done with.
#[test]
fn a_free_that_was_told_of_is_not_on_its_way_any_more() {
    let inbox = std::boxed::Box::leak(std::boxed::Box::new(Inbox::new()));
    let arena = std::vec![MaybeUninit::uninit(); 1 << 20].leak();
    // SAFETY: the inbox is the heap's alone.
    let mut heap = unsafe { LocalHeap::new(ArenaSource::new(arena), inbox, |error, _| panic!("{error}")) };
    let block = heap.allocate(LAYOUT).unwrap();
    let span = span_of(&heap, block).0;
    // SAFETY: the block is not used any more; it is posted as by who saw it in use before its heap freed it.
    unsafe {
        heap.deallocate(block).unwrap();
        let g = span.granule_of(block);
        assert_eq!(span.posted().set(g), 0);
        RemoteSpan(span).note(g / crate::map::WORD_GRANULES, inbox);
    }
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| heap.take_in()));
    let message = told.unwrap_err().downcast::<std::string::String>().unwrap();
    assert_eq!(*message, std::format!("{}", FreeError::AlreadyFree));
    assert_eq!((heap.check(), heap.take_in(), heap.allocate(LAYOUT)), (Ok(()), 0, Some(block)));
}

/// However many there are, as long as more comes back than one request after the other takes in.
#[test]
fn what_has_come_back_does_not_pile_up() {
    let (mut heap, inbox) = new_heap(4 << 20);
    let blocks: Vec<_> = (0..10_000).map(|_| heap.allocate(LAYOUT).unwrap()).collect();
    for block in blocks {
        // SAFETY: the block is not used any more.
        unsafe { span_of(&heap, block).free(block, 0, inbox) }.unwrap();
    }
    // None of these is of a size that came back.
    let requests = 1..=20;
    let in_use = requests.map(|_| {
        heap.allocate(Layout::new::<[u8; 5000]>()).unwrap();
        heap.totals().used_chunks()
    });
    let in_use: Vec<_> = in_use.collect();
    assert!(in_use[0] > 9_000 && in_use[19] == 20, "{in_use:?}");
    assert_eq!(heap.check(), Ok(()));
}

/// Long requests are served by what is free, until they have had so much.
#[test]
fn what_has_come_back_is_taken_in_for_short_requests_at_once_and_for_some_of_the_long_ones() {
    for (size, leave_it) in [(100, 0), (2000, 16), (60 << 10, 5), (300 << 10, 1)] {
        let (mut heap, inbox) = new_heap(4 << 20);
        for round in 0..2 {
            // One of which none waits.
            let layout = Layout::from_size_align(size + round * GRANULE, 8).unwrap();
            let (block, others) = (heap.allocate(LAYOUT).unwrap(), heap.totals().used_chunks());
            // SAFETY: the block is not used any more.
            unsafe { span_of(&heap, block).free(block, 0, inbox) }.unwrap();
            for request in 1..=leave_it {
                heap.allocate(layout).unwrap();
                assert_eq!(heap.totals().used_chunks(), others + request);
            }
            heap.allocate(layout).unwrap();
            assert_eq!((heap.totals().used_chunks(), heap.check()), (others + leave_it, Ok(())));
        }
    }
}

/// In spans of several sections, and where in one they may be.
#[test]
fn blocks_come_back_from_wherever_they_lie() {
    let (mut heap, inbox) = new_heap(9 << 20);
    let sizes = [100, 5000, 40_000, 16, 1 << 20, 700];
    for step in [1, 7, 50] {
        let blocks: Vec<_> = sizes
            .iter()
            .cycle()
            .map_while(|&size| heap.allocate(Layout::from_size_align(size, 8).unwrap()))
            .collect();
        assert!(blocks.len() > 30);
        let mut posted = 0;
        for first in (0..step).rev() {
            for &block in blocks.iter().skip(first).step_by(step) {
                // SAFETY: the block is not used any more.
                unsafe { span_of(&heap, block).free(block, 0, inbox) }.unwrap();
                posted += 1;
            }
            assert_eq!((heap.take_in(), heap.check()), (core::mem::take(&mut posted), Ok(())));
        }
        assert_eq!(heap.totals().used(), 0);
    }
}
