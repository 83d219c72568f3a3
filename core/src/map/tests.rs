//! The map alone, against a plain list of chunks.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::granule::{TwoWords, TwoWordsLive};
use crate::random::Random;

/// What a chunk is. One that waits counts as in use where the map does not tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Free,
    Used,
    Waits,
}

/// A map over memory of its own, and what it should say: the start and the state of every chunk.
struct Model<G: Granule> {
    map: Map<G>,
    _memory: Vec<usize>,
    granules: usize,
    chunks: Vec<(usize, State)>,
}

impl<G: Granule> Model<G> {
    fn new(first: usize, granules: usize) -> Self {
        // What is behind the map means nothing to it.
        let mut memory = vec![usize::MAX; <Map<G>>::ABOVE / WORD + <Map<G>>::ENTRY * entries(granules) + 1];
        let map = Map::of(NonNull::new(memory.as_mut_ptr()).unwrap().cast());
        // SAFETY: the vector holds the map's words, whole.
        unsafe { map.initialize(first, granules, granules, false) };
        Self { map, _memory: memory, granules, chunks: vec![(first, State::Free)] }
    }

    fn end(&self, chunk: usize) -> usize {
        self.chunks.get(chunk + 1).map_or(self.granules, |next| next.0)
    }

    /// Takes `[at, end)` out of free chunk `chunk`.
    fn take(&mut self, chunk: usize, at: usize, end: usize) {
        // SAFETY: the model says that these granules are free.
        unsafe { self.map.take(at, end) };
        let (start, old_end) = (self.chunks[chunk].0, self.end(chunk));
        let parts = [
            (start, State::Free, at - start),
            (at, State::Used, end - at),
            (end, State::Free, old_end - end),
        ];
        self.chunks
            .splice(chunk..=chunk, parts.iter().filter(|part| part.2 > 0).map(|part| (part.0, part.1)));
    }

    /// Takes as many chunks of `size` granules as there is room for, five at most, from the start of free chunk `chunk` on.
    fn take_many(&mut self, chunk: usize, size: usize) {
        let (start, end) = (self.chunks[chunk].0, self.end(chunk));
        let count = ((end - start) / size).min(5);
        let mut told = Vec::new();
        // SAFETY: the model says that these granules are free.
        unsafe {
            self.map.take_many(start, size, count, |index, bits| {
                told.extend(
                    (0..WORD_GRANULES).filter(|g| bits >> g & 1 != 0).map(|g| index * WORD_GRANULES + g),
                );
            });
        }
        let first = [(start, State::Used)];
        let others = (1..count).map(|piece| (start + piece * size, State::Waits));
        assert!(others.clone().map(|other| other.0).eq(told));
        let rest = (start + count * size < end).then_some((start + count * size, State::Free));
        self.chunks.splice(chunk..=chunk, first.into_iter().chain(others).chain(rest));
    }

    fn give(&mut self, chunk: usize) {
        let (start, end) = (self.chunks[chunk].0, self.end(chunk));
        // SAFETY: the model says that this chunk is in use, or waits.
        let neighbours = unsafe {
            if self.chunks[chunk].1 == State::Waits {
                self.map.give_waiting(start, end)
            } else {
                self.map.give(start, end)
            }
        };
        let is_free = |chunk: usize| self.chunks.get(chunk).is_some_and(|chunk| chunk.1 == State::Free);
        let around = (chunk > 0 && is_free(chunk - 1), is_free(chunk + 1));
        assert_eq!((neighbours.lower_free(), neighbours.upper_free()), around);
        self.chunks[chunk].1 = State::Free;
        self.merge();
    }

    /// Has a chunk in use wait, or one that waits be in use.
    fn flip_waiting(&mut self, chunk: usize) {
        let (start, state) = &mut self.chunks[chunk];
        *state = if *state == State::Waits { State::Used } else { State::Waits };
        if G::Entry::LIVE {
            // SAFETY: a granule of the map.
            flip(unsafe { self.map.entry_at(*start) }.used(), bit(*start));
        }
    }

    fn move_end(&mut self, chunk: usize, new_end: usize) {
        let (start, end) = (self.chunks[chunk].0, self.end(chunk));
        // SAFETY: the caller asks for growth only into a free chunk.
        unsafe { self.map.move_end(start, end, new_end) };
        if end < new_end {
            let upper_end = self.end(chunk + 1);
            self.chunks.remove(chunk + 1);
            if new_end < upper_end {
                self.chunks.insert(chunk + 1, (new_end, State::Free));
            }
        } else if new_end < end {
            self.chunks.insert(chunk + 1, (new_end, State::Free));
        }
        self.merge();
    }

    fn merge(&mut self) {
        self.chunks.dedup_by(|upper, lower| upper.1 == State::Free && lower.1 == State::Free);
    }

