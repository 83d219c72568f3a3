//! The bins alone, against a plain list of chunks.

use std::vec;
use std::vec::Vec;

use super::search::LAST_RESORT;
use super::*;
use crate::ArenaSource;
use crate::granule::{OneWord, TwoWords, TwoWordsLive, Within};
use crate::random::Random;
use crate::raw::after;

/// A chunk of `size` granules or more, as the heap takes one.
fn take<G: Granule>(bins: &mut Bins<G>, base: NonNull<u8>, size: usize) -> Option<(Position<G>, usize)> {
    // SAFETY: the bins and their chunks lie above the base.
    unsafe {
        let beneath = class::beneath::<G>(size);
        match bins.first_near(beneath).or_else(|| bins.first_fitting(base, beneath, size)) {
            Some(bin) => Some(bins.pop(base, bin)),
            None => bins.take_last_resort(base, size, |_, there| there >= size),
        }
    }
}

/// Bins, and memory behind them for chunks. Below them is the base, with room for the end.
struct Model<G: Granule> {
    bins: Bins<G>,
    chunks: Vec<(Position<G>, usize)>,
    largest: usize,
    memory: Vec<u128>,
    next: usize,
}

impl<G: Granule> Model<G> {
    /// Bytes for bins and chunks, as far as links reach.
    const ROOM: usize = if G::REACH < 4 << 20 { G::REACH } else { 4 << 20 };

    fn new(largest: usize) -> Self {
        let largest = largest.min(Bins::<G>::LARGEST);
        let bytes = 32 + Bins::<G>::bytes(largest).next_multiple_of(16);
        let mut memory = vec![0_u128; Self::ROOM / 16];
        memory[..bytes / 16].fill(u128::MAX);
        let base = NonNull::new(memory.as_mut_ptr()).unwrap().cast();
        let mut bins = Bins::new();
        assert!(take(&mut bins, base, 1).is_none());
        // SAFETY: the vector has the bytes and lives as long as the bins.
        unsafe { bins.initialize(base, after(base, 32), largest) };
        Self { bins, chunks: Vec::new(), largest, memory, next: bytes }
    }

    fn base(&mut self) -> NonNull<u8> {
        NonNull::new(self.memory.as_mut_ptr()).unwrap().cast()
    }

    /// A chunk on memory of its own, as long as there is some.
    fn insert(&mut self, size: usize) {
        let bytes = size * G::BYTES;
        if self.next + bytes > self.memory.len() * 16 {
            return;
        }
        let base = self.base();
        // SAFETY: the memory is the chunk's own.
        unsafe {
            let at = Position::new(base, after(base, self.next));
            self.next += bytes;
            self.bins.insert(base, at, size);
            self.chunks.push((at, size));
        }
    }

    fn compare(&mut self) {
        let (mut listed, base) = (Vec::new(), self.base());
        for bin in self.bins.all() {
            // SAFETY: the bin is one of these, and the chunks are in it.
            unsafe {
                let mut link = self.bins.first(base, bin).expect("bits and lists agree");
                while let Some(chunk) = link {
                    let size = chunk.size(base);
                    assert_eq!(class::holding::<G>(size), bin);
                    listed.push((chunk.position().address(base), size));
                    link = chunk.next(base);
                }
            }
        }
        // SAFETY: the chunks lie above the base.
        let expected = self.chunks.iter().map(|&(at, size)| unsafe { (at.address(base), size) });
        let mut expected: Vec<_> = expected.collect();
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected);
    }

    fn take(&mut self, size: usize) {
        let fits = self.chunks.iter().any(|chunk| chunk.1 >= size);
        let sure = self.sure(size);
        let bin_of = |size| class::holding::<G>(size);
        let base = self.base();
        let is_near = self.bins.first_near(class::beneath::<G>(size)).is_some();
        // SAFETY: the chunks lie above the base; there is a bin of the size.
        let own = unsafe { self.bins.first(base, bin_of(size)).expect("bits and lists agree") };
        // SAFETY: the chunk is in a bin.
        let own_fits = own.is_some_and(|first| unsafe { first.size(base) } >= size);
        match take(&mut self.bins, base, size) {
            Some((chunk, got)) => {
                let place =
                    self.chunks.iter().position(|&there| there == (chunk, got)).expect("was in a bin");
                self.chunks.swap_remove(place);
                assert!(got >= size);
                let expected = if own_fits && !is_near { size } else { sure.unwrap_or(size) };
                assert_eq!(bin_of(got), bin_of(expected), "{size} of {:?}", self.chunks);
            }
            None => assert!(!fits || self.same_bin(size) >= LAST_RESORT, "{size} of {:?}", self.chunks),
        }
    }

    /// A chunk in a bin whose every chunk fits `size`.
    fn sure(&self, size: usize) -> Option<usize> {
        let covering = class::covering::<G>(size);
        self.chunks.iter().map(|chunk| chunk.1).filter(|&there| class::holding::<G>(there) >= covering).min()
    }

    fn same_bin(&self, size: usize) -> usize {
        let bin = class::holding::<G>(size);
        self.chunks.iter().filter(|chunk| class::holding::<G>(chunk.1) == bin).count()
    }
}

fn exercise<G: Granule>(largest: usize, operations: usize, seed: u64) {
    let mut random = Random::new(seed);
    let mut model = Model::<G>::new(largest);
    for _ in 0..operations {
        let size = (1 + random.below(model.largest.min(4096))) >> random.below(10);
        match random.below(5) {
            0 | 1 => model.insert(size.max(1)),
            2 if !model.chunks.is_empty() => {
                let (chunk, _) = model.chunks.swap_remove(random.below(model.chunks.len()));
                let base = model.base();
                // SAFETY: the model says that the chunk is in a bin.
                unsafe { model.bins.remove(base, chunk) };
            }
            _ => model.take(size.max(1)),
        }
        model.compare();
    }
}

