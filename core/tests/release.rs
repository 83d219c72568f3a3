//! What a heap of one thread gives back to its source when it is freed, though blocks of all sizes may wait.

mod endless;

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_core::LocalHeap;
use memalloc_core::remote::Inbox;

const SPAN: usize = 4 << 20;

type Local = LocalHeap<'static, endless::Endless<SPAN>>;

fn heap() -> Local {
    let inbox = Box::leak(Box::new(Inbox::new()));
    // SAFETY: the inbox is the heap's alone.
    unsafe { LocalHeap::new(endless::Endless { lent: 0 }, inbox, |error, _| panic!("{error}")) }
}

/// Blocks of `bytes` bytes in all, of some sizes from `least` to four times that.
fn allocate(heap: &mut Local, least: usize, bytes: usize) -> Vec<NonNull<u8>> {
    let sizes = (0..).map(|number| least + number % 1000 * 7919 % (3 * least));
    let mut left = bytes;
    let layouts = sizes.map_while(|size| {
        left = left.checked_sub(size)?;
        Layout::from_size_align(size, 8).ok()
    });
    layouts.map(|layout| heap.allocate(layout).unwrap()).collect()
}

fn free(heap: &mut Local, blocks: &[NonNull<u8>]) {
    // SAFETY: the blocks are used no more.
    blocks.iter().for_each(|&block| assert_eq!(unsafe { heap.deallocate(block) }, Ok(())));
}

#[test]
fn spans_go_back_when_all_is_freed_whatever_waits() {
    for (least, bytes) in
        [(16, 20 << 20), (100, 20 << 20), (1000, 20 << 20), (3000, 20 << 20), (100, 200 << 20)]
    {
        let mut heap = heap();
        let blocks = allocate(&mut heap, least, bytes);
        assert!(heap.source().lent >= bytes / SPAN);
        free(&mut heap, &blocks);
        assert!(
            heap.source().lent <= 3,
            "{} spans are left of {bytes} bytes from {least} on",
            heap.source().lent
        );
        assert_eq!(heap.check(), Ok(()));
    }
}

#[test]
fn spans_stay_where_most_have_a_block_in_use() {
    let mut heap = heap();
    let blocks = allocate(&mut heap, 100, 40 << 20);
    let lent = heap.source().lent;
    let (kept, freed): (Vec<_>, Vec<_>) = blocks.chunks(1000).map(|some| (some[0], &some[1..])).unzip();
    freed.iter().for_each(|some| free(&mut heap, some));
    assert_eq!(heap.source().lent, lent);
    free(&mut heap, &kept);
    assert_eq!(heap.check(), Ok(()));
}

#[test]
fn a_small_heap_keeps_what_it_has() {
    let mut heap = heap();
    for _ in 0..4 {
        let blocks = allocate(&mut heap, 100, SPAN + SPAN / 2);
        assert_eq!(heap.source().lent, 2);
        free(&mut heap, &blocks);
        assert_eq!(heap.source().lent, 2);
    }
}
