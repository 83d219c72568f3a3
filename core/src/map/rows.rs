//! Rows of chunks that are not in use: free or waiting, side by side.

use core::iter;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;

use super::sweep::Rows;
use super::{Entry, Live, Map, WORD_GRANULES, bit};
use crate::granule::Granule;

/// A row: its first granule, and the one above its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Where it starts.
    pub start: usize,
    /// Where a chunk in use starts, or chunks end.
    pub end: usize,
}

impl Row {
    /// The entries that it has granules in.
    const fn entries(self) -> Range<usize> {
        self.start / WORD_GRANULES..self.end.div_ceil(WORD_GRANULES)
    }

    /// Its granules in an entry, or the boundary at its end, a bit each.
    const fn inside(self, entry: usize) -> usize {
        let from =
            if self.start / WORD_GRANULES == entry { bit(self.start).wrapping_neg() } else { usize::MAX };
        let below = if self.end / WORD_GRANULES == entry { bit(self.end) - 1 } else { usize::MAX };
        from & below
    }
}

/// A chunk of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unused {
    /// Where it starts.
    pub start: usize,
    /// Where the next starts.
    pub end: usize,
    /// Whether it is free; if not, it waits.
    pub is_free: bool,
}

/// # Safety of its methods
/// As for [`Map`]; rows are the map's.
impl<G: Granule<Entry = Live>> Map<G> {
    /// How many of the chunks of `[first, end)`, which are all of the map's, wait, as far as a look at each `step`th entry tells; of
    /// each entry, exactly so many. O(granules / [`WORD_GRANULES`] / step).
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn count_waiting(self, first: usize, end: usize, step: usize) -> usize {
        let (mut chunks, mut edges) = (0_usize, 0);
        for index in (first / WORD_GRANULES..end / WORD_GRANULES + 1).rev().step_by(step) {
            // SAFETY: the caller gives granules of the map.
            let entry = unsafe { self.entry(index) };
            // Soon done with the many in which no chunk starts.
            if entry.chunks().load(Relaxed) == 0 {
                continue;
            }
            chunks += unused(entry).count_ones() as usize;
            edges += (entry.starts() & entry.edges().load(Relaxed)).count_ones() as usize;
        }
        // The boundary at the end is none. Each that is free is between two edges.
        (chunks - 1).saturating_sub(edges / 2) * step
    }

    /// How many entries there are below the first in which a chunk of `[first, end)`, which are all of the map's, is in use and does
    /// not wait; if there is none, as an error, all that there are. O(that).
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn unused_entries(self, first: usize, end: usize) -> Result<usize, usize> {
        let indices = first / WORD_GRANULES..=(end - 1) / WORD_GRANULES;
        // SAFETY: the caller gives granules of the map.
        let is_used = |index| unsafe { self.entry(index) }.used().load(Relaxed) != 0;
        let count = indices.clone().count();
        indices.clone().position(is_used).ok_or(count)
    }

    /// The start of some block of `[first, end)`, which are all of the map's, that is in use and does not wait, or none: entries are
    /// looked at from the `at`th on, upwards or downwards, and then those on the other side. And how many were. O(that).
    ///
    /// # Safety
    /// As for the type; `at` is one of as many as there are, counted from that of `first`.
    pub unsafe fn used_from(self, first: usize, end: usize, at: usize, up: bool) -> (Option<usize>, usize) {
        let (low, count) = (first / WORD_GRANULES, self.entries_of(first, end));
        let used_in = |index: usize| {
            // SAFETY: the caller gives granules of the map.
            let used = unsafe { self.entry(low + index) }.used().load(Relaxed);
            (used != 0).then(|| (low + index) * WORD_GRANULES + used.trailing_zeros() as usize)
        };
        let mut looked = 0;
        let used_of = |index: usize| {
            looked += 1;
            used_in(index)
        };
        let found = if up {
            (at..count).chain(0..at).find_map(used_of)
        } else {
            (0..=at).rev().chain((at + 1..count).rev()).find_map(used_of)
        };
        (found, looked)
    }

    /// How many entries the chunks of `[first, end)` have.
    pub const fn entries_of(self, first: usize, end: usize) -> usize {
        (end - 1) / WORD_GRANULES - first / WORD_GRANULES + 1
    }

