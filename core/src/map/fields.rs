//! What the map says of any granule, a start or not: for the walk, the full check, and the reasons of bad frees.

use core::sync::atomic::Ordering::Relaxed;

use super::{Entry, Field, Fields, Map, WORD_GRANULES, bit};
use crate::granule::Granule;

/// # Safety of its methods
/// As for [`Map`].
impl<G: Granule> Map<G> {
    /// The field of granule `g`, given whether the chunk below is free, if a chunk starts there. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline]
    pub unsafe fn field_above(self, g: usize, lower_free: bool) -> Field {
        // SAFETY: the caller gives a granule of the map.
        let entry = unsafe { self.entry_at(g) };
        let is_edge = entry.edges().load(Relaxed) & bit(g) != 0;
        let is_free =
            if G::Entry::LIVE { is_edge && !lower_free } else { entry.used().load(Relaxed) & bit(g) == 0 };
        if entry.starts() & bit(g) == 0 {
            Field::Interior
        } else if is_free {
            Field::Free
        } else {
            Field::Used { lower_free: is_edge }
        }
    }

    /// The field of granule `g`. O(1), or, where live bits tell what is in use, O(chunks that are not, in a row below).
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn field(self, g: usize) -> Field {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.field_above(g, G::Entry::LIVE && self.is_free_below(g)) }
    }

    /// The start at or below `g`; `None` if there is none down to `first`. O(distance / [`WORD_GRANULES`]): for telling what a
    /// bad pointer points into.
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn start_of(self, g: usize, first: usize) -> Option<usize> {
        let mut index = g / WORD_GRANULES;
        let mut up_to = usize::MAX >> (WORD_GRANULES - 1 - g % WORD_GRANULES);
        loop {
            // SAFETY: `index` goes down from a granule of the map.
            let below = unsafe { self.entry(index) }.starts() & up_to;
            if below != 0 {
                return Some(index * WORD_GRANULES + below.ilog2() as usize);
            }
            if index <= first / WORD_GRANULES {
                return None;
            }
            index -= 1;
            up_to = usize::MAX;
        }
    }

    /// Whether the chunk that ends at `g`, if one does, is free: whether there is an odd number of edges below `g`. From the start
    /// of a chunk that is surely not free on, edges are in turns a free chunk's start and its end.
    ///
    /// # Safety
    /// As for the type.
    unsafe fn is_free_below(self, g: usize) -> bool {
        let (mut index, mut below, mut edges_below) = (g / WORD_GRANULES, bit(g) - 1, 0);
        loop {
            // SAFETY: `index` goes down from a granule of the map.
            let entry = unsafe { self.entry(index) };
            let (starts, edges) = (entry.starts() & below, entry.edges().load(Relaxed));
            let not_free = starts & (entry.used().load(Relaxed) | !edges);
            let above = if not_free == 0 { usize::MAX } else { usize::MAX << not_free.ilog2() << 1 };
            edges_below += (starts & edges & above).count_ones();
            if not_free != 0 || index == 0 {
                return edges_below % 2 == 1;
            }
            (index, below) = (index - 1, usize::MAX);
        }
    }

    /// The first start in `[g, limit)`, by looking at every field, or else `limit`.
    ///
    /// # Safety
    /// As for the type; `limit` is at most one above the end.
    pub(crate) unsafe fn scan(self, g: usize, limit: usize) -> usize {
        let mut at = g;
        while at < limit {
            let index = at / WORD_GRANULES;
            // SAFETY: the entry of a field of the map.
            let from = unsafe { self.entry(index) }.starts() >> (at % WORD_GRANULES);
            if from != 0 {
                return limit.min(at + from.trailing_zeros() as usize);
            }
            at = (index + 1) * WORD_GRANULES;
        }
        limit
    }

    /// The granules of entry `index` that chunks in use start at, a bit each. For the full check.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn used_at(self, index: usize) -> usize {
        // SAFETY: the caller gives an entry of the map.
        unsafe { self.entry(index) }.used().load(Relaxed)
    }

    /// Whether all bits of entry `index` are clear. For the full check.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn is_clear(self, index: usize) -> bool {
        // SAFETY: the caller gives an entry of the map.
        let entry = unsafe { self.entry(index) };
        let Fields { chunks, edges } = entry.read();
        chunks | edges | entry.used().load(Relaxed) == 0
    }
}
