//! Spans go back to the source.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use memalloc_core::inspect::FaultKind;
use memalloc_core::{
    ArenaSource, BlocksSource, Compact, GRANULE, General, Heap, Local, Mode, PageSource, RealTime,
};

const SPANS: usize = 4;

fn source() -> BlocksSource<SPANS> {
    let mut source = BlocksSource::new();
    for _ in 0..SPANS {
        source
            .add(Box::leak(Box::new([MaybeUninit::uninit(); 64 << 10])))
            .expect("there is room for a block");
    }
    source
}

fn layout() -> Layout {
    Layout::from_size_align(3 * GRANULE, GRANULE).expect("a small layout")
}

/// A heap without room, and its blocks.
fn full<M: Mode>() -> (Heap<BlocksSource<SPANS>, M>, Vec<NonNull<u8>>) {
    let mut heap = Heap::with_mode(source());
    let blocks = std::iter::from_fn(|| heap.allocate(layout())).collect();
    assert_eq!(heap.totals().spans(), SPANS);
    (heap, blocks)
}

/// The first span, which holds the bins, stays, and one more against coming and going.
fn all_but_two_go<M: Mode>(in_turn: fn(&mut Vec<NonNull<u8>>)) {
    let (mut heap, mut blocks) = full::<M>();
    in_turn(&mut blocks);
    for block in blocks {
        // SAFETY: nobody uses the block.
        assert_eq!(unsafe { heap.deallocate_sized(block, layout()) }, Ok(()));
    }
    assert_eq!(heap.check(), Ok(()));
    assert_eq!(heap.totals().spans(), 2);
}

#[test]
fn all_spans_but_two_go_back_once_all_is_free() {
    all_but_two_go::<General>(|_| ());
    all_but_two_go::<General>(|blocks| blocks.reverse());
    all_but_two_go::<RealTime>(|blocks| blocks.reverse());
}

/// Blocks that are left in a span keep it, and what waits there may then wait.
#[test]
fn blocks_wait_where_others_keep_the_span() {
    let (mut heap, mut blocks) = full::<General>();
    let kept = blocks.pop().expect("there are blocks");
    for &block in blocks.iter().rev() {
        // SAFETY: nobody uses the block.
        assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
    }
    let waiting = heap.totals().waiting_chunks();
    assert!(waiting > 0, "none waits");
    // SAFETY: nobody uses the block.
    assert_eq!(unsafe { heap.deallocate(kept) }, Ok(()));
    assert_eq!((heap.check(), heap.totals().waiting_chunks()), (Ok(()), 0));
}

/// Header, map, bins and lists are all that lies below the first granule of chunks.
#[test]
fn what_a_span_keeps_beside_chunks_adds_up() {
    const WORD: usize = size_of::<usize>();
    const HEADER: usize = 8 * WORD;
    fn adds_up<M: Mode>() {
        for span in full::<M>().0.spans() {
            let below = HEADER + span.map + span.bins;
            assert_eq!(below.div_ceil(GRANULE), span.first, "{span:?}");
        }
    }
    adds_up::<General>();
    adds_up::<RealTime>();
}

/// Also where a map entry takes more than a granule, and a larger arena may have less room.
#[test]
fn all_that_an_arena_has_is_had_by_one_request() {
    is_had_by_one::<General>();
    is_had_by_one::<RealTime>();
    is_had_by_one::<Compact>();
    is_had_by_one::<Local>();
}

fn is_had_by_one<M: Mode>() {
    let memory = Box::leak(vec![MaybeUninit::<u128>::uninit(); 6 << 6].into_boxed_slice());
    let (start, most) = (memory.as_mut_ptr().cast(), size_of_val(memory));
    for size in (GRANULE << 7..most).step_by(size_of::<usize>()) {
        // SAFETY: each heap is gone when the next comes.
        let heap = || Heap::<_, M>::with_mode(unsafe { ArenaSource::from_raw(start, size) });
        let of = |bytes| Layout::from_size_align(bytes, 1).expect("a small layout");
        let mut first = heap();
        assert!(first.allocate(of(1)).is_some());
        let capacity = first.totals().used() + first.totals().free();
        drop(first);
        assert!(heap().allocate(of(capacity)).is_some(), "{capacity} of {size}");
    }
}

#[test]
fn a_request_for_no_bytes_takes_a_granule_that_waits() {
    let mut heap = Heap::<_, General>::with_mode(source());
    let [least, none] = [1, 0].map(|size| Layout::from_size_align(size, 1).expect("a small layout"));
    let [_kept, freed] = [(); 2].map(|()| heap.allocate(least).expect("there is room"));
    let waiting = heap.totals().waiting_chunks();
    // SAFETY: nobody uses the block.
    assert_eq!(unsafe { heap.deallocate_sized(freed, none) }, Ok(()));
    assert_eq!(heap.totals().waiting_chunks(), waiting + 1);
    assert_eq!(heap.allocate(none), Some(freed));
    assert_eq!(heap.totals().waiting_chunks(), waiting);
}

