//! The map alone, against a plain list of chunks.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::random::Random;

/// A map over memory of its own, and what it should say: (start, in use) of every chunk.
struct Model {
    map: Map,
    _memory: Vec<usize>,
    granules: usize,
    chunks: Vec<(usize, bool)>,
}

impl Model {
    fn new(first: usize, granules: usize) -> Self {
        // Marks may stand between the entries.
        let step = Map::ENTRY + granules % 3;
        let mut memory = vec![usize::MAX; step * Map::entries(granules)];
        let map = Map::at(NonNull::new(memory.as_mut_ptr()).unwrap(), step);
        // SAFETY: the vector holds the map's words, whole.
        unsafe { map.initialize(first, granules, false) };
        Self { map, _memory: memory, granules, chunks: vec![(first, false)] }
    }

    fn end(&self, chunk: usize) -> usize {
        self.chunks.get(chunk + 1).map_or(self.granules, |next| next.0)
    }

    /// Takes `[at, end)` out of free chunk `chunk`.
    fn take(&mut self, chunk: usize, at: usize, end: usize) {
        // SAFETY: the model says that these granules are free.
        unsafe { self.map.take(at, end) };
        let (start, old_end) = (self.chunks[chunk].0, self.end(chunk));
        let parts = [(start, false, at - start), (at, true, end - at), (end, false, old_end - end)];
        self.chunks
            .splice(chunk..=chunk, parts.iter().filter(|part| part.2 > 0).map(|part| (part.0, part.1)));
    }

    fn give(&mut self, chunk: usize) {
        // SAFETY: the model says that this chunk is in use.
        unsafe { self.map.give(self.chunks[chunk].0, self.end(chunk)) };
        self.chunks[chunk].1 = false;
        self.merge();
    }

    fn move_end(&mut self, chunk: usize, new_end: usize) {
        let (start, end) = (self.chunks[chunk].0, self.end(chunk));
        // SAFETY: the caller asks for growth only into a free chunk.
        unsafe { self.map.move_end(start, end, new_end) };
        if end < new_end {
            let upper_end = self.end(chunk + 1);
            self.chunks.remove(chunk + 1);
            if new_end < upper_end {
                self.chunks.insert(chunk + 1, (new_end, false));
            }
        } else if new_end < end {
            self.chunks.insert(chunk + 1, (new_end, false));
        }
        self.merge();
    }

    fn merge(&mut self) {
        self.chunks.dedup_by(|upper, lower| !upper.1 && !lower.1);
    }

    fn compare(&self) {
        let mut fields = vec![Field::Interior; self.granules + 1];
        let mut lower_free = false;
        for &(start, used) in &self.chunks {
            fields[start] = if used { Field::Used { lower_free } } else { Field::Free };
            lower_free = !used;
        }
        fields[self.granules] = Field::Used { lower_free };
        for (g, &field) in fields.iter().enumerate() {
            // SAFETY: the map holds the granules and the end.
            assert_eq!(unsafe { self.map.field(g) }, field, "granule {g} of {:?}", self.chunks);
        }
        for (chunk, &(start, used)) in self.chunks.iter().enumerate() {
            if used {
                let lower_free = chunk > 0 && !self.chunks[chunk - 1].1;
                let upper_free = self.chunks.get(chunk + 1).is_some_and(|upper| !upper.1);
                // SAFETY: a granule of the map.
                let InUse { end, neighbours } = unsafe { self.map.in_use(start) }.expect("it is in use");
                let seen = (end, neighbours.lower_free(), neighbours.upper_free());
                assert_eq!(seen, (self.end(chunk), lower_free, upper_free), "{:?}", self.chunks);
            }
            for g in start + usize::from(used)..self.end(chunk) {
                // SAFETY: a granule of the map.
                assert!(unsafe { self.map.in_use(g) }.is_none(), "granule {g} of {:?}", self.chunks);
            }
            for g in [start, (start + self.end(chunk)) / 2, self.end(chunk) - 1] {
                // SAFETY: a granule of the map.
                let found = unsafe { self.map.start_of(g, self.chunks[0].0) };
                assert_eq!(found, Some((start, fields[start])), "granule {g} of {:?}", self.chunks);
            }
        }
    }
}

fn exercise(granules: usize, longest: usize, seed: u64) {
    let mut random = Random::new(seed);
    let mut model = Model::new(random.below(granules / 2), granules);
    model.compare();
    for _ in 0..400 {
        let chunk = random.below(model.chunks.len());
        let (start, used) = model.chunks[chunk];
        let (end, above) = (model.end(chunk), model.chunks.get(chunk + 1).copied());
        if !used {
            let at = start + if random.below(2) == 0 { 0 } else { random.below(end - start) };
            let size = 1 + random.below(longest.min(end - at));
            model.take(chunk, at, at + size);
        } else if random.below(3) == 0 {
            let limit = if above.is_some_and(|above| !above.1) { model.end(chunk + 1) } else { end };
            let new_end = start + 1 + random.below(limit - start);
            if new_end != end {
                model.move_end(chunk, new_end);
            }
        } else {
            model.give(chunk);
        }
        model.compare();
    }
}

#[test]
fn agrees_with_a_list_of_chunks() {
    for seed in 0..30 {
        exercise(40, 8, seed);
        exercise(200, 50, 100 + seed);
        exercise(1000, 800, 200 + seed);
    }
}

#[test]
fn a_long_chunk_s_end_is_found_at_every_offset() {
    for length in 1..6 * WORD_GRANULES {
        for at in 0..2 * WORD_GRANULES {
            let mut model = Model::new(0, 9 * WORD_GRANULES);
            model.take(0, at, at + length);
            let chunk = usize::from(at > 0);
            // SAFETY: the chunk was just taken.
            assert_eq!(unsafe { model.map.in_use(at) }.map(|in_use| in_use.end), Some(at + length));
            model.give(chunk);
            let end = Field::Used { lower_free: true };
            for g in 0..=model.granules {
                let field = if g == 0 { Field::Free } else { Field::Interior };
                // SAFETY: a granule of the map.
                assert_eq!(unsafe { model.map.field(g) }, if g == model.granules { end } else { field });
            }
        }
    }
}
