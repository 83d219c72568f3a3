//! The full check notices what is wrong with a heap.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use memalloc_core::inspect::FaultKind;
use memalloc_core::{ArenaSource, BlocksSource, GRANULE, General, Heap, Mode, PageSource, RealTime};

const WORD: usize = size_of::<usize>();

/// One block, with links that are counted where half a word reaches far, or one of several, with links that are pointers.
trait Source: PageSource {
    fn of(arena: &'static mut [MaybeUninit<u8>]) -> Self;
}

impl Source for ArenaSource {
    fn of(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        Self::new(arena)
    }
}

impl Source for BlocksSource<1> {
    fn of(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        let mut source = Self::new();
        source.add(arena).expect("there is a place");
        source
    }
}

/// A heap with blocks in use, and between them free chunks of one granule and of four; in one bin, two of each. One
/// block is long.
struct Case<M: Mode, S: Source = ArenaSource> {
    heap: Heap<S, M>,
    one: [NonNull<u8>; 2],
    four: [NonNull<u8>; 2],
    waiting: [NonNull<u8>; 2],
    long: NonNull<u8>,
}

impl<M: Mode, S: Source> Case<M, S> {
    /// Whether a link is half a word, and counts those from the span's start on.
    const COUNTED: bool = S::ONE_BLOCK && WORD == 8;
    /// Words of a span's header: where links are counted, there are none to other spans.
    const HEADER: usize = if Self::COUNTED { 6 } else { 8 };

    fn new() -> Self {
        let arena = Box::leak(vec![MaybeUninit::uninit(); 64 << 10].into_boxed_slice());
        let mut heap = Heap::<S, M>::with_mode(S::of(arena));
        let mut allocate = |granules: usize| {
            let layout = Layout::from_size_align(granules * GRANULE, GRANULE).unwrap();
            heap.allocate(layout).expect("there is room")
        };
        let mut blocks = |granules| {
            let block = allocate(granules);
            allocate(2);
            block
        };
        let (one, four) = ([blocks(1), blocks(1)], [blocks(4), blocks(4)]);
        let (waiting, long) = ([blocks(3), blocks(3)], blocks(500));
        let free = |heap: &mut Heap<S, M>, block| {
            // SAFETY: the block is not used.
            assert_eq!(unsafe { heap.deallocate(block) }, Ok(()));
        };
        one.into_iter().chain(four).for_each(|block| free(&mut heap, block));
        heap.flush();
        waiting.into_iter().for_each(|block| free(&mut heap, block));
        assert_eq!(heap.check(), Ok(()));
        Self { heap, one, four, waiting, long }
    }

    /// The map's entry of the granule at `address`: its words, used and lower, and the granule's bit.
    fn entry(&self, address: NonNull<u8>) -> ([NonNull<usize>; 2], usize) {
        let block = self.heap.spans().next().expect("there is a span").block.cast::<u8>();
        let g = (address.addr().get() - block.addr().get()) / GRANULE;
        let words = Self::HEADER + 2 * (g / usize::BITS as usize);
        // SAFETY: the map stands behind the header.
        let used = unsafe { block.cast::<usize>().add(words) };
        // SAFETY: each entry has two words.
        ([used, unsafe { used.add(1) }], 1 << (g % usize::BITS as usize))
    }

    /// Flips the mark that says that the block at `address` waits.
    fn flip_mark(&self, address: NonNull<u8>) {
        let span = self.heap.spans().next().expect("there is a span");
        let block = span.block.cast::<u8>();
        let g = (address.addr().get() - block.addr().get()) / GRANULE;
        // SAFETY: the marks stand above the last chunk.
        let marks = unsafe { block.add(span.end * GRANULE).cast::<usize>() };
        // SAFETY: as above.
        let bits = unsafe { marks.add(g / usize::BITS as usize) };
        spoil(bits, |word| word ^ 1 << (g % usize::BITS as usize));
    }

    /// Changes what stands in the cell `index` of the free chunk at an address.
    fn spoil_cell(&self, address: NonNull<u8>, index: usize, change: impl Fn(usize) -> usize) {
        if Self::COUNTED {
            // SAFETY: the cell is one of the arena.
            unsafe {
                let cell = address.cast::<u32>().add(index);
                cell.write(change(cell.read() as usize) as u32);
            }
        } else {
            spoil(word(address, index), change);
        }
    }

    /// A link to an address.
    fn link(&self, address: NonNull<u8>) -> usize {
        let span = self.heap.spans().next().expect("there is a span");
        let base = span.block.addr().get();
        if Self::COUNTED { (address.addr().get() - base) / 4 } else { address.addr().get() }
    }

