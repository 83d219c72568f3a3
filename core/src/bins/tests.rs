//! The bins alone, against a plain list of chunks.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::random::Random;

/// A chunk of `size` granules or more, as the heap takes one.
fn take(bins: &mut Bins, size: usize) -> Option<(NonNull<u8>, usize)> {
    let (chunk, bytes) = match bins.first_for(size * GRANULE) {
        // SAFETY: the bin has a chunk.
        Some(bin) => unsafe { bins.pop(bin) },
        None => bins.take_last_resort(size, |_, there| there >= size * GRANULE)?,
    };
    Some((chunk, bytes / GRANULE))
}

fn holding(size: usize) -> usize {
    class::holding(size * GRANULE)
}

fn covering(size: usize) -> usize {
    class::covering(size * GRANULE)
}

struct Model {
    bins: Bins,
    chunks: Vec<(NonNull<u8>, usize)>,
    largest: usize,
    _memory: Vec<usize>,
}

impl Model {
    fn new(largest: usize) -> Self {
        let mut memory = vec![usize::MAX; Bins::bytes(largest * GRANULE) / WORD];
        let mut bins = Bins::new();
        assert!(take(&mut bins, 1).is_none());
        // SAFETY: the vector has the bytes and lives as long as the bins.
        unsafe { bins.initialize(NonNull::new(memory.as_mut_ptr()).unwrap(), largest * GRANULE) };
        Self { bins, chunks: Vec::new(), largest, _memory: memory }
    }

    /// A chunk on memory of its own, which is only as large as what a chunk keeps of itself asks.
    fn insert(&mut self, size: usize) {
        let memory = vec![0_usize; 2 * size.min(4096)].leak();
        let at = NonNull::from(memory).cast::<u8>();
        // SAFETY: the memory is the chunk's own. Sizes beyond 4096 are not used here.
        unsafe {
            self.bins.insert(at, size * GRANULE);
            self.chunks.push((at, size));
        }
    }

    fn compare(&self) {
        let mut listed = Vec::new();
        for bin in 0..self.bins.count() {
            let mut link = self.bins.first(bin).expect("bits and lists agree");
            while let Some(chunk) = link {
                // SAFETY: the chunk is in a bin.
                let size = unsafe { chunk.size() } / GRANULE;
                assert_eq!(holding(size), bin);
                listed.push((chunk.address(), size));
                // SAFETY: as above.
                link = unsafe { chunk.next() };
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
                assert_eq!(holding(got), holding(good), "{size} of {:?}", self.chunks);
            }
            None => assert!(!fits || self.same_bin(size) > LAST_RESORT, "{size} of {:?}", self.chunks),
        }
    }

    /// A chunk in a bin whose every chunk fits `size`.
    fn sure(&self, size: usize) -> Option<usize> {
        let covering = covering(size);
        self.chunks.iter().map(|chunk| chunk.1).filter(|&there| holding(there) >= covering).min()
    }

    fn same_bin(&self, size: usize) -> usize {
        let bin = holding(size);
        self.chunks.iter().filter(|chunk| holding(chunk.1) == bin).count()
    }
}

fn exercise(largest: usize, operations: usize, seed: u64) {
    let mut random = Random::new(seed);
    let mut model = Model::new(largest);
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
    for seed in 0..10 {
        exercise(1, 100, seed);
        exercise(9, 200, seed);
        exercise(600, 500, seed);
        exercise(1 << 18, 500, seed);
        exercise(usize::MAX >> 5, 500, seed);
    }
}

#[test]
fn the_only_chunk_is_found_by_a_request_for_all_of_it() {
    for size in 1..4000 {
        let mut model = Model::new(4000);
        model.insert(size);
        assert!(take(&mut model.bins, size + 1).is_none());
        assert_eq!(take(&mut model.bins, size), Some(model.chunks[0]));
        assert!(take(&mut model.bins, 1).is_none());
    }
}

#[test]
fn a_bit_that_does_not_agree_with_its_list_is_told() {
    for size in [1, 5, 700] {
        let mut model = Model::new(4000);
        let bin = holding(size);
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
