//! A heap of one processor, whose blocks are freed by another.

use core::alloc::Layout;
use core::hint::black_box;
use core::ptr::NonNull;

use memalloc_core::remote::{Inbox, RemoteSpan};
use memalloc_core::{LocalHeap, PageSource};

static INBOX: Inbox = Inbox::new();

pub fn use_all() {
    let on_bad_free = |error, _| {
        black_box(error);
    };
    // SAFETY: the inbox is the heap's alone.
    let mut heap = unsafe { LocalHeap::new(super::heaps::arena(), &INBOX, on_bad_free) };
    let layout = black_box(Layout::new::<[u8; 100]>());
    for _ in 0..black_box(100) {
        let Some(block) = black_box(heap.allocate(layout)) else { continue };
        let Some(start) = heap.source().block_of(block.addr().get()) else { continue };
        // SAFETY: nobody uses the block, and the inbox is the heap's.
        unsafe {
            black_box(RemoteSpan::at(start).usable_size(block).is_ok());
            black_box(RemoteSpan::at(start).free(block, black_box(0), &INBOX).is_ok());
        }
        own(&mut heap, start, layout);
    }
    black_box(heap.take_in());
    black_box(heap.trim());
    black_box(heap.check().is_ok());
    black_box((heap.totals(), heap.totals_so_far()));
}

/// What the owner does with a block of its own, four times.
fn own<S: PageSource>(heap: &mut LocalHeap<'_, S>, start: NonNull<u8>, layout: Layout) {
    for how in 0..4 {
        let Some(block) = heap.allocate(layout) else { return };
        black_box(heap.usable_size(block).is_ok());
        // SAFETY: nobody uses the block, which lies in the source's one block.
        unsafe {
            let block = black_box(heap.reallocate(block, layout, black_box(70))).unwrap_or(block);
            let block = black_box(heap.resize(block, black_box(90))).ok().flatten().unwrap_or(block);
            let freed = match black_box(how) {
                0 => heap.deallocate(block),
                1 => heap.deallocate_sized(block, layout),
                _ => heap.deallocate_in(start, block, black_box(0)),
            };
            black_box(freed.is_ok());
        }
    }
}