    /// The topmost row of those in `[first, below)`, where chunks start. O(granules / [`WORD_GRANULES`]).
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn row_below(self, first: usize, below: usize) -> Option<Row> {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            let last = self.last_of(first, below, unused)?;
            let used_below = self.last_of(first, last, used);
            let start = used_below.map_or(first, |used| self.scan(used + 1, last));
            Some(Row { start, end: self.scan(last + 1, below) })
        }
    }

    /// The last granule of `[from, to)` whose bit is set in what `of` gives of its entry.
    ///
    /// # Safety
    /// As for the type.
    unsafe fn last_of(self, from: usize, to: usize, of: impl Fn(&Live) -> usize) -> Option<usize> {
        let mut below = usize::MAX >> (to.wrapping_neg() % WORD_GRANULES);
        for index in (from / WORD_GRANULES..to.div_ceil(WORD_GRANULES)).rev() {
            // SAFETY: the caller gives granules of the map.
            let bits = of(unsafe { self.entry(index) }) & below;
            if bits != 0 {
                let granule = index * WORD_GRANULES + bits.ilog2() as usize;
                return (granule >= from).then_some(granule);
            }
            below = usize::MAX;
        }
        None
    }

    /// The chunks of a row, from the bottom up.
    ///
    /// # Safety
    /// As for the type, until the last was given.
    pub unsafe fn chunks_of(self, row: Row) -> impl Iterator<Item = Unused> {
        // SAFETY: the row has granules in the entry.
        let starts_in = move |index| unsafe { self.entry(index) }.starts() & row.inside(index);
        let mut starts = row.entries().flat_map(move |index| granules_of(index, starts_in(index))).peekable();
        // Below the row no chunk is free.
        let mut lower_free = false;
        iter::from_fn(move || {
            let start = starts.next()?;
            let end = starts.peek().copied().unwrap_or(row.end);
            // SAFETY: a chunk of the row starts there.
            lower_free = unsafe { self.is_edge(start) } && !lower_free;
            Some(Unused { start, end, is_free: lower_free })
        })
    }

    /// Whether a row is one free chunk. O(granules / [`WORD_GRANULES`]).
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn is_one_free(self, row: Row) -> bool {
        // SAFETY: the first chunk of the row starts there; below it no chunk is free.
        unsafe { self.is_edge(row.start) && self.scan(row.start + 1, row.end) == row.end }
    }

    /// Whether a free chunk starts or ends where some chunk starts.
    ///
    /// # Safety
    /// As for the type; a chunk starts at granule `start`.
    unsafe fn is_edge(self, start: usize) -> bool {
        // SAFETY: as the caller says, and so the entry is no note.
        unsafe { self.entry_at(start) }.edges().load(Relaxed) & bit(start) != 0
    }

    /// Makes a row one free chunk, and tells `was_free` of each that it had. How many of its chunks waited.
    /// O(granules / [`WORD_GRANULES`] + free chunks).
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn join(self, row: Row, mut was_free: impl FnMut(Range<usize>)) -> usize {
        let (mut waited, mut free_from) = (0, None);
        for index in row.start / WORD_GRANULES..=row.end / WORD_GRANULES {
            // SAFETY: the caller gives granules of the map.
            let entry = unsafe { self.entry(index) };
            let inside = row.inside(index);
            let starts = entry.starts() & inside;
            waited += starts.count_ones() as usize;
            // No two free chunks touch, and below the row none is: each is from one edge to the next.
            for edge in granules_of(index, starts & entry.edges().load(Relaxed)) {
                match free_from.take() {
                    None => (free_from, waited) = (Some(edge), waited - 1),
                    Some(start) => was_free(start..edge),
                }
            }
            let at = |g: usize| if g / WORD_GRANULES == index { bit(g) } else { 0 };
            Rows { inside, starts: at(row.start), ends: at(row.end) }.make_free(entry);
        }
        if let Some(start) = free_from {
            was_free(start..row.end);
        }
        waited
    }
}

/// The granules of entry `index` whose bits are set, from the bottom up.
fn granules_of(index: usize, mut bits: usize) -> impl Iterator<Item = usize> {
    iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(index * WORD_GRANULES + lowest)
    })
}

/// Where chunks start that are not in use.
fn unused(entry: &Live) -> usize {
    entry.starts() & !used(entry)
}

/// Where blocks start that were handed out.
fn used(entry: &Live) -> usize {
    entry.used().load(Relaxed)
}
