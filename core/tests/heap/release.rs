//! What a heap of one thread gives back to its source when it is freed, though blocks of all sizes may wait.

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_core::PageSource;
use memalloc_core::remote::RemoteSpan;

use crate::local::{Local, SPAN, heap, heap_and_inbox, heap_over};

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
        let (mut heap, _) = heap_over(bytes + bytes / 2);
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

/// In an order that nobody foresees.
fn shuffle(blocks: &mut [NonNull<u8>]) {
    let mut random = 1_u32;
    for last in (1..blocks.len()).rev() {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        blocks.swap(last, ((u64::from(random) * (last as u64 + 1)) >> 32) as usize);
    }
}

#[test]
fn all_spans_but_the_first_go_back_with_the_last_block_in_them_in_whatever_order_they_are_freed() {
    for (least, bytes) in [(16, 20 << 20), (100, 6 << 20), (1000, 20 << 20), (3000, 20 << 20)] {
        let orders: [fn(&mut [NonNull<u8>]); 3] = [|_| (), |blocks| blocks.reverse(), shuffle];
        for order in orders {
            let mut heap = heap();
            let stay = allocate(&mut heap, 100, 100_000);
            let mut blocks = allocate(&mut heap, least, bytes);
            order(&mut blocks);
            free(&mut heap, &blocks);
            assert_eq!(heap.source().lent, 1, "{bytes} bytes from {least} on were freed");
            free(&mut heap, &stay);
            assert_eq!((heap.source().lent, heap.check()), (1, Ok(())));
        }
    }
}

#[test]
fn so_they_do_where_others_have_freed_some_or_blocks_were_moved() {
    let (mut heap, inbox) = heap_and_inbox();
    let mut blocks = allocate(&mut heap, 100, 20 << 20);
    shuffle(&mut blocks);
    let [some, remote, moved, rest] =
        [0..4_000, 4_000..60_000, 60_000..64_000, 64_000..blocks.len()].map(|range| &blocks[range]);
    free(&mut heap, some);
    for &block in remote {
        let span = heap.source().block_of(block.addr().get()).unwrap();
        // SAFETY: the heap has a span there, and nobody uses the block any more.
        assert_eq!(unsafe { RemoteSpan::at(span).free(block, 0, inbox) }, Ok(()));
    }
    assert_eq!(heap.take_in(), remote.len());
    let moved: Vec<_> =
        // SAFETY: the blocks are used no more where they were.
        moved.iter().map(|&block| unsafe { heap.resize(block, 3000) }.unwrap().unwrap()).collect();
    free(&mut heap, &moved);
    free(&mut heap, rest);
    assert_eq!((heap.source().lent, heap.check()), (1, Ok(())));
}

#[test]
fn a_heap_of_one_span_keeps_it() {
    let mut heap = heap();
    for _ in 0..4 {
        let blocks = allocate(&mut heap, 100, SPAN / 2);
        free(&mut heap, &blocks);
        assert_eq!(heap.source().lent, 1);
    }
}
