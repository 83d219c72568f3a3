//! The full check notices what is wrong with a heap.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use memalloc_core::inspect::FaultKind;
use memalloc_core::map::Map;
use memalloc_core::{ArenaSource, GRANULE, General, Heap, Mode, RealTime};

const WORD: usize = size_of::<usize>();

/// A heap with blocks in use, and between them free chunks of one granule and of four; in one bin, two of each. One
/// block is long.
struct Case<M: Mode> {
    heap: Heap<ArenaSource, M>,
    one: [NonNull<u8>; 2],
    four: [NonNull<u8>; 2],
    waiting: [NonNull<u8>; 2],
    long: NonNull<u8>,
}

impl<M: Mode> Case<M> {
    fn new() -> Self {
        let arena = Box::leak(vec![MaybeUninit::uninit(); 64 << 10].into_boxed_slice());
        let mut heap = Heap::<_, M>::with_mode(ArenaSource::new(arena));
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
        let free = |heap: &mut Heap<ArenaSource, M>, block| {
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
        // SAFETY: the map stands behind the six words of the header.
        let used = unsafe { block.add(6 * WORD).cast::<usize>().add(2 * (g / usize::BITS as usize)) };
        // SAFETY: each entry has two words.
        ([used, unsafe { used.add(1) }], 1 << (g % usize::BITS as usize))
    }

    /// Flips the bit that says that the block at `address` waits.
    fn flip_waiting(&self, address: NonNull<u8>) {
        let span = self.heap.spans().next().expect("there is a span");
        let block = span.block.cast::<u8>();
        let g = (address.addr().get() - block.addr().get()) / GRANULE;
        let words = 6 + Map::ENTRY * Map::entries(span.block.len() / GRANULE);
        // SAFETY: the bits stand behind the map.
        let bits = unsafe { block.cast::<usize>().add(words + g / usize::BITS as usize) };
        spoil(bits, |word| word ^ 1 << (g % usize::BITS as usize));
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
    let case = Case::<RealTime>::new();
    spoil(word(case.four[0], 1), |size| size + GRANULE);
    case.expect(&[FaultKind::Size]);
    let case = Case::<RealTime>::new();
    spoil(word(case.four[0], 4 * GRANULE / WORD - 1), |footer| footer - GRANULE);
    case.expect(&[FaultKind::Footer]);
}

#[test]
fn links_that_do_not_lead_there_and_back() {
    for index in [0, 1] {
        // `next` of what is at the head of its bin, and `back` of both.
        let links =
            [|case: &Case<RealTime>| word(case.one[0], 1), |case: &Case<RealTime>| word(case.four[0], 2)];
        let case = Case::<RealTime>::new();
        spoil(links[index](&case), |_| case.long.addr().get());
        case.expect(&[FaultKind::Link]);
        // Even where a block in use has the link that the chunk says is there.
        let chunk = if index == 0 { case.one[0] } else { case.four[0] };
        spoil(word(case.long, 0), |_| chunk.addr().get());
        case.expect(&[FaultKind::Link]);
        let case = Case::<RealTime>::new();
        let [first, second] = if index == 0 { case.one } else { case.four };
        for chunk in [first, second] {
            spoil(word(chunk, 0), |_| case.long.addr().get());
        }
        case.expect(&[FaultKind::Link]);
    }
}

#[test]
fn a_chunk_that_fell_out_of_its_bin() {
    let case = Case::<RealTime>::new();
    // The second was freed last and is the first of the bin; without its link, the other is in no list.
    let [last, first] = case.four;
    // SAFETY: a free chunk starts there.
    assert_eq!(unsafe { word(first, 0).read() }, last.addr().get());
    spoil(word(first, 0), |_| 0);
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
fn bits_that_say_what_does_not_wait() {
    let case = Case::<General>::new();
    case.flip_waiting(case.long);
    case.expect(&[FaultKind::Waiting]);
    let case = Case::<General>::new();
    // SAFETY: the block has more granules than one.
    case.flip_waiting(unsafe { case.long.add(GRANULE) });
    case.expect(&[FaultKind::Waiting]);
    let case = Case::<General>::new();
    case.flip_waiting(case.waiting[0]);
    case.expect(&[FaultKind::Waiting]);
}
