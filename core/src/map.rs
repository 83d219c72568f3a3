//! Floor 2: the granule map: where chunks start, and which are free.
//!
//! Each granule has a field of two bits, `used` and `lower`:
//!
//! ```text
//!   used lower   this granule is
//!     0    0     inside a chunk, not its first
//!     0    1     the first of a free chunk
//!     1    0     the first of a chunk in use; the chunk below is in use too
//!     1    1     the first of a chunk in use; the chunk below is free
//! ```
//!
//! With these codes the map changes the same way whatever splits or merges. Handing out the granules `[g, e)`, or
//! taking them back, is always `field[g] ^= 11` and `field[e] ^= 01`:
//!
//! ```text
//!             g           e                            g           e
//!   free      01  00  00  00  00 │11      in use       11  00  00 │01       (free below and above)
//!   ^= 11, 01 10  00  00  01  00 │11      ^= 11, 01    00  00  00 │00       (one free chunk, all merged)
//! ```
//!
//! The bits of [`WORD_GRANULES`] granules stand in an **entry** of two words, `used` and `lower`. So one look tells of a
//! chunk in use where it ends and whether its neighbours are free. A long chunk covers whole entries, which would
//! say nothing; the first of them keeps the **note** of its end instead, so that the end is found in O(1) from any start:
//!
//! ```text
//!   entry    0                1                2                3
//!   used    ..1.............  ................  ................  .....1..........
//!   lower   ................  [ end      ] 11  ................  ................
//! ```
//!
//! A note cannot be taken for fields: where no `used` bit is set, the two lowest granules would be two free chunks that
//! touch. And no granule in an entry with a note seems to be the start of a chunk in use.
//!
//! What concerns such chunks is in the file `long`.
//!
//! In heaps of which others free blocks, two words of marks ([`Bits`]) follow those of each entry: which blocks wait, and
//! which are posted. What is to be known of a block then stands in one line of the cache.
//!
//! What the map cannot see is a use after free: it says where chunks are, not who looks at them.

mod bits;
mod long;
mod spaced;
mod view;

use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

pub use bits::Bits;
use spaced::spaced;
use view::{Entry, Words, flip};
pub use view::{InUse, Neighbours, Upper, View};

use crate::raw::word;

/// Granules whose fields share an entry.
pub const WORD_GRANULES: usize = usize::BITS as usize;

/// What the map says of one granule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Inside a chunk, not its first granule.
    Interior,
    /// The first granule of a free chunk.
    Free,
    /// The first granule of a chunk in use.
    Used {
        /// Whether the chunk below is free.
        lower_free: bool,
    },
}

/// The map of one span: a view of its words.
///
/// # Safety of its methods
/// All are unsafe for one reason: the words must be a map's, at least [`Map::entries`] entries for the granules asked
/// about, and nobody else may write them meanwhile.
#[derive(Clone, Copy)]
pub struct Map {
    first: NonNull<usize>,
    /// From one entry to the next, in words.
    step: usize,
}

impl Map {
    /// Words of an entry, without what may stand beside it.
    pub const ENTRY: usize = 2;

    /// Entries for `granules` granules and the boundary at their end.
    #[inline]
    pub const fn entries(granules: usize) -> usize {
        granules / WORD_GRANULES + 1
    }

    /// The map whose first entry stands at `first`, and each other `step` words behind the one before.
    #[inline(always)]
    pub const fn at(first: NonNull<usize>, step: usize) -> Self {
        Self { first, step }
    }

    /// Makes an empty map of `granules` granules: `[first, granules)` is one free chunk, and the boundary at the end
    /// counts as in use for ever, so that no merge runs over it. What stands beside entries is cleared too. O(granules), O(1)
    /// if the memory is `zeroed`.
    ///
    /// # Safety
    /// As for the type; `first < granules`.
    pub unsafe fn initialize(self, first: usize, granules: usize, zeroed: bool) {
        // SAFETY: the caller gives the words for these granules.
        unsafe {
            if !zeroed {
                self.first.write_bytes(0, self.step * Self::entries(granules));
            }
            self.flip_lower(first);
            flip(&self.words_at(granules).used, 1 << (granules % WORD_GRANULES));
            self.flip_lower(granules);
        }
    }

    /// The field of granule `g`. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline]
    pub unsafe fn field(self, g: usize) -> Field {
        // SAFETY: the caller gives a granule of the map.
        let entry = unsafe { self.entry(g / WORD_GRANULES) };
        let (used, start) = (entry.used >> (g % WORD_GRANULES), entry.starts() >> (g % WORD_GRANULES));
        if used & 1 != 0 {
            Field::Used { lower_free: entry.lower >> (g % WORD_GRANULES) & 1 != 0 }
        } else if start & 1 != 0 {
            Field::Free
        } else {
            Field::Interior
        }
    }

