//! When blocks that wait are coalesced, in a heap where any number may.

use std::alloc::Layout;
use std::mem::MaybeUninit;

use memalloc_core::remote::Inbox;
use memalloc_core::{ArenaSource, GRANULE, LocalHeap};

static INBOX: Inbox = Inbox::new();

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("a small layout")
}

/// At first a few at a time, as the others may be asked for soon; once many were, all that wait.
#[test]
fn a_program_that_goes_over_to_another_size_soon_has_all_coalesced() {
    let arena = Box::leak(vec![MaybeUninit::uninit(); 5 << 20].into_boxed_slice());
    // SAFETY: the inbox is the heap's alone.
    let mut heap = unsafe { LocalHeap::new(ArenaSource::new(arena), &INBOX, |error, _| panic!("{error}")) };
    let blocks: Vec<_> = std::iter::from_fn(|| heap.allocate(layout(48))).collect();
    for &block in &blocks {
        // SAFETY: the block is not used any more.
        assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
    }
    assert_eq!(heap.totals().waiting_chunks(), blocks.len());

    let larger = heap.allocate(layout(1000)).expect("there is room, once it is coalesced");
    let waiting = heap.totals().waiting_chunks();
    assert!((blocks.len() - 200..blocks.len()).contains(&waiting), "{waiting} of {}", blocks.len());

    let more: Vec<_> = (0..200).filter_map(|_| heap.allocate(layout(1000))).collect();
    let of_48 = heap.totals().waiting() - waiting_of(&heap, 1000);
    assert_eq!((more.len(), of_48, heap.check()), (200, 0, Ok(())));

    for block in more.into_iter().chain([larger]) {
        // SAFETY: the block is not used any more.
        assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
    }
    heap.trim();
    assert_eq!((heap.totals().used(), heap.totals().waiting(), heap.check()), (0, 0, Ok(())));
}

/// Bytes of blocks of `size` bytes, rounded up to granules, that wait: cut in a batch, some have not been asked for yet.
fn waiting_of(heap: &LocalHeap<'_, ArenaSource>, size: usize) -> usize {
    let bytes = size.next_multiple_of(GRANULE);
    heap.heap().chunks().filter(|chunk| chunk.waiting && chunk.size == bytes).map(|chunk| chunk.size).sum()
}
