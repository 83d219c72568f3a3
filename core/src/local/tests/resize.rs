//! Growing and shrinking.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::{at, new_heap};
use crate::{ArenaSource, FreeError, GRANULE, GranuleAt, LocalHeap};

/// What comes of a block whose size nobody says, if one is in use there.
///
/// # Safety
/// Nobody uses it where it was.
unsafe fn resize_soon(
    heap: &mut LocalHeap<'_, ArenaSource>,
    at: GranuleAt,
    new_size: usize,
) -> Option<NonNull<u8>> {
    // SAFETY: the granule is the heap's, and the caller gives the block up.
    unsafe {
        let block = heap.live_block(at)?;
        heap.resize_soon(block, false, new_size)
    }
}

#[test]
fn a_block_whose_size_nobody_says_grows_by_an_eighth_if_not_by_much_and_stays_where_it_shrinks_by_less() {
    for size in [16, 40, 64, 65, 800, 20_000] {
        let (mut heap, _) = new_heap(3 << 20);
        let room = (size / 8).min(2048);
        let block = heap.allocate(Layout::from_size_align(size * GRANULE, 8).unwrap()).unwrap();
        let at = at(&heap, block);
        // SAFETY: the block is not used.
        unsafe {
            let mut resize = |granules: usize| {
                let new_size = granules * GRANULE - 3;
                let stays = heap.live_block(at).unwrap().is_about(new_size);
                let had = heap.usable_size(block).unwrap();
                assert_eq!(resize_soon(&mut heap, at, new_size), Some(block));
                let has = heap.usable_size(block).unwrap();
                assert_eq!((stays, heap.check()), (has == had, Ok(())));
                has / GRANULE
            };
            let much = room.clamp(1, 9);
            assert_eq!(resize(size + much - 1), size + room);
            assert_eq!(resize(size + room), size + room);
            assert_eq!(resize(size + 1), size + room);
            assert_eq!(resize(size - size / 4), size - size / 4);
            assert_eq!(resize(size), size);
            assert_eq!(resize(size + much), size + much);
            assert_eq!(heap.deallocate(block), Ok(()));
        }
    }
}

#[test]
fn no_block_is_about_as_long_as_one_for_no_bytes() {
    let (mut heap, _) = new_heap(1 << 20);
    let block = heap.allocate(Layout::new::<u8>()).unwrap();
    // SAFETY: the granule is the heap's.
    let live = unsafe { heap.live_block(at(&heap, block)) }.unwrap();
    assert_eq!([0, 1, GRANULE, GRANULE + 1].map(|size| live.is_about(size)), [false, true, true, false]);
}

#[test]
fn a_block_of_another_size_is_not_reallocated() {
    let (mut heap, _) = new_heap(3 << 20);
    for size in [3, 100, 300] {
        let layout = |granules| Layout::from_size_align(granules * GRANULE, 8).unwrap();
        let block = heap.allocate(layout(size)).unwrap();
        for wrong in [1, size - 1, size + 1] {
            for new_size in [size, wrong].map(|size| size * GRANULE) {
                // SAFETY: the heap is to refuse.
                assert_eq!(unsafe { heap.reallocate(block, layout(wrong), new_size) }, None);
            }
        }
        assert_eq!((heap.usable_size(block), heap.check()), (Ok(size * GRANULE), Ok(())));
        // SAFETY: the block is not used where it was.
        assert!(unsafe { heap.reallocate(block, layout(size), (size + 1) * GRANULE) }.is_some());
    }
}

#[test]
fn a_block_is_resized_in_few_steps_where_it_lies_or_into_one_that_waits() {
    let (mut heap, _) = new_heap(3 << 20);
    let [_, _, block, waiting] = [1, 2, 3, 5].map(|size| {
        let layout = Layout::from_size_align(size * GRANULE, 8).unwrap();
        // Others of each size wait, and nothing free is above any.
        [heap.allocate(layout).unwrap(), heap.allocate(layout).unwrap()][0]
    });
    let at = at(&heap, block);
    // SAFETY: the blocks have the bytes, and are used no more where they were.
    unsafe {
        block.write_bytes(0x3c, 3 * GRANULE);
        heap.deallocate(waiting).unwrap();
        for same in [2 * GRANULE + 1, 3 * GRANULE] {
            assert_eq!(resize_soon(&mut heap, at, same), Some(block));
        }
        for left in [0, 300 * GRANULE, usize::MAX] {
            assert_eq!(resize_soon(&mut heap, at, left), None);
        }
        assert_eq!(resize_soon(&mut heap, at, 3 * GRANULE), Some(block));
        assert_eq!(heap.usable_size(block), Ok(3 * GRANULE));
        assert_eq!(resize_soon(&mut heap, at, 5 * GRANULE - 1), Some(waiting));
        assert!((0..3 * GRANULE).all(|byte| waiting.add(byte).read() == 0x3c));
        assert_eq!((heap.usable_size(waiting), heap.check()), (Ok(5 * GRANULE), Ok(())));
        assert_eq!(
            (resize_soon(&mut heap, at, 3 * GRANULE), heap.deallocate(block)),
            (None, Err(FreeError::AlreadyFree))
        );

        // Down into one that waits too.
        let (at, waited) = (self::at(&heap, waiting), heap.totals().waiting());
        let short = resize_soon(&mut heap, at, GRANULE + 1).unwrap();
        assert!(short != waiting && (0..2 * GRANULE).all(|byte| short.add(byte).read() == 0x3c));
        assert_eq!((heap.usable_size(short), heap.check()), (Ok(2 * GRANULE), Ok(())));
        assert_eq!(heap.totals().waiting(), waited + 3 * GRANULE);
        assert_eq!(heap.deallocate(waiting), Err(FreeError::AlreadyFree));

        // Where none does, what is cut off waits, for a request of its size.
        let layout = |granules| Layout::from_size_align(granules * GRANULE, 8).unwrap();
        assert_eq!(heap.allocate(layout(5)), Some(waiting));
        let (at, waited) = (self::at(&heap, waiting), heap.totals().waiting());
        waiting.write_bytes(0x3d, 4 * GRANULE);
        assert_eq!(resize_soon(&mut heap, at, 3 * GRANULE + 1), Some(waiting));
        assert_eq!((heap.usable_size(waiting), heap.check()), (Ok(4 * GRANULE), Ok(())));
        assert_eq!(heap.totals().waiting(), waited + GRANULE);
        let cut_off = waiting.add(4 * GRANULE);
        assert_eq!(heap.deallocate(cut_off), Err(FreeError::AlreadyFree));
        assert_eq!((heap.allocate(layout(1)), heap.usable_size(cut_off)), (Some(cut_off), Ok(GRANULE)));
        assert!((0..4 * GRANULE).all(|byte| waiting.add(byte).read() == 0x3d));

        // From then on that size is asked for, and waits.
        let waited = heap.totals().waiting();
        assert_eq!((heap.deallocate(cut_off), heap.deallocate(waiting)), (Ok(()), Ok(())));
        assert_eq!((heap.deallocate(short), heap.check()), (Ok(()), Ok(())));
        assert_eq!(heap.totals().waiting(), waited + 7 * GRANULE);
    }
}