    /// The entry of granule `g`, from there on. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn view(self, g: usize) -> View {
        let words = self.words_of(g / WORD_GRANULES);
        // SAFETY: the caller gives a granule of the map.
        let Entry { used, lower } = unsafe { words.as_ref() }.read();
        View { words, used: used >> (g % WORD_GRANULES), lower: lower >> (g % WORD_GRANULES) }
    }

    /// What is to be known of the chunk in use that starts at `g`; `None` if none does. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn in_use(self, g: usize) -> Option<InUse> {
        // SAFETY: the caller gives a granule of the map.
        let view = unsafe { self.view(g) };
        if !view.is_used() {
            return None;
        }
        if let Some(size) = view.size() {
            return Some(InUse { end: g + size, neighbours: view.neighbours(size) });
        }
        // SAFETY: the chunk goes on into the next entry.
        unsafe {
            let (end, upper) = self.end_beyond(g);
            Some(InUse { end, neighbours: view.neighbours(0).with_upper(upper) })
        }
    }

    /// Whether `g`, a start, starts a free chunk.
    ///
    /// # Safety
    /// As for the type; `g` is a start or the end.
    #[inline(always)]
    pub unsafe fn is_free(self, g: usize) -> bool {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.words_at(g).used.load(Relaxed) >> (g % WORD_GRANULES) & 1 == 0 }
    }

    /// Hands `[g, end)` out: out of a free chunk that starts at `g`, or contains it.
    ///
    /// # Safety
    /// As for the type; the granules are free and lie in one chunk.
    #[inline(always)]
    pub unsafe fn take(self, g: usize, end: usize) {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            self.flip(g, end);
            self.note(g, end);
        }
    }

    /// Hands `count` chunks of `size` granules each out, one above the other from `g` on. None of them is long. `more` is
    /// told of all but the first: the index of each entry that they start in, and the bits of their granules there.
    ///
    /// # Safety
    /// As for [`take`](Self::take).
    #[inline(always)]
    pub unsafe fn take_many(self, g: usize, size: usize, count: usize, mut more: impl FnMut(usize, usize)) {
        let end = g + count * size;
        // SAFETY: the caller gives granules of the map.
        unsafe {
            self.flip(g, end);
            for (entry, bits) in spaced(g + size, size, end) {
                flip(&self.words_of(entry).as_ref().used, bits);
                more(entry, bits);
            }
        }
    }

    /// Takes `[g, end)` back, merging it with its free neighbours.
    ///
    /// # Safety
    /// As for the type; the granules are one chunk in use.
    #[inline(always)]
    pub unsafe fn give(self, g: usize, end: usize) {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            self.give_over_edge(g, end);
            self.forget(g, end);
        }
    }

    /// [`give`](Self::give), for a chunk that covers no entry.
    ///
    /// # Safety
    /// As for `give`.
    #[inline(always)]
    pub unsafe fn give_over_edge(self, g: usize, end: usize) {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            let words = self.words_at(g);
            flip(&words.lower, 1 << (g % WORD_GRANULES));
            flip(&words.used, 1 << (g % WORD_GRANULES));
            self.flip_lower(end);
        }
    }

    /// [`give`](Self::give), for a chunk of which `view` is the view and holds the end.
    ///
    /// # Safety
    /// As for `give`.
    #[inline(always)]
    pub unsafe fn give_short(self, view: View, g: usize, size: usize) {
        // SAFETY: the entry is the map's. A chunk whose end is in its start's entry has no note.
        let words = unsafe { view.words.as_ref() };
        let bit = 1 << (g % WORD_GRANULES);
        flip(&words.lower, bit);
        flip(&words.used, bit);
        flip(&words.lower, bit << size);
    }

    /// Moves the end of the chunk in use at `g` from `end` to `new_end`. The granules between the two come out of, or
    /// become or join, the free chunk above.
    ///
    /// # Safety
    /// As for the type; on growth, a free chunk starts at `end` and holds `new_end - end` granules or more; on a
    /// shrink, `new_end` is above `g`.
    pub unsafe fn move_end(self, g: usize, end: usize, new_end: usize) {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            self.forget(g, end);
            self.flip_lower(end);
            self.flip_lower(new_end);
            self.note(g, new_end);
        }
    }

    /// The start at or below `g`, and whether it starts a free chunk; `None` if there is none down to `first`.
    /// O(distance / [`WORD_GRANULES`]): for telling what a bad pointer points into.
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn start_of(self, g: usize, first: usize) -> Option<(usize, Field)> {
        let mut index = g / WORD_GRANULES;
        let mut up_to = usize::MAX >> (WORD_GRANULES - 1 - g % WORD_GRANULES);
        loop {
            // SAFETY: `index` goes down from a granule of the map.
            let below = unsafe { self.entry(index) }.starts() & up_to;
            if below != 0 {
                let start = index * WORD_GRANULES + below.ilog2() as usize;
                // SAFETY: a start at or below a granule of the map is one of the map.
                return Some((start, unsafe { self.field(start) }));
            }
            if index <= first / WORD_GRANULES {
                return None;
            }
            index -= 1;
            up_to = usize::MAX;
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
        unsafe { self.entry(index) }.used
    }

    /// Whether all bits of entry `index` are clear. For the full check.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn is_clear(self, index: usize) -> bool {
        // SAFETY: the caller gives an entry of the map.
        let entry = unsafe { self.entry(index) };
        entry.used | entry.lower == 0
    }

    #[inline(always)]
    unsafe fn entry(self, index: usize) -> Entry {
        // SAFETY: the caller gives an entry of the map.
        unsafe { self.words_of(index).as_ref() }.read()
    }

    /// The words of entry `index`.
    #[inline(always)]
    fn words_of(self, index: usize) -> NonNull<Words> {
        // SAFETY: as for the type.
        unsafe { word(self.first, self.step * index).cast() }
    }

    /// The words of granule `g`'s entry.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    unsafe fn words_at(&self, g: usize) -> &Words {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.words_of(g / WORD_GRANULES).as_ref() }
    }

    /// What hands `[g, end)` out. In this order, and the other way when it is taken back, others who look always see a
    /// start at `g`.
    #[inline(always)]
    unsafe fn flip(self, g: usize, end: usize) {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            let words = self.words_at(g);
            flip(&words.used, 1 << (g % WORD_GRANULES));
            flip(&words.lower, 1 << (g % WORD_GRANULES));
            self.flip_lower(end);
        }
    }

    #[inline(always)]
    unsafe fn flip_lower(self, g: usize) {
        // SAFETY: the caller gives a granule of the map.
        flip(unsafe { &self.words_at(g).lower }, 1 << (g % WORD_GRANULES));
    }
}

#[cfg(test)]
mod tests;