#[test]
fn agree_with_a_list_of_chunks() {
    agree::<TwoWords>();
    agree::<Within<ArenaSource, TwoWords>>();
    agree::<OneWord>();
}

fn agree<G: Granule>() {
    for seed in 0..10 {
        exercise::<G>(1, 100, seed);
        exercise::<G>(9, 200, seed);
        exercise::<G>(600, 500, seed);
        exercise::<G>(1 << 18, 500, seed);
        exercise::<G>(usize::MAX >> 5, 500, seed);
    }
}

#[test]
fn the_only_chunk_is_found_by_a_request_for_all_of_it() {
    is_found_by_its_size::<TwoWords>();
    is_found_by_its_size::<Within<ArenaSource, TwoWords>>();
    is_found_by_its_size::<OneWord>();
}

fn is_found_by_its_size<G: Granule>() {
    for size in 1..4000 {
        let mut model = Model::<G>::new(4000);
        model.insert(size);
        let base = model.base();
        assert!(take(&mut model.bins, base, size + 1).is_none());
        assert_eq!(take(&mut model.bins, base, size), Some(model.chunks[0]));
        assert!(take(&mut model.bins, base, 1).is_none());
    }
}

#[test]
fn the_lower_of_what_was_freed_last_and_the_first_comes_first() {
    lower_comes_first::<TwoWords>();
    lower_comes_first::<Within<ArenaSource, TwoWords>>();
    lower_comes_first::<OneWord>();
}

fn lower_comes_first<G: Granule>() {
    for size in [1, 2, 40] {
        let mut model = Model::<G>::new(4000);
        let (bin, base, start) = (class::holding::<G>(size), model.base(), model.next);
        // SAFETY: the memory is the model's, and no chunk's.
        let at = |place| unsafe { Position::<G>::new(base, after(base, start + place * size * G::BYTES)) };
        // SAFETY: the granules are a chunk's of their own; the chunks are in the bin.
        unsafe {
            for place in [2, 3, 0, 1] {
                model.bins.insert_freed(base, at(place), size);
            }
            for place in [0, 1, 2, 3] {
                assert_eq!(model.bins.pop(base, bin), (at(place), size));
            }
        }
        assert!(take(&mut model.bins, base, size).is_none());
    }
}

#[test]
fn a_long_chunk_is_left_whole_if_the_first_of_the_requests_own_bin_fits() {
    is_left_whole::<TwoWords>();
    is_left_whole::<TwoWordsLive>();
    is_left_whole::<Within<ArenaSource, TwoWords>>();
    is_left_whole::<OneWord>();
}

fn is_left_whole<G: Granule>() {
    let (low, high) = (class::smallest::<G>(WORD_BITS + 1), class::smallest::<G>(WORD_BITS + 2) - 1);
    let cases = [(high, high), (high - 1, high), (low + 1, low), (low, low)];
    for (size, there) in cases {
        let mut model = Model::<G>::new(1 << 14);
        model.insert(10_000);
        model.insert(there);
        let expected = model.chunks[usize::from(there >= size)];
        let base = model.base();
        assert_eq!(take(&mut model.bins, base, size), Some(expected), "{size} of {there}");
    }
}

#[test]
fn the_lowest_filled_bin_above_is_found_wherever_its_bit_is() {
    is_found_wherever::<TwoWords>();
    is_found_wherever::<TwoWordsLive>();
    is_found_wherever::<Within<ArenaSource, TwoWords>>();
    is_found_wherever::<OneWord>();
}

fn is_found_wherever<G: Granule>() {
    let mut model = Model::<G>::new(usize::MAX >> 5);
    let (base, last) = (model.base(), model.bins.last());
    for filled in 1..=last {
        model.bins.bits.as_mut()[filled / WORD_BITS] = 1 << (filled % WORD_BITS);
        for beneath in 0..=last {
            let size = class::smallest::<G>(beneath) + 1;
            // SAFETY: the heads are the model's. No bin has a chunk, whatever its bit says, so that none of the own bin fits.
            let fitting = unsafe { model.bins.first_fitting(base, beneath, size) };
            let found = model.bins.first_near(beneath).or(fitting);
            assert_eq!(found, (filled > beneath).then_some(filled), "{size} granules");
        }
        model.bins.bits = G::BinBits::NONE;
    }
}

#[test]
fn a_bit_that_does_not_agree_with_its_list_is_told() {
    is_told::<TwoWords>();
    is_told::<Within<ArenaSource, TwoWords>>();
    is_told::<OneWord>();
}

fn is_told<G: Granule>() {
    for size in [1, 5, 700] {
        let mut model = Model::<G>::new(4000);
        let (bin, base) = (class::holding::<G>(size), model.base());
        // SAFETY: there is such a bin.
        let first = |model: &Model<G>| unsafe { model.bins.first(base, bin) };
        assert_eq!(first(&model), Ok(None));
        model.bins.bits.as_mut()[bin / WORD_BITS] ^= 1 << (bin % WORD_BITS);
        assert_eq!(first(&model), Err(bin));
        model.bins.bits.as_mut()[bin / WORD_BITS] ^= 1 << (bin % WORD_BITS);
        model.insert(size);
        let position = first(&model).map(|first| first.map(FreeChunk::position));
        assert_eq!(position, Ok(Some(model.chunks[0].0)));
        model.bins.bits.as_mut()[bin / WORD_BITS] ^= 1 << (bin % WORD_BITS);
        assert_eq!(first(&model), Err(bin));
    }
}
