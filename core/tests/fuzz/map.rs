//! The map alone, against a plain list of granules.

use core::ptr::NonNull;

use memalloc_core::map::{Field, InUse, Map};

use super::model::operations::Choices;
use super::{Input, parts};

/// A map, and what it should say: for each granule the start of its chunk, and whether that is in use.
struct Shadow {
    map: Map,
    _words: Vec<usize>,
    first: usize,
    granules: usize,
    /// Of the granules from `first` on.
    chunks: Vec<(usize, bool)>,
}

/// Runs an input.
pub fn run(input: &[u8]) -> usize {
    let Some((&[size, first], rest)) = input.split_first_chunk() else { return 0 };
    let granules = 2 + usize::from(size) * 5;
    let mut shadow = Shadow::new(usize::from(first) % granules, granules);
    let (mut input, mut count) = (Input(rest), 0);
    while let Some(choice) = input.next() {
        shadow.step(parts(choice));
        shadow.compare();
        count += 1;
    }
    count
}

impl Shadow {
    fn new(first: usize, granules: usize) -> Self {
        // Marks may stand between the entries.
        let step = Map::ENTRY + granules % 3;
        let mut words = vec![usize::MAX; step * Map::entries(granules)];
        let map = Map::at(NonNull::new(words.as_mut_ptr()).expect("a vector's memory"), step);
        // SAFETY: the vector holds the map's words, whole.
        unsafe { map.initialize(first, granules, false) };
        Self { map, _words: words, first, granules, chunks: vec![(first, false)] }
    }

    fn end(&self, chunk: usize) -> usize {
        self.chunks.get(chunk + 1).map_or(self.granules, |next| next.0)
    }

    fn step(&mut self, [kind, how, a, b]: [usize; 4]) {
        let chunk = b % self.chunks.len();
        let ((start, used), end) = (self.chunks[chunk], self.end(chunk));
        if !used {
            let at = if how % 2 == 0 { start } else { start + a % (end - start) };
            let most = if kind < 128 { (end - at).min(8) } else { end - at };
            return self.take(chunk, at, 1 + (a >> 4) % most, how);
        }
        if how % 4 > 0 {
            return self.give(chunk, how % 4 == 1);
        }
        let above = self.chunks.get(chunk + 1).is_some_and(|above| !above.1);
        let limit = if above { self.end(chunk + 1) } else { end };
        let new_end = start + 1 + a % (limit - start);
        if new_end != end {
            self.move_end(chunk, new_end);
        }
    }

    /// Takes `size` granules from `at` on, out of free chunk `chunk`, or several times as many, as as many chunks.
    fn take(&mut self, chunk: usize, at: usize, size: usize, how: usize) {
        let (start, end) = (self.chunks[chunk].0, self.end(chunk));
        // What is carved is short and from the chunk's start.
        let count =
            if at == start && size <= 8 && how >= 128 { ((end - at) / size).min(1 + how % 9) } else { 1 };
        // SAFETY: the shadow says that these granules are free.
        unsafe {
            if count > 1 {
                self.map.take_many(at, size, count, |_, _| ());
            } else {
                self.map.take(at, at + size);
            }
        }
        let mut parts = vec![];
        if at > start {
            parts.push((start, false));
        }
        parts.extend((0..count).map(|piece| (at + piece * size, true)));
        if at + count * size < end {
            parts.push((at + count * size, false));
        }
        self.chunks.splice(chunk..=chunk, parts);
    }

    fn give(&mut self, chunk: usize, by_view: bool) {
        let (start, end) = (self.chunks[chunk].0, self.end(chunk));
        // SAFETY: the shadow says that this chunk is in use.
        unsafe {
            let view = self.map.view(start);
            match view.size() {
                Some(size) if by_view => {
                    assert_eq!(start + size, end);
                    self.map.give_short(view, start, size);
                }
                _ => self.map.give(start, end),
            }
        }
        self.chunks[chunk].1 = false;
        self.merge();
    }

    fn move_end(&mut self, chunk: usize, new_end: usize) {
        let (start, end) = (self.chunks[chunk].0, self.end(chunk));
        // SAFETY: growth is only into a free chunk.
        unsafe { self.map.move_end(start, end, new_end) };
        if new_end > end {
            let upper_end = self.end(chunk + 1);
            self.chunks.remove(chunk + 1);
            if new_end < upper_end {
                self.chunks.insert(chunk + 1, (new_end, false));
            }
        } else {
            self.chunks.insert(chunk + 1, (new_end, false));
        }
        self.merge();
    }

    fn merge(&mut self) {
        self.chunks.dedup_by(|upper, lower| !upper.1 && !lower.1);
    }

    fn compare(&self) {
        let mut lower_free = false;
        for g in 0..self.first {
            self.expect_no_start(g);
        }
        for (chunk, &(start, used)) in self.chunks.iter().enumerate() {
            let field = if used { Field::Used { lower_free } } else { Field::Free };
            self.compare_chunk(start, self.end(chunk), field);
            lower_free = !used;
        }
        // SAFETY: the map has a field for its end.
        assert_eq!(unsafe { self.map.field(self.granules) }, Field::Used { lower_free }, "the end");
    }

    fn compare_chunk(&self, start: usize, end: usize, field: Field) {
        let chunks = &self.chunks;
        // SAFETY: the granules are the map's.
        unsafe {
            assert_eq!(self.map.field(start), field, "{start} of {chunks:?}");
            assert_eq!(self.map.is_free(start), field == Field::Free);
            for g in start + 1..end {
                self.expect_no_start(g);
            }
            for g in [start, start.midpoint(end), end - 1] {
                let found = self.map.start_of(g, self.first);
                assert_eq!(found, Some((start, field)), "{g} of {chunks:?}");
            }
            let Field::Used { lower_free } = field else {
                return assert!(self.map.in_use(start).is_none(), "{start} of {chunks:?}");
            };
            let upper_free = self.map.is_free(end);
            let InUse { end: says, neighbours } = self.map.in_use(start).expect("it is in use");
            let seen = (says, neighbours.lower_free(), neighbours.upper_free());
            assert_eq!(seen, (end, lower_free, upper_free), "{start} of {chunks:?}");
            for other in [end, end + 1, end.saturating_sub(1), self.granules, usize::MAX >> 3] {
                let long = self.map.long_in_use(start, other);
                let expected =
                    (other == end && !self.map.view(start).has_end()).then_some((lower_free, upper_free));
                let seen = long.map(|neighbours| (neighbours.lower_free(), neighbours.upper_free()));
                if other > start {
                    assert_eq!(seen, expected, "{start} to {other} of {chunks:?}");
                }
            }
        }
    }

    fn expect_no_start(&self, g: usize) {
        // SAFETY: a granule of the map.
        unsafe {
            assert_eq!(self.map.field(g), Field::Interior, "{g} of {:?}", self.chunks);
            assert!(self.map.in_use(g).is_none(), "{g} of {:?}", self.chunks);
        }
    }
}
