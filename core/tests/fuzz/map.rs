//! The map alone, against a plain list of granules.

use core::ptr::NonNull;

use memalloc_core::map::{Bits, Entry, Field, InUse, Live, Map, WORD_GRANULES, entries};
use memalloc_core::{Granule, TwoWords, TwoWordsLive};

use super::model::operations::Choices;
use super::{Input, parts};

/// What a chunk is. One that waits counts as in use where the map does not tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Free,
    Used,
    Waits,
}

/// A map, and what it should say: the start and the state of each chunk.
struct Shadow<G: Granule> {
    map: Map<G>,
    words: Vec<usize>,
    first: usize,
    granules: usize,
    /// Of the granules from `first` on.
    chunks: Vec<(usize, State)>,
}

/// Runs an input, on a map in either layout.
pub fn run(input: &[u8]) -> usize {
    run_on::<TwoWords>(input, |_| ());
    run_on::<TwoWordsLive>(input, Shadow::compare_glances)
}

fn run_on<G: Granule>(input: &[u8], also: fn(&Shadow<G>)) -> usize {
    let Some((&[size, first], rest)) = input.split_first_chunk() else { return 0 };
    let granules = 2 + usize::from(size) * 5;
    let mut shadow = Shadow::<G>::new(usize::from(first) % granules, granules);
    let (mut input, mut count) = (Input(rest), 0);
    while let Some(choice) = input.next() {
        shadow.step(parts(choice));
        shadow.compare();
        also(&shadow);
        count += 1;
    }
    count
}

impl Shadow<TwoWordsLive> {
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

impl<G: Granule> Shadow<G> {
    /// Words that a span keeps below its map.
    const HEADER: usize = <Map<G>>::ABOVE / size_of::<usize>();

    fn new(first: usize, granules: usize) -> Self {
        // What is behind the map means nothing to it.
        let mut words = vec![usize::MAX; Self::HEADER + <Map<G>>::ENTRY * entries(granules) + 1];
        let map = Map::of(NonNull::new(words.as_mut_ptr()).expect("a vector's memory").cast());
        // SAFETY: the vector holds the map's words, whole.
        unsafe { map.initialize(first, granules, granules, false) };
        Self { map, words, first, granules, chunks: vec![(first, State::Free)] }
    }

    fn end(&self, chunk: usize) -> usize {
        self.chunks.get(chunk + 1).map_or(self.granules, |next| next.0)
    }

    fn step(&mut self, [kind, how, a, b]: [usize; 4]) {
        let chunk = b % self.chunks.len();
        let ((start, state), end) = (self.chunks[chunk], self.end(chunk));
        if state == State::Free {
            let at = if how % 2 == 0 { start } else { start + a % (end - start) };
            let most = if kind < 128 { (end - at).min(8) } else { end - at };
            return self.take(chunk, at, 1 + (a >> 4) % most, how);
        }
        if how % 8 == 7 || state == State::Waits && how % 4 == 0 {
            return self.flip_waiting(chunk);
        }
        if how % 4 > 0 {
            return self.give(chunk, how % 4 == 1);
        }
        let above = self.chunks.get(chunk + 1).is_some_and(|above| above.1 == State::Free);
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
            parts.push((start, State::Free));
        }
        let state = |piece| if piece == 0 { State::Used } else { State::Waits };
        parts.extend((0..count).map(|piece| (at + piece * size, state(piece))));
        if at + count * size < end {
            parts.push((at + count * size, State::Free));
        }
        self.chunks.splice(chunk..=chunk, parts);
    }

    fn give(&mut self, chunk: usize, by_view: bool) {
        let (start, end) = (self.chunks[chunk].0, self.end(chunk));
        let is_free = |chunk: Option<&(usize, State)>| chunk.is_some_and(|chunk| chunk.1 == State::Free);
        let lower_free = chunk > 0 && is_free(self.chunks.get(chunk - 1));
        let upper_free = is_free(self.chunks.get(chunk + 1));
        // SAFETY: the shadow says that this chunk is in use, or waits.
        let neighbours = unsafe {
            if self.chunks[chunk].1 == State::Waits {
                self.map.give_waiting(start, end)
            } else {
                let view = self.map.view(start);
                match view.size() {
                    Some(size) if by_view => {
                        assert_eq!(start + size, end);
                        self.map.give_short(view, start, size);
                        view.neighbours(size)
                    }
                    _ => self.map.give(start, end),
                }
            }
        };
        assert_eq!((neighbours.lower_free(), neighbours.upper_free()), (lower_free, upper_free));
        self.chunks[chunk].1 = State::Free;
        self.merge();
    }