    fn expect(&self, kinds: &[FaultKind]) {
        let fault = self.heap.check().expect_err("the heap is corrupt");
        assert!(kinds.contains(&fault.kind), "{fault} is not one of {kinds:?}");
    }
}

/// Changes a word of a heap's.
fn spoil(word: NonNull<usize>, change: impl Fn(usize) -> usize) {
    // SAFETY: the tests give words of their arenas.
    unsafe { word.write(change(word.read())) };
}

/// The word `index` of the memory at an address.
fn word(address: NonNull<u8>, index: usize) -> NonNull<usize> {
    // SAFETY: the tests give words of their arenas.
    unsafe { address.cast::<usize>().add(index) }
}

#[test]
fn a_size_or_a_footer_that_is_wrong() {
    size_or_footer::<ArenaSource>();
    size_or_footer::<BlocksSource<1>>();
}

fn size_or_footer<S: Source>() {
    let more = if Case::<RealTime, S>::COUNTED { 1 } else { 2 };
    let case = Case::<RealTime, S>::new();
    case.spoil_cell(case.four[0], 1, |size| size + more);
    case.expect(&[FaultKind::Size]);
    let case = Case::<RealTime, S>::new();
    let cell = if Case::<RealTime, S>::COUNTED { WORD / 2 } else { WORD };
    case.spoil_cell(case.four[0], 4 * GRANULE / cell - 1, |footer| footer - more);
    case.expect(&[FaultKind::Footer]);
}

#[test]
fn links_that_do_not_lead_there_and_back() {
    links::<ArenaSource>();
    links::<BlocksSource<1>>();
}

fn links<S: Source>() {
    for one in [true, false] {
        let chunks = |case: &Case<RealTime, S>| if one { case.one } else { case.four };
        // Where the smallest chunk has no room for its size, `back` is the second.
        let back = if one && !Case::<RealTime, S>::COUNTED { 1 } else { 2 };
        let case = Case::<RealTime, S>::new();
        let chunk = chunks(&case)[0];
        case.spoil_cell(chunk, back, |_| case.link(case.long));
        case.expect(&[FaultKind::Link]);
        // Even where a block in use has the link that the chunk says is there.
        case.spoil_cell(case.long, 0, |_| case.link(chunk));
        case.expect(&[FaultKind::Link]);
        let case = Case::<RealTime, S>::new();
        for chunk in chunks(&case) {
            case.spoil_cell(chunk, 0, |_| case.link(case.long));
        }
        case.expect(&[FaultKind::Link]);
    }
}

#[test]
fn a_chunk_that_fell_out_of_its_bin() {
    fallen_out::<ArenaSource>();
    fallen_out::<BlocksSource<1>>();
}

fn fallen_out<S: Source>() {
    let case = Case::<RealTime, S>::new();
    // The lower is the first of the bin; without its link, the other is in no list.
    let [first, last] = case.four;
    case.spoil_cell(first, 0, |link| {
        assert_eq!(link, case.link(last));
        0
    });
    case.expect(&[FaultKind::Link, FaultKind::Bin]);
}

#[test]
fn a_map_that_has_a_start_too_many_or_too_few() {
    for which in [0, 1] {
        let case = Case::<RealTime>::new();
        let (words, bit) = case.entry(case.four[0]);
        spoil(words[which], |word| word ^ bit);
        case.expect(&[
            FaultKind::Start,
            FaultKind::LowerFree,
            FaultKind::NotCoalesced,
            FaultKind::Size,
            FaultKind::Bin,
        ]);
        let case = Case::<RealTime>::new();
        let ([used, lower], bit) = case.entry(case.four[0]);
        spoil(if which == 0 { used } else { lower }, |word| word ^ bit << 1);
        case.expect(&[
            FaultKind::Start,
            FaultKind::LowerFree,
            FaultKind::NotCoalesced,
            FaultKind::Size,
            FaultKind::Bin,
        ]);
    }
}

#[test]
fn an_end_noted_wrongly() {
    for change in [|note| note + 4, |_| 0] {
        let case = Case::<RealTime>::new();
        let ([_, lower], _) = case.entry(case.long);
        // The note is in the entry behind that of the chunk's start.
        // SAFETY: the chunk covers several entries.
        spoil(unsafe { lower.add(2) }, change);
        case.expect(&[FaultKind::Note]);
    }
}

#[test]
fn blocks_that_wait_in_no_list_or_twice() {
    let case = Case::<General>::new();
    spoil(word(case.waiting[1], 0), |_| 0);
    case.expect(&[FaultKind::Waiting]);
    let case = Case::<General>::new();
    spoil(word(case.waiting[1], 0), |_| case.waiting[1].addr().get());
    case.expect(&[FaultKind::Waiting]);
    let case = Case::<General>::new();
    spoil(word(case.waiting[0], 0), |_| case.long.addr().get());
    case.expect(&[FaultKind::Waiting]);
}

#[test]
fn a_header_whose_numbers_do_not_fit() {
    const CAPACITY: usize = 4;
    let case = Case::<General>::new();
    let span = case.heap.spans().next().expect("there is a span");
    for wrong in [0, usize::MAX / 2, span.block.len()] {
        let before = span.block.cast::<usize>();
        // SAFETY: the count is a word of the span's header.
        let capacity = unsafe { &mut *before.add(CAPACITY).as_ptr() };
        let right = core::mem::replace(capacity, wrong);
        case.expect(&[FaultKind::Header]);
        *capacity = right;
    }
    assert_eq!(case.heap.check(), Ok(()));
}

#[test]
fn marks_of_what_does_not_wait() {
    let case = Case::<General>::new();
    case.flip_mark(case.long);
    case.expect(&[FaultKind::Waiting]);
    let case = Case::<General>::new();
    // SAFETY: the block has more granules than one.
    case.flip_mark(unsafe { case.long.add(GRANULE) });
    case.expect(&[FaultKind::Waiting]);
    let case = Case::<General>::new();
    case.flip_mark(case.waiting[0]);
    case.expect(&[FaultKind::Waiting]);
}
