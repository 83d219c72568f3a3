//! Frees that are short, or say a size.

use core::alloc::Layout;
use core::array;

use super::{at, new_heap};
use crate::{FreeError, GRANULE, LongWait};

#[test]
fn the_short_ways_refuse_a_size_that_is_not_the_block_s() {
    // So much that long blocks may wait too.
    let (mut heap, _) = new_heap(3 << 20);
    for size in [3 * GRANULE, 300 * GRANULE] {
        let block = heap.allocate(Layout::from_size_align(size, 8).unwrap()).unwrap();
        let at = at(&heap, block);
        // SAFETY: the block is not used any more, or the heap is to refuse.
        unsafe {
            for wrong in [1, size - GRANULE, size + GRANULE, usize::MAX] {
                assert!(!heap.let_wait(at, Some(wrong)));
                assert_eq!(heap.let_wait_long(at, Some(wrong)), LongWait::No);
            }
            assert_eq!((heap.usable_size(block), heap.check()), (Ok(size), Ok(())));
            let is_done =
                heap.let_wait(at, Some(size)) || heap.let_wait_long(at, Some(size)) == LongWait::Yes;
            assert!(is_done && !heap.let_wait(at, None) && heap.let_wait_long(at, None) == LongWait::No);
            assert_eq!((heap.deallocate(block), heap.check()), (Err(FreeError::AlreadyFree), Ok(())));
        }
    }
}

#[test]
fn a_block_that_may_not_wait_is_coalesced_by_what_is_known_of_it() {
    // Too little for anything to wait.
    let (mut heap, _) = new_heap(16 << 10);
    for size in [1, 40, 64, 65, 130].map(|size| size * GRANULE) {
        let block = heap.allocate(Layout::from_size_align(size, 8).unwrap()).unwrap();
        let at = at(&heap, block);
        // SAFETY: the block is not used any more, or the heap is to refuse.
        unsafe {
            assert!(!heap.let_wait(at, None));
            assert_eq!(heap.let_wait_long(at, Some(size + GRANULE)), LongWait::No);
            assert_eq!(heap.let_wait_long(at, Some(size)), LongWait::MayNot(size));
            assert_eq!(heap.let_wait_long(at, None), LongWait::MayNot(size));
            heap.deallocate_known(at, size);
            assert_eq!((heap.let_wait_long(at, None), heap.check()), (LongWait::No, Ok(())));
            assert_eq!(heap.deallocate(block), Err(FreeError::AlreadyFree));
        }
    }
}

#[test]
fn twice_as_many_long_blocks_wait_where_the_heap_is_large() {
    let layout = Layout::from_size_align(100 * GRANULE, 8).unwrap();
    for (size, by_glance, waiting) in
        [(5 << 20, false, 33), (5 << 20, true, 33), (12 << 20, false, 65), (12 << 20, true, 65)]
    {
        let (mut heap, _) = new_heap(size);
        let blocks: [_; 100] = array::from_fn(|_| heap.allocate(layout).unwrap());
        for block in &blocks[1..] {
            let at = at(&heap, *block);
            // SAFETY: nobody uses the block any more.
            unsafe {
                match if by_glance { heap.let_wait_long(at, None) } else { LongWait::No } {
                    LongWait::Yes => {}
                    LongWait::InPlaceOf(displaced, bytes) => heap.coalesce(displaced, bytes),
                    _ => heap.deallocate(*block).unwrap(),
                }
            }
        }
        assert_eq!((heap.totals().waiting_chunks, heap.check()), (waiting, Ok(())), "{size}, {by_glance}");
    }
}

#[test]
fn a_free_of_another_size_is_refused_whatever_waits_and_however_long_the_block_is() {
    for arena in [16 << 10, 1 << 20, 3 << 20] {
        let (mut heap, _) = new_heap(arena);
        for size in [1, 3, 64, 65, 130, 300].map(|size| size * GRANULE) {
            let layout = |size| Layout::from_size_align(size, 8).unwrap();
            let block = heap.allocate(layout(size)).unwrap();
            for wrong in [size - GRANULE, size + 1, 2 * size, 4096 * GRANULE] {
                // SAFETY: the heap is to refuse. No bytes are one granule.
                let refused = unsafe { heap.deallocate_sized(block, layout(wrong)) };
                let is_wrong = wrong.max(1).next_multiple_of(GRANULE) != size;
                assert!(!is_wrong || refused == Err(FreeError::WrongSize), "{wrong} instead of {size}");
                if !is_wrong {
                    assert_eq!((refused, heap.allocate(layout(size))), (Ok(()), Some(block)));
                }
            }
            // SAFETY: the block is not used any more, and then the heap is to refuse.
            unsafe {
                assert_eq!(heap.deallocate_sized(block, layout(size)), Ok(()));
                assert_eq!(heap.deallocate_sized(block, layout(size)), Err(FreeError::AlreadyFree));
            }
            assert_eq!(heap.check(), Ok(()));
        }
    }
}
