use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::vec::Vec;

use crate::remote::{Inbox, RemoteSpan};
use crate::{ArenaSource, FreeError, GRANULE, GranuleAt, LocalHeap, LongWait, PageSource};

const LAYOUT: Layout = Layout::new::<[u8; 40]>();
/// Its bytes, whole granules.
const WHOLE: usize = LAYOUT.size().next_multiple_of(GRANULE);

fn new_heap(size: usize) -> (LocalHeap<'static, ArenaSource>, &'static Inbox) {
    let inbox = std::boxed::Box::leak(std::boxed::Box::new(Inbox::new()));
    let arena = std::vec![MaybeUninit::uninit(); size].leak();
    // SAFETY: the inbox is the heap's alone.
    let heap = unsafe { LocalHeap::new(ArenaSource::new(arena), inbox, |error, _| panic!("{error}")) };
    (heap, inbox)
}

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
        for new_size in [300, 301, 900, 70, 65].map(|size| size * GRANULE) {
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
    heap.allocate_waiting_aligned(layout).or_else(|| heap.allocate_waiting_long(layout))
}