    fn compare(&self) {
        let mut fields = vec![Field::Interior; self.granules + 1];
        let mut lower_free = false;
        for &(start, state) in &self.chunks {
            fields[start] = if state == State::Free { Field::Free } else { Field::Used { lower_free } };
            // SAFETY: a granule of the map.
            assert_eq!(unsafe { self.map.field_above(start, lower_free) }, fields[start]);
            lower_free = state == State::Free;
        }
        fields[self.granules] = Field::Used { lower_free };
        for (g, &field) in fields.iter().enumerate() {
            // SAFETY: the map holds the granules and the end.
            assert_eq!(unsafe { self.map.field(g) }, field, "granule {g} of {:?}", self.chunks);
        }
        for (chunk, &(start, state)) in self.chunks.iter().enumerate() {
            let end = self.end(chunk);
            let is_used = state == State::Used || state == State::Waits && !G::Entry::LIVE;
            if state != State::Free {
                let lower_free = chunk > 0 && self.chunks[chunk - 1].1 == State::Free;
                let upper_free = self.chunks.get(chunk + 1).is_some_and(|upper| upper.1 == State::Free);
                // SAFETY: a granule of the map, and where its chunk ends.
                for seen in unsafe { [self.map.extent(start), self.map.extent_to(start, end)] } {
                    let InUse { end: says, neighbours } = seen;
                    let seen = (says, neighbours.lower_free(), neighbours.upper_free());
                    assert_eq!(seen, (end, lower_free, upper_free), "{:?}", self.chunks);
                }
                // SAFETY: a granule of the map.
                assert_eq!(unsafe { self.map.is_free(end) }, upper_free);
            }
            for g in start..end {
                // SAFETY: a granule of the map.
                let in_use = unsafe { self.map.in_use(g) };
                assert_eq!(in_use.is_some(), g == start && is_used, "granule {g} of {:?}", self.chunks);
            }
            for g in [start, start.midpoint(end), end - 1] {
                // SAFETY: a granule of the map.
                let found = unsafe { self.map.start_of(g, self.chunks[0].0) };
                assert_eq!(found, Some(start), "granule {g} of {:?}", self.chunks);
            }
        }
    }
}

impl<G: Granule> Model<G> {
    /// Makes all that is not in use free.
    fn sweep(&mut self) {
        let mut rows = Vec::new();
        let found = |from, to| rows.push((from, to));
        let waiting = |index| {
            let waits = |chunk: &&(usize, State)| chunk.1 == State::Waits && chunk.0 / WORD_GRANULES == index;
            let bits = self.chunks.iter().filter(waits).map(|chunk| bit(chunk.0)).sum();
            // Where the map has live bits, those tell.
            if G::Entry::LIVE { 0 } else { bits }
        };
        // SAFETY: the chunks are the map's.
        let waited = unsafe { self.map.sweep(self.chunks[0].0, self.granules, waiting, found) };
        assert_eq!(waited, self.chunks.iter().filter(|chunk| chunk.1 == State::Waits).count());
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.1 == State::Waits) {
            chunk.1 = State::Free;
        }
        self.merge();
        let free = (0..self.chunks.len()).filter(|&chunk| self.chunks[chunk].1 == State::Free);
        assert!(free.map(|chunk| (self.chunks[chunk].0, self.end(chunk))).eq(rows));
    }
}

impl Model<TwoWordsLive> {
    fn compare_glances(&self) {
        for (chunk, &(start, state)) in self.chunks.iter().enumerate() {
            let (size, is_live) = (self.end(chunk) - start, state == State::Used);
            // SAFETY: a granule of the map; behind it there is a word more.
            let seen = unsafe { self.map.glance(start) };
            // SAFETY: as before.
            assert_eq!(unsafe { (seen.size(), seen.is_live()) }, (size.min(WORD_GRANULES + 1), is_live));
        }
    }
}

fn exercise<G: Granule>(granules: usize, longest: usize, seed: u64, also: fn(&mut Model<G>)) {
    let mut random = Random::new(seed);
    let mut model = Model::<G>::new(random.below(granules / 2), granules);
    model.compare();
    for _ in 0..400 {
        let chunk = random.below(model.chunks.len());
        let (start, state) = model.chunks[chunk];
        let (end, above) = (model.end(chunk), model.chunks.get(chunk + 1).copied());
        match random.below(4) {
            0 if state == State::Free => {
                model.take_many(chunk, 1 + random.below(longest.min(8).min(end - start)))
            }
            _ if state == State::Free => {
                let at = start + if random.below(2) == 0 { 0 } else { random.below(end - start) };
                let size = 1 + random.below(longest.min(end - at));
                model.take(chunk, at, at + size);
            }
            0 if state == State::Used => {
                let grows = above.is_some_and(|above| above.1 == State::Free);
                let limit = if grows { model.end(chunk + 1) } else { end };
                let new_end = start + 1 + random.below(limit - start);
                if new_end != end {
                    model.move_end(chunk, new_end);
                }
            }
            1 => model.flip_waiting(chunk),
            _ => model.give(chunk),
        }
        model.compare();
        also(&mut model);
    }
}

