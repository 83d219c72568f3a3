//! What a thread's heap does with a glance at the map, and what it leaves to those that look at everything.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::map::WORD_GRANULES;
use crate::remote::{Inbox, RemoteSpan};
use crate::{ArenaSource, FreeError, GRANULE, GranuleAt, LiveBlock, LocalHeap, LongWait, PageSource};

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
