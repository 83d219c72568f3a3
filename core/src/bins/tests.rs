//! The bins alone, against a plain list of chunks.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::ArenaSource;
use crate::granule::{OneWord, TwoWords, Within};
use crate::random::Random;

/// A chunk of `size` granules or more, as the heap takes one.
fn take<G: Granule>(bins: &mut Bins<G>, size: usize) -> Option<(NonNull<u8>, usize)> {
    let (chunk, bytes) = match bins.first_for(size * G::BYTES) {
        // SAFETY: the bin has a chunk.
        Some(bin) => unsafe { bins.pop(bin) },
        None => bins.take_last_resort(size, |_, there| there >= size * G::BYTES)?,
    };
    Some((chunk, bytes / G::BYTES))
}

fn holding<G: Granule>(size: usize) -> usize {
    class::holding::<G>(size * G::BYTES)
}

fn covering<G: Granule>(size: usize) -> usize {
    class::covering::<G>(size * G::BYTES)
}

/// Bins, and memory behind them for chunks.
struct Model<G> {
    bins: Bins<G>,
    chunks: Vec<(NonNull<u8>, usize)>,
    largest: usize,
    memory: Vec<u128>,
    next: usize,
}

impl<G: Granule> Model<G> {
    /// Bytes for bins and chunks, as far as links reach.
    const ROOM: usize = if G::REACH < 4 << 20 { G::REACH } else { 4 << 20 };

    fn new(largest: usize) -> Self {
        let bytes = Bins::<G>::bytes(largest * G::BYTES).next_multiple_of(16);
        let mut memory = vec![0_u128; Self::ROOM / 16];
        memory[..bytes / 16].fill(u128::MAX);
        let mut bins = Bins::new();
        assert!(take(&mut bins, 1).is_none());
        // SAFETY: the vector has the bytes and lives as long as the bins.
        unsafe { bins.initialize(NonNull::new(memory.as_mut_ptr()).unwrap().cast(), largest * G::BYTES) };
        Self { bins, chunks: Vec::new(), largest, memory, next: bytes }
    }

    /// A chunk on memory of its own, as long as there is some.
    fn insert(&mut self, size: usize) {
        let bytes = size * G::BYTES;
        if self.next + bytes > self.memory.len() * 16 {
            return;
        }
        // SAFETY: the memory is the chunk's own.
        unsafe {
            let at = after::<u8>(NonNull::new(self.memory.as_mut_ptr()).unwrap().cast(), self.next);
            self.next += bytes;
            self.bins.insert(at, bytes);
            self.chunks.push((at, size));
        }
    }

    fn compare(&self) {
        let mut listed = Vec::new();
        for bin in 0..self.bins.count() {
            let mut link = self.bins.first(bin).expect("bits and lists agree");
            while let Some(chunk) = link {
                // SAFETY: the chunk is in a bin.
                let size = unsafe { chunk.size() } / G::BYTES;
                assert_eq!(holding::<G>(size), bin);
                listed.push((chunk.address(), size));
                // SAFETY: as above.
                link = unsafe { chunk.next(self.bins.base()) };
            }
        }
        let mut expected = self.chunks.clone();
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected);
    }

    fn take(&mut self, size: usize) {
        let fits = self.chunks.iter().any(|chunk| chunk.1 >= size);
        let sure = self.sure(size);
        match take(&mut self.bins, size) {
            Some((chunk, got)) => {
                let place =
                    self.chunks.iter().position(|&there| there == (chunk, got)).expect("was in a bin");
                self.chunks.swap_remove(place);
                assert!(got >= size);
                let good = sure.unwrap_or(size);
                assert_eq!(holding::<G>(got), holding::<G>(good), "{size} of {:?}", self.chunks);
            }
            None => assert!(!fits || self.same_bin(size) > LAST_RESORT, "{size} of {:?}", self.chunks),
        }
    }

    /// A chunk in a bin whose every chunk fits `size`.
    fn sure(&self, size: usize) -> Option<usize> {
        let covering = covering::<G>(size);
        self.chunks.iter().map(|chunk| chunk.1).filter(|&there| holding::<G>(there) >= covering).min()
    }

    fn same_bin(&self, size: usize) -> usize {
        let bin = holding::<G>(size);
        self.chunks.iter().filter(|chunk| holding::<G>(chunk.1) == bin).count()
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
                // SAFETY: the model says that the chunk is in a bin.
                unsafe { model.bins.remove(chunk) };
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
        assert!(take(&mut model.bins, size + 1).is_none());
        assert_eq!(take(&mut model.bins, size), Some(model.chunks[0]));
        assert!(take(&mut model.bins, 1).is_none());
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
        let bin = holding::<G>(size);
        assert_eq!(model.bins.first(bin), Ok(None));
        model.bins.bits[bin / WORD_BITS] ^= 1 << (bin % WORD_BITS);
        assert_eq!(model.bins.first(bin), Err(bin));
        model.bins.bits[bin / WORD_BITS] ^= 1 << (bin % WORD_BITS);
        model.insert(size);
        let first = model.bins.first(bin).map(|first| first.map(FreeChunk::address));
        assert_eq!(first, Ok(Some(model.chunks[0].0)));
        model.bins.bits[bin / WORD_BITS] ^= 1 << (bin % WORD_BITS);
        assert_eq!(model.bins.first(bin), Err(bin));
    }
}
