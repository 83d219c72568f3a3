//! Blocks that an embedder frees by a glance, of a heap of one thread.

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_core::{GRANULE, GranuleAt, LongWait, PageSource};

use crate::local::{Local, SPAN, heap};

/// Frees a block, in whichever way the heap says.
fn free(heap: &mut Local, ptr: NonNull<u8>) {
    let block = heap.source().block_of(ptr.addr().get()).unwrap();
    let at = GranuleAt { block, granule: (ptr.addr().get() - block.addr().get()) / GRANULE, ptr };
    // SAFETY: the block is used no more.
    unsafe {
        if heap.let_wait(at, None) {
            return;
        }
        match heap.let_wait_long(at, None) {
            LongWait::No => assert_eq!(heap.deallocate(ptr), Ok(())),
            LongWait::Yes => {}
            LongWait::InPlaceOf(displaced, bytes) => heap.coalesce(displaced, bytes),
            LongWait::MayNot(bytes) => heap.deallocate_known(at, bytes),
        }
    }
}

#[test]
fn long_blocks_are_coalesced_however_many_are_freed() {
    let mut heap = heap();
    let mut blocks = Vec::new();
    for number in 0..6000_usize {
        let bytes = 1 + number * 7919 % (if number.is_multiple_of(3) { 100_000 } else { 5000 });
        blocks.push(heap.allocate(Layout::from_size_align(bytes, 8).unwrap()).unwrap());
        if blocks.len() > 200 {
            let block = blocks.swap_remove(number * 31 % blocks.len());
            free(&mut heap, block);
        }
    }
    assert_eq!(heap.check(), Ok(()));
    blocks.into_iter().for_each(|block| free(&mut heap, block));
    assert_eq!(heap.check(), Ok(()));
    heap.trim();
    assert_eq!((heap.totals().used(), heap.check()), (0, Ok(())));
    assert!(heap.source().lent <= 1, "{} spans of {SPAN} bytes are left", heap.source().lent);
}
