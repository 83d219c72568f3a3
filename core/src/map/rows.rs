//! Rows of chunks that are not in use: free or waiting, side by side.

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
        let bits_of = move |index| {
            // SAFETY: asked only for entries that the row has granules in.
            let entry = unsafe { self.entry(index) };
            (entry.starts(), entry.edges().load(Relaxed))
        };
        let mut index = row.start / WORD_GRANULES;
        let (mut starts, mut edges) = bits_of(index);
        // Of the entry at hand, those from the next chunk's on. Below the row no chunk is free.
        starts &= bit(row.start).wrapping_neg();
        let (mut start, mut lower_free) = (row.start, false);
        core::iter::from_fn(move || {
            if start == row.end {
                return None;
            }
            let is_free = edges & bit(start) != 0 && !lower_free;
            starts &= starts.wrapping_sub(1);
            while starts == 0 && (index + 1) * WORD_GRANULES < row.end {
                index += 1;
                (starts, edges) = bits_of(index);
            }
            let end =
                if starts == 0 { row.end } else { index * WORD_GRANULES + starts.trailing_zeros() as usize };
            let chunk = Unused { start, end: end.min(row.end), is_free };
            (start, lower_free) = (chunk.end, is_free);
            Some(chunk)
        })
    }

    /// Makes a row one free chunk. O(granules / [`WORD_GRANULES`]).
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn join(self, row: Row) {
        let Row { start, end } = row;
        for index in start / WORD_GRANULES..=end / WORD_GRANULES {
            let at = |g: usize| if g / WORD_GRANULES == index { bit(g) } else { 0 };
            let (starts, ends) = (at(start), at(end));
            // Of no start, all that is below the end; of no end, all that is above the start.
            let inside = ends.wrapping_sub(1) & if starts == 0 { usize::MAX } else { starts.wrapping_neg() };
            // SAFETY: the caller gives granules of the map.
            Rows { inside, starts, ends }.make_free(unsafe { self.entry(index) });
        }
    }
}

/// Where chunks start that are not in use.
fn unused(entry: &Live) -> usize {
    entry.starts() & !used(entry)
}

/// Where blocks start that were handed out.
fn used(entry: &Live) -> usize {
    entry.used().load(Relaxed)
}
