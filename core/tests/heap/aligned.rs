//! Which blocks that wait serve aligned requests, in a heap of one thread: the last few of the size.

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_core::remote::{Inbox, RemoteSpan};
use memalloc_core::{GRANULE, PageSource};

use crate::local::{Local, heap_and_inbox};

const SIZE: usize = 5 * GRANULE;
const ALIGN: usize = 4 * GRANULE;
/// As many blocks as are looked at.
const FEW: usize = 8;

fn layout(align: usize) -> Layout {
    Layout::from_size_align(SIZE, align).unwrap()
}

fn is_aligned(block: &NonNull<u8>) -> bool {
    block.addr().get().is_multiple_of(ALIGN)
}

/// A heap in which an aligned block of the size waits, and `others` that are not, freed after it, as they were freed.
fn heap_with_waiting(others: usize) -> (Local, NonNull<u8>, Vec<NonNull<u8>>) {
    let (mut heap, _) = heap_and_inbox();
    let (aligned, others) = let_wait(&mut heap, others);
    (heap, aligned, others)
}

/// Lets an aligned block of the size wait, and `others` that are not, freed after it.
fn let_wait(heap: &mut Local, others: usize) -> (NonNull<u8>, Vec<NonNull<u8>>) {
    let blocks: Vec<_> = (0..10 * FEW).map(|_| heap.allocate(layout(8)).unwrap()).collect();
    let aligned = *blocks.iter().find(|block| is_aligned(block)).unwrap();
    let others: Vec<_> = blocks.into_iter().filter(|block| !is_aligned(block)).take(others).collect();
    for &block in [aligned].iter().chain(&others) {
        // SAFETY: the block is used no more.
        assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
    }
    (aligned, others)
}

/// Frees more blocks from elsewhere than one request takes in.
fn free_many_from_elsewhere(heap: &mut Local, inbox: &Inbox) {
    let layout = Layout::from_size_align(2 * SIZE, 8).unwrap();
    let blocks: Vec<_> = (0..1000).map(|_| heap.allocate(layout).unwrap()).collect();
    for block in blocks {
        let span = heap.source().block_of(block.addr().get()).unwrap();
        // SAFETY: the heap has a span there, and nobody uses the block any more.
        assert_eq!(unsafe { RemoteSpan::at(span).free(block, 0, inbox) }, Ok(()));
    }
}

#[test]
fn an_aligned_request_has_one_of_the_last_few_that_is_aligned() {
    for others in 0..FEW {
        let (mut heap, aligned, others) = heap_with_waiting(others);
        let waiting = heap.totals().waiting_chunks();
        assert_eq!(heap.allocate(layout(ALIGN)), Some(aligned));
        assert_eq!((heap.totals().waiting_chunks(), heap.check()), (waiting - 1, Ok(())));
        for &block in others.iter().rev() {
            assert_eq!(heap.allocate(layout(8)), Some(block), "the others still wait, in their order");
        }
        assert_eq!(heap.check(), Ok(()));
    }
}

#[test]
fn none_further_down_the_list_is_looked_for() {
    let (mut heap, aligned, _) = heap_with_waiting(FEW);
    let block = heap.allocate(layout(ALIGN)).unwrap();
    assert!(is_aligned(&block) && block != aligned);
    assert_eq!(heap.check(), Ok(()));
}

#[test]
fn one_of_them_is_found_while_more_comes_back() {
    let (mut heap, inbox) = heap_and_inbox();
    let (aligned, _) = let_wait(&mut heap, FEW / 2);
    free_many_from_elsewhere(&mut heap, inbox);
    assert_eq!(heap.allocate(layout(ALIGN)), Some(aligned));
    assert!(heap.take_in() > 0, "not all was taken in");
}

#[test]
fn one_that_was_is_in_use_as_any_other() {
    let (mut heap, aligned, _) = heap_with_waiting(FEW / 2);
    assert_eq!(heap.allocate(layout(ALIGN)), Some(aligned));
    assert_eq!(heap.usable_size(aligned), Ok(SIZE));
    // SAFETY: the block is used no more.
    unsafe {
        assert_eq!(heap.deallocate(aligned), Ok(()));
        assert!(heap.deallocate(aligned).is_err());
    }
}