    /// Has a chunk in use wait, or one that waits be in use.
    fn flip_waiting(&mut self, chunk: usize) {
        let (start, state) = &mut self.chunks[chunk];
        *state = if *state == State::Waits { State::Used } else { State::Waits };
        if G::Entry::LIVE {
            let words = NonNull::new(self.words.as_mut_ptr()).expect("a vector's memory");
            // SAFETY: the words are a map's.
            unsafe { Bits::at(words.add(Self::HEADER + Live::LIVE_WORD), <Map<G>>::ENTRY).flip(*start) };
        }
    }

    fn move_end(&mut self, chunk: usize, new_end: usize) {
        let (start, end) = (self.chunks[chunk].0, self.end(chunk));
        // SAFETY: growth is only into a free chunk.
        unsafe { self.map.move_end(start, end, new_end) };
        if new_end > end {
            let upper_end = self.end(chunk + 1);
            self.chunks.remove(chunk + 1);
            if new_end < upper_end {
                self.chunks.insert(chunk + 1, (new_end, State::Free));
            }
        } else {
            self.chunks.insert(chunk + 1, (new_end, State::Free));
        }
        self.merge();
    }

    fn merge(&mut self) {
        self.chunks.dedup_by(|upper, lower| upper.1 == State::Free && lower.1 == State::Free);
    }

    fn compare(&self) {
        let mut lower_free = false;
        for g in 0..self.first {
            self.expect_no_start(g);
        }
        for (chunk, &(start, state)) in self.chunks.iter().enumerate() {
            let field = if state == State::Free { Field::Free } else { Field::Used { lower_free } };
            let is_used = state == State::Used || state == State::Waits && !G::Entry::LIVE;
            // SAFETY: a granule of the map.
            assert_eq!(unsafe { self.map.field_above(start, lower_free) }, field);
            self.compare_chunk(start, self.end(chunk), field, is_used);
            lower_free = state == State::Free;
        }
        // SAFETY: the map has a field for its end.
        assert_eq!(unsafe { self.map.field(self.granules) }, Field::Used { lower_free }, "the end");
    }

    fn compare_chunk(&self, start: usize, end: usize, field: Field, is_used: bool) {
        let chunks = &self.chunks;
        // SAFETY: the granules are the map's.
        unsafe {
            assert_eq!(self.map.field(start), field, "{start} of {chunks:?}");
            for g in start + 1..end {
                self.expect_no_start(g);
            }
            for g in [start, start.midpoint(end), end - 1] {
                let found = self.map.start_of(g, self.first);
                assert_eq!(found, Some(start), "{g} of {chunks:?}");
            }
            assert_eq!(self.map.in_use(start).is_some(), is_used, "{start} of {chunks:?}");
            let Field::Used { lower_free } = field else { return };
            let upper_free = self.chunks.contains(&(end, State::Free));
            assert_eq!(self.map.is_free(end), upper_free);
            let InUse { end: says, neighbours } = self.map.extent(start);
            let seen = (says, neighbours.lower_free(), neighbours.upper_free());
            assert_eq!(seen, (end, lower_free, upper_free), "{start} of {chunks:?}");
            for other in [end, end + 1, end.saturating_sub(1), self.granules, usize::MAX >> 3] {
                let long = match (other / WORD_GRANULES).wrapping_sub(start / WORD_GRANULES) {
                    0 => None,
                    1 => self.map.in_use_over_edge(start, other),
                    _ => self.map.in_use_over_entry(start, other),
                };
                let is_long = is_used && other == end && !self.map.view(start).has_end();
                let expected = is_long.then_some((lower_free, upper_free));
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
