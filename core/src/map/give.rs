//! Taking chunks back, merged with their free neighbours.

use super::{Entry, Map, Neighbours, View, WORD_GRANULES, bit, flip};
use crate::granule::Granule;

/// # Safety of its methods
/// As for the map's others.
impl<G: Granule> Map<G> {
    /// Takes `[g, end)` back, merging it with its free neighbours: those that are told of.
    ///
    /// # Safety
    /// As for the type; the granules are one chunk in use.
    #[inline(always)]
    pub unsafe fn give(self, g: usize, end: usize) -> Neighbours {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            let neighbours = self.give_over_edge(g, end);
            self.forget(g, end);
            neighbours
        }
    }

    /// [`give`](Self::give), for a chunk that waits.
    ///
    /// # Safety
    /// As for `give`.
    #[inline(always)]
    pub unsafe fn give_waiting(self, g: usize, end: usize) -> Neighbours {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            self.entry_at(g).end_waiting(bit(g));
            let neighbours = Neighbours::between(self.flip_and_merge(g), self.flip_and_merge(end));
            self.forget(g, end);
            neighbours
        }
    }

    /// [`give`](Self::give), for a chunk that covers no entry.
    ///
    /// # Safety
    /// As for `give`.
    #[inline(always)]
    pub unsafe fn give_over_edge(self, g: usize, end: usize) -> Neighbours {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            flip(self.entry_at(g).used(), bit(g));
            Neighbours::between(self.flip_and_merge(g), self.flip_and_merge(end))
        }
    }

    /// [`give`](Self::give), for a chunk of which `view` is the view and holds the end.
    ///
    /// # Safety
    /// As for `give`.
    #[inline(always)]
    pub unsafe fn give_short(self, view: View<G::Entry>, g: usize, size: usize) {
        // SAFETY: the entry is the map's. A chunk whose end is in its start's entry has no note.
        let entry = unsafe { view.entry.as_ref() };
        let edges = (1 | 1 << size) << (g % WORD_GRANULES);
        flip(entry.used(), bit(g));
        entry.flip_and_merge(edges);
    }

    /// Has a free chunk start or end at `g`, the start of a chunk, or join what is there. The edges from `g` on, as they were.
    #[inline(always)]
    pub(super) unsafe fn flip_and_merge(self, g: usize) -> usize {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.entry_at(g) }.flip_and_merge(bit(g)) >> (g % WORD_GRANULES)
    }
}