impl Model<TwoWordsLive> {
    /// The rows of chunks that are not in use, each as the chunks from one index to another.
    fn rows(&self) -> Vec<std::ops::Range<usize>> {
        let is_used = |chunk: usize| self.chunks.get(chunk).is_none_or(|chunk| chunk.1 == State::Used);
        let mut rows: Vec<std::ops::Range<usize>> = Vec::new();
        for chunk in (0..self.chunks.len()).filter(|&chunk| !is_used(chunk)) {
            match rows.last_mut() {
                Some(row) if row.end == chunk => row.end += 1,
                _ => rows.push(chunk..chunk + 1),
            }
        }
        rows
    }

    fn compare_rows(&self) {
        let (first, mut below) = (self.chunks[0].0, self.granules);
        let waiting = self.chunks.iter().filter(|chunk| chunk.1 == State::Waits).count();
        // SAFETY: the map has these granules.
        unsafe {
            assert_eq!(self.map.count_waiting(first, self.granules, 1), waiting);
            for row in self.rows().into_iter().rev() {
                let found = self.map.row_below(first, below).unwrap();
                assert_eq!(found, Row { start: self.chunks[row.start].0, end: self.end(row.end - 1) });
                let unused = |chunk| {
                    let (start, state) = self.chunks[chunk];
                    Unused { start, end: self.end(chunk), is_free: state == State::Free }
                };
                let is_free = |chunk: usize| self.chunks[chunk].1 == State::Free;
                assert_eq!(self.map.is_one_free(found), row.len() == 1 && is_free(row.start));
                assert!(self.map.chunks_of(found).eq(row.map(unused)));
                below = found.start;
            }
            assert_eq!(self.map.row_below(first, below), None);
        }
    }

    fn join_long_rows(&mut self) {
        for row in self.rows().into_iter().rev() {
            let chunks = &self.chunks;
            let joined = Row { start: chunks[row.start].0, end: self.end(row.end - 1) };
            if joined.end - joined.start > 3 {
                let in_state = |state| row.clone().filter(move |&chunk| chunks[chunk].1 == state);
                let free = in_state(State::Free).map(|chunk| chunks[chunk].0..self.end(chunk));
                let mut were_free = Vec::new();
                // SAFETY: the row is the map's.
                let waited = unsafe { self.map.join(joined, |free| were_free.push(free)) };
                assert_eq!((waited, were_free), (in_state(State::Waits).count(), free.collect()));
                self.chunks.splice(row, [(joined.start, State::Free)]);
            }
        }
    }
}

#[test]
fn agrees_with_a_list_of_chunks() {
    for seed in 0..30 {
        agrees::<TwoWords>(seed, |_| ());
        agrees::<TwoWords>(seed, sweep_now_and_then);
        agrees::<TwoWordsLive>(seed, |model| {
            model.compare_glances();
            model.compare_rows();
            sweep_now_and_then(model);
        });
        agrees::<TwoWordsLive>(seed, |model| {
            if model.chunks.len().is_multiple_of(7) {
                model.join_long_rows();
                model.compare();
            }
        });
    }
}

fn sweep_now_and_then<G: Granule>(model: &mut Model<G>) {
    if model.chunks.len().is_multiple_of(7) {
        model.sweep();
        model.compare();
    }
}

fn agrees<G: Granule>(seed: u64, also: fn(&mut Model<G>)) {
    exercise(40, 8, seed, also);
    exercise(200, 50, 100 + seed, also);
    exercise(1000, 800, 200 + seed, also);
}

#[test]
fn a_long_chunk_s_end_is_found_at_every_offset() {
    is_found::<TwoWords>();
    is_found::<TwoWordsLive>();
}

fn is_found<G: Granule>() {
    for length in 1..6 * WORD_GRANULES {
        for at in 0..2 * WORD_GRANULES {
            let mut model = Model::<G>::new(0, 9 * WORD_GRANULES);
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

/// What is free or waits, by turns, over many entries: an edge at the start of each, which does not tell one from the other.
#[test]
fn what_is_free_is_told_from_what_waits_in_a_long_row_of_both() {
    let mut model = Model::<TwoWordsLive>::new(3, 7 * WORD_GRANULES);
    while let Some(last) = model.chunks.len().checked_sub(1)
        && model.end(last) - model.chunks[last].0 >= 5
    {
        model.take_many(last, 1);
        for chunk in [last + 1, last + 3] {
            model.give(chunk);
        }
        model.flip_waiting(last);
    }
    model.compare();
    let middle = model.chunks.len() / 2;
    assert!(model.chunks[middle..].iter().all(|chunk| chunk.1 != State::Used));
}
