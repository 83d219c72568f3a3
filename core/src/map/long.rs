//! Chunks in use that end in another entry than they start in: where, and the note of that.

use core::hint::select_unpredictable;
use core::sync::atomic::Ordering::Relaxed;

use super::entry::{Entry, Fields, note_of};
use super::{Map, Neighbours, Upper, WORD_GRANULES};
use crate::granule::Granule;

/// # Safety of its methods
/// As for [`Map`].
impl<G: Granule> Map<G> {
    /// The end of the chunk in use at `g`, which has none in its own entry, and the chunk above.
    ///
    /// # Safety
    /// As for the type; such a chunk is there.
    #[inline(always)]
    pub unsafe fn end_beyond(self, g: usize) -> (usize, Upper) {
        // SAFETY: the next entry holds the end, or is covered whole and notes it.
        unsafe {
            let next = self.next_of(g);
            let end = Self::end_in_next(g, next);
            let upper = if next.is_note() {
                Upper { edges: self.edges_from(end) }
            } else {
                Upper { edges: next.edges >> (end % WORD_GRANULES) }
            };
            (end, upper)
        }
    }

    /// The end of the chunk at `g`, which is not free, and has none in its own entry. If its owner is just changing that, any number:
    /// nothing is looked at that such a number leads to.
    ///
    /// # Safety
    /// As for the type, but that the owner may write meanwhile.
    #[inline(always)]
    pub unsafe fn end_of_long(self, g: usize) -> usize {
        // SAFETY: above the last entry there is none that a chunk goes on into.
        Self::end_in_next(g, unsafe { self.next_of(g) })
    }

    /// The end of the chunk at `g`, which is not free. If its owner is just changing that, any number, as for
    /// [`end_of_long`](Self::end_of_long).
    ///
    /// # Safety
    /// As for the type, but that the owner may write meanwhile.
    pub unsafe fn end_seen(self, g: usize) -> usize {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.view(g).size().map_or_else(|| self.end_of_long(g), |size| g + size) }
    }

    /// What stands in the entry above that of `g`.
    ///
    /// # Safety
    /// As for the type; there is one.
    #[inline(always)]
    unsafe fn next_of(self, g: usize) -> Fields {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.entry(g / WORD_GRANULES + 1) }.read()
    }

    /// The end of a chunk at `g`, whose next entry holds its end, or notes it.
    #[inline(always)]
    fn end_in_next(g: usize, next: Fields) -> usize {
        let in_next = (g / WORD_GRANULES + 1) * WORD_GRANULES + first_start::<G>(next) % WORD_GRANULES;
        select_unpredictable(next.is_note(), next.noted(), in_next)
    }

    /// What lies below and above the chunk in use `[g, end)`, if there is one.
    ///
    /// # Safety
    /// As for the type, but for `end`, which is in the entry above that of `g`.
    #[inline(always)]
    pub unsafe fn in_use_over_edge(self, g: usize, end: usize) -> Option<Neighbours> {
        // SAFETY: the caller gives a granule of the map; a chunk in use without an end in its own entry goes on into the
        // next.
        unsafe {
            let view = self.view(g);
            if !view.is_used() || view.has_end() {
                return None;
            }
            let next = self.next_of(g);
            if next.is_note() || !(first_start::<G>(next) ^ end).is_multiple_of(WORD_GRANULES) {
                return None;
            }
            Some(view.neighbours_with(Upper { edges: next.edges >> (end % WORD_GRANULES) }))
        }
    }

    /// What lies below and above the chunk in use `[g, end)`, if there is one.
    ///
    /// # Safety
    /// As for the type, but for `end`, which is so high that the chunk would cover an entry.
    #[inline(always)]
    pub unsafe fn in_use_over_entry(self, g: usize, end: usize) -> Option<Neighbours> {
        // SAFETY: the caller gives a granule of the map; a chunk in use without an end in its own entry goes on into the
        // next, and a map's entries tell of no end that is not one of its granules.
        unsafe {
            let view = self.view(g);
            if !view.is_used() || view.has_end() || !self.next_of(g).notes(end) {
                return None;
            }
            Some(view.neighbours_with(Upper { edges: self.edges_from(end) }))
        }
    }

    /// [`give`](Self::give), for a chunk that covers an entry.
    ///
    /// # Safety
    /// As for `give`.
    #[inline(always)]
    pub unsafe fn give_over_entry(self, g: usize, end: usize) {
        // SAFETY: the caller gives granules of the map; the note is in the first entry that the chunk covers.
        unsafe {
            self.give_over_edge(g, end);
            self.entry(g / WORD_GRANULES + 1).edges().store(0, Relaxed);
        }
    }

    /// The end that entry `index` notes, if it does. For the full check.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn noted(self, index: usize) -> Option<usize> {
        // SAFETY: the caller gives an entry of the map.
        let fields = unsafe { self.entry(index) }.read();
        fields.is_note().then_some(fields.noted())
    }

    /// Notes the end of the chunk `[g, end)` in the first entry it covers whole, if any.
    #[inline(always)]
    pub(super) unsafe fn note(self, g: usize, end: usize) {
        // SAFETY: the caller gives a chunk of the map.
        unsafe { self.keep_if_covered(g, end, note_of(end)) };
    }

    /// Undoes [`note`](Self::note).
    #[inline(always)]
    pub(super) unsafe fn forget(self, g: usize, end: usize) {
        // SAFETY: the caller gives a chunk of the map.
        unsafe { self.keep_if_covered(g, end, 0) };
    }

    /// Has `edges` of the first entry that the chunk `[g, end)` covers whole, if any, hold a note, or nothing. Whether it does is
    /// hardly foreseen unless it is short: so then there is no branch on it.
    #[inline(always)]
    unsafe fn keep_if_covered(self, g: usize, end: usize, note: usize) {
        if end - g > WORD_GRANULES {
            // SAFETY: the chunk goes on into the entry above that of its start.
            let above = unsafe { self.entry(g / WORD_GRANULES + 1) }.edges();
            let kept = select_unpredictable(covers_an_entry(g, end), note, above.load(Relaxed));
            above.store(kept, Relaxed);
        }
    }
}

/// Where the first chunk of an entry starts, if there is one and the entry is not a note.
#[inline(always)]
fn first_start<G: Granule>(fields: Fields) -> usize {
    G::Entry::starts_of(fields.chunks, fields.edges).trailing_zeros() as usize
}

/// Whether the chunk in use `[g, end)` covers an entry whole.
#[inline(always)]
const fn covers_an_entry(g: usize, end: usize) -> bool {
    end / WORD_GRANULES - g / WORD_GRANULES > 1
}