#[test]
fn a_wrong_count_of_what_holds_a_span_is_noticed() {
    const HELD: usize = 0;
    let (heap, _) = full::<General>();
    for span in heap.spans() {
        // SAFETY: the count is a word of the span's header.
        let held = unsafe { &mut *span.block.cast::<usize>().add(HELD).as_ptr() };
        *held += 1;
        assert_eq!(heap.check().map_err(|fault| fault.kind), Err(FaultKind::Held));
        *held -= 1;
        assert_eq!(heap.check(), Ok(()));
    }
}

/// What a source lends against its word is given back, and not looked at.
#[test]
fn a_block_that_is_not_whole_granules_is_not_used() {
    struct Odd {
        memory: [MaybeUninit<u128>; 512],
        is_out: bool,
    }
    impl Odd {
        const BYTES: usize = 4096 + GRANULE / 2;
    }
    // SAFETY: a heap is to refuse the block, which breaks the contract in its length alone.
    unsafe impl PageSource for Odd {
        const ALIGN: usize = GRANULE;
        fn largest(&self) -> usize {
            Self::BYTES
        }
        unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
            self.is_out = min <= Self::BYTES;
            let start = NonNull::from_mut(&mut self.memory).cast();
            self.is_out.then(|| NonNull::slice_from_raw_parts(start, Self::BYTES))
        }
        unsafe fn release(&mut self, _block: NonNull<[u8]>) {
            self.is_out = false;
        }
        fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
            let start = NonNull::from_ref(&self.memory).cast::<u8>();
            let is_inside = self.is_out && address.wrapping_sub(start.addr().get()) < Self::BYTES;
            is_inside.then_some(start)
        }
    }
    let mut heap = Heap::real_time(Odd { memory: [MaybeUninit::uninit(); _], is_out: false });
    assert_eq!(heap.allocate(layout()), None);
    assert!(!heap.source().is_out && heap.check() == Ok(()));
}

/// The least that will do is reserved, and found, whatever else is in its bin.
#[test]
fn what_is_reserved_serves_or_is_not_asked_for() {
    const PAGE: usize = 4096;
    #[repr(align(4096))]
    struct Pages([MaybeUninit<u8>; 24 * PAGE]);

    let page = Layout::from_size_align(PAGE, GRANULE).expect("a small layout");
    let aligned = Layout::from_size_align(PAGE, PAGE).expect("a small layout");
    let mut outcomes = [0; 2];
    for size in (2 * PAGE..2 * PAGE + 1024).step_by(GRANULE) {
        let mut source = BlocksSource::<3>::new();
        source.add(&mut Box::leak(Box::new(Pages([MaybeUninit::uninit(); _]))).0).expect("there is room");
        for _ in 0..2 {
            let block = Box::leak(Box::new(Pages([MaybeUninit::uninit(); _])));
            // The last of the first page, so that what is aligned lies far behind.
            source.add(&mut block.0[PAGE / 2..][..size]).expect("there is room");
        }
        let mut heap = Heap::<_, RealTime>::with_mode(source);
        assert!(heap.reserve(Layout::from_size_align(23 * PAGE, GRANULE).expect("a small layout")));
        // Chunks of a page that lie as nobody needs them, more than are looked at.
        let mut blocks: Vec<_> = (0..23).map(|_| heap.allocate(page).expect("there is room")).collect();
        assert!(blocks.iter().all(|block| !block.addr().get().is_multiple_of(PAGE)));
        // Nor does the highest join what is left above it.
        blocks.sort();
        let below = ..blocks.len() - 1;
        for block in blocks.extract_if(below, |block| (block.addr().get() / PAGE).is_multiple_of(2)) {
            // SAFETY: nobody uses the block.
            assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
        }
        let is_reserved = heap.reserve(aligned);
        assert_eq!(heap.totals().spans(), 1 + usize::from(is_reserved), "blocks of {size} bytes");
        if is_reserved {
            assert!(heap.allocate(aligned).is_some(), "blocks of {size} bytes");
            assert_eq!(heap.totals().spans(), 2);
        }
        assert_eq!(heap.check(), Ok(()));
        outcomes[usize::from(is_reserved)] += 1;
    }
    assert!(outcomes.iter().all(|&count| count > 1), "{outcomes:?}");
}
