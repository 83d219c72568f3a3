//! Chunks in use that end in another entry than they start in: where, and the note of that.

use core::sync::atomic::Ordering::Relaxed;

use super::view::note_of;
use super::{Map, Neighbours, Upper, WORD_GRANULES};

/// # Safety of its methods
/// As for [`Map`].
impl Map {
    /// The end of the chunk in use at `g`, which has none in its own entry, and the chunk above.
    ///
    /// # Safety
    /// As for the type; such a chunk is there.
    #[inline(always)]
    pub unsafe fn end_beyond(self, g: usize) -> (usize, Upper) {
        let index = g / WORD_GRANULES + 1;
        // SAFETY: the next entry holds the end, or is covered whole and notes it.
        unsafe {
            let entry = self.entry(index);
            if entry.is_note() {
                let end = entry.noted();
                return (end, Upper { used: self.view(end).used });
            }
            let inside = entry.first();
            (index * WORD_GRANULES + inside, Upper { used: entry.used >> inside })
        }
    }

    /// What lies below and above the chunk in use `[g, end)`, if there is one and it ends in another entry than it starts
    /// in.
    ///
    /// # Safety
    /// As for the type, but for `end`.
    #[inline(always)]
    pub unsafe fn long_in_use(self, g: usize, end: usize) -> Option<Neighbours> {
        // SAFETY: as the caller says.
        unsafe {
            match end / WORD_GRANULES - g / WORD_GRANULES {
                0 => None,
                1 => self.in_use_over_edge(g, end),
                _ => self.in_use_over_entry(g, end),
            }
        }
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
            let next = self.entry(g / WORD_GRANULES + 1);
            if next.is_note() || next.first() != end % WORD_GRANULES {
                return None;
            }
            Some(view.neighbours(0).with_upper(Upper { used: next.used >> (end % WORD_GRANULES) }))
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
            if !view.is_used() || view.has_end() || !self.entry(g / WORD_GRANULES + 1).notes(end) {
                return None;
            }
            let used = self.words_at(end).used.load(Relaxed) >> (end % WORD_GRANULES);
            Some(view.neighbours(0).with_upper(Upper { used }))
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
            self.keep_above(g, 0);
        }
    }

    /// The end that entry `index` notes, if it does. For the full check.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn noted(self, index: usize) -> Option<usize> {
        // SAFETY: the caller gives an entry of the map.
        let entry = unsafe { self.entry(index) };
        entry.is_note().then_some(entry.noted())
    }

    /// Notes the end of the chunk `[g, end)` in the first entry it covers whole, if any.
    #[inline(always)]
    pub(super) unsafe fn note(self, g: usize, end: usize) {
        // The first comparison says no to short chunks at once.
        if end - g > WORD_GRANULES && covers_an_entry(g, end) {
            // SAFETY: the entry is the chunk's own.
            unsafe { self.keep_above(g, note_of(end)) };
        }
    }

    /// Undoes [`note`](Self::note).
    #[inline(always)]
    pub(super) unsafe fn forget(self, g: usize, end: usize) {
        if covers_an_entry(g, end) {
            // SAFETY: the entry is the chunk's own.
            unsafe { self.keep_above(g, 0) };
        }
    }

    /// Has `lower` of the entry above that of `g` hold a note, or nothing.
    ///
    /// # Safety
    /// As for the type; the chunk at `g` covers that entry.
    #[inline(always)]
    unsafe fn keep_above(self, g: usize, note: usize) {
        // SAFETY: the entry is the chunk's own.
        unsafe { self.words_of(g / WORD_GRANULES + 1).as_ref() }.lower.store(note, Relaxed);
    }
}

/// Whether the chunk in use `[g, end)` covers an entry whole.
#[inline(always)]
const fn covers_an_entry(g: usize, end: usize) -> bool {
    end / WORD_GRANULES - g / WORD_GRANULES > 1
}