#[test]
fn a_long_block_is_resized_in_few_steps_where_it_lies() {
    let (mut heap, _) = new_heap(3 << 20);
    let block = heap.allocate(Layout::from_size_align(300 * GRANULE, 8).unwrap()).unwrap();
    let at = at(&heap, block);
    // SAFETY: the block is not used, and the heap is to refuse what is wrong.
    unsafe {
        for new_size in [300, 301, 900, 451, 227, 114, 65].map(|size| size * GRANULE) {
            let live = heap.live_block(at).unwrap();
            assert_eq!(live.size(), heap.usable_size(block).unwrap());
            assert_eq!(heap.resize_soon(live, true, new_size - 1), Some(block));
            assert_eq!((heap.usable_size(block), heap.check()), (Ok(new_size), Ok(())));
        }
        let above = heap.allocate(Layout::from_size_align(100 * GRANULE, 8).unwrap()).unwrap();
        assert!(above > block);
        for left in [0, 64 * GRANULE + 2 * above.offset_from_unsigned(block), 4 << 20, usize::MAX] {
            assert_eq!(resize_soon(&mut heap, at, left), None);
        }
        assert_eq!((heap.usable_size(block), heap.check()), (Ok(65 * GRANULE), Ok(())));
        heap.deallocate(block).unwrap();
        assert_eq!((resize_soon(&mut heap, at, 65 * GRANULE), heap.check()), (None, Ok(())));
    }
}

#[test]
fn a_block_that_becomes_half_as_long_moves_and_leaves_its_place_whole() {
    const LONG: usize = 64 << 10;
    for align in [8, 128] {
        let (mut heap, _) = new_heap(3 << 20);
        let long = Layout::from_size_align(LONG, align).unwrap();
        let mut blocks = [(); 40].map(|()| heap.allocate(long).unwrap());
        for (byte, block) in (0_u8..).zip(&mut blocks) {
            // SAFETY: the block has these bytes, and its old place is not used once it is elsewhere.
            unsafe {
                block.write_bytes(byte, 1000);
                let shorter = heap.reallocate(*block, long, 1000).unwrap();
                assert!(shorter != *block && shorter.addr().get().is_multiple_of(align));
                assert_eq!(heap.usable_size(*block), Err(FreeError::AlreadyFree));
                *block = shorter;
                assert!((0..1000).all(|at| block.add(at).read() == byte));
            }
        }
        assert!(heap.allocate(Layout::from_size_align(39 * LONG, 8).unwrap()).is_some());
        assert_eq!(heap.check(), Ok(()));
    }
}

#[test]
fn half_of_a_block_moves_and_a_granule_more_stays() {
    for size in [300, 4000] {
        let (mut heap, _) = new_heap(3 << 20);
        let layout = |granules| Layout::from_size_align(granules * GRANULE, 8).unwrap();
        let block = heap.allocate(layout(2 * size)).unwrap();
        // SAFETY: the block is not used.
        unsafe {
            let more = (size + 1) * GRANULE;
            assert_eq!(heap.reallocate(block, layout(2 * size), more), Some(block));
            assert_eq!(heap.reallocate(block, layout(size + 1), 2 * size * GRANULE), Some(block));
            assert_ne!(heap.reallocate(block, layout(2 * size), size * GRANULE), Some(block));
        }
        assert_eq!((heap.usable_size(block), heap.check()), (Err(FreeError::AlreadyFree), Ok(())));
    }
}

#[test]
fn a_block_that_becomes_shorter_stays_where_nothing_else_is_free() {
    let (mut heap, _) = new_heap(3 << 20);
    let long = Layout::from_size_align(64 << 10, 8).unwrap();
    let block = heap.allocate(long).unwrap();
    for size in [64 << 10, 1 << 10, GRANULE] {
        while heap.allocate(Layout::from_size_align(size, 8).unwrap()).is_some() {}
    }
    let at = at(&heap, block);
    // SAFETY: the block is not used.
    unsafe {
        assert_eq!(resize_soon(&mut heap, at, 1000), None);
        assert_eq!(heap.resize(block, 1000), Ok(Some(block)));
    }
    assert_eq!((heap.usable_size(block), heap.check()), (Ok(1000_usize.next_multiple_of(GRANULE)), Ok(())));
}
