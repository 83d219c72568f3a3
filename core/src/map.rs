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
//! A map word holds the fields of `WORD_GRANULES` granules, all `lower` bits in its low half and all `used` bits in
//! its high half, so that a word without starts whose chunk is in use has room: a long chunk keeps, in the first word
//! it covers whole (an *idle* word), the number of words up to its end, and a **mark** (one bit a word, behind the
//! map) tells such a count from fields. The next start is found in O(1) from any start.
//!
//! ```text
//!   word     0                1                2                3
//!   used    ..1.............  ................  ................  .....1..........
//!   lower   ................  [ 2 words on   ]  ................  ................
//!   mark    0                 1                0                 0
//! ```
//!
//! What the map cannot see is a use after free: it says where chunks are, not who looks at them.

use core::ptr::NonNull;

use crate::raw::word;

/// Granules whose fields share a map word.
pub const WORD_GRANULES: usize = (usize::BITS / 2) as usize;

const LOW_HALF: usize = usize::MAX >> WORD_GRANULES;
const LOWER: usize = 1;
const USED: usize = 1 << WORD_GRANULES;
const WORD_BITS: usize = usize::BITS as usize;

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

/// The map of one span: a view of its words and marks.
///
/// # Safety of its methods
/// All are unsafe for one reason: the words must be a map's, at least [`Map::words`] of them for the granules asked
/// about, and nobody else may write them meanwhile.
#[derive(Clone, Copy)]
pub struct Map {
    words: NonNull<usize>,
    marks: NonNull<usize>,
}

impl Map {
    /// Map words for `granules` granules and the boundary at their end.
    #[inline]
    pub const fn words(granules: usize) -> usize {
        granules / WORD_GRANULES + 1
    }

    /// Words of marks for `granules` granules.
    #[inline]
    pub const fn mark_words(granules: usize) -> usize {
        Self::words(granules).div_ceil(WORD_BITS)
    }

    /// The map whose words stand at `words` and whose marks at `marks`.
    #[inline(always)]
    pub const fn at(words: NonNull<usize>, marks: NonNull<usize>) -> Self {
        Self { words, marks }
    }

    /// Makes an empty map of `granules` granules: `[first, granules)` is one free chunk, and the boundary at the end
    /// counts as in use for ever, so that no merge runs over it. O(granules), O(1) if the memory is `zeroed`.
    ///
    /// # Safety
    /// As for the type; `first < granules`.
    pub unsafe fn initialize(self, first: usize, granules: usize, zeroed: bool) {
        // SAFETY: the caller gives the words for these granules.
        unsafe {
            if !zeroed {
                self.words.write_bytes(0, Self::words(granules));
                self.marks.write_bytes(0, Self::mark_words(granules));
            }
            self.flip(first, LOWER);
            self.flip(granules, USED | LOWER);
        }
    }

    /// The field of granule `g`, O(1). In an idle word that holds a count it is [`Field::Interior`].
    ///
    /// # Safety
    /// As for the type.
    #[inline]
    pub unsafe fn field(self, g: usize) -> Field {
        // SAFETY: the caller gives a granule of the map.
        let bits = unsafe { self.bits(g) };
        if bits & USED != 0 {
            Field::Used { lower_free: bits & LOWER != 0 }
        // SAFETY: every word has a mark.
        } else if bits & LOWER != 0 && !unsafe { self.is_marked(g / WORD_GRANULES) } {
            Field::Free
        } else {
            Field::Interior
        }
    }

    /// Whether `g`, a start, starts a free chunk.
    ///
    /// # Safety
    /// As for the type; `g` is a start or the end.
    #[inline(always)]
    pub unsafe fn is_free(self, g: usize) -> bool {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.bits(g) & USED == 0 }
    }

    /// Hands `[g, end)` out: out of a free chunk that starts at `g`, or contains it.
    ///
    /// # Safety
    /// As for the type; the granules are free and lie in one chunk.
    #[inline(always)]
    pub unsafe fn take(self, g: usize, end: usize) {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            self.flip(g, USED | LOWER);
            self.flip(end, LOWER);
            if end - g > WORD_GRANULES {
                self.note_length(g, end);
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
            if end - g > WORD_GRANULES {
                self.forget_length(g, end);
            }
            self.flip(g, USED | LOWER);
            self.flip(end, LOWER);
        }
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
            self.forget_length(g, end);
            self.flip(end, LOWER);
            self.flip(new_end, LOWER);
            self.note_length(g, new_end);
        }
    }

    /// The first start above `g`, which is the start of a chunk in use: its end. O(1).
    ///
    /// # Safety
    /// As for the type; `g` starts a chunk in use.
    #[inline(always)]
    pub unsafe fn end_of(self, g: usize) -> usize {
        let index = g / WORD_GRANULES;
        // SAFETY: the caller gives a granule of the map.
        let above = starts(unsafe { self.load(index) }) >> (g % WORD_GRANULES) >> 1;
        if above != 0 {
            return g + 1 + above.trailing_zeros() as usize;
        }
        // SAFETY: the chunk goes on into the next word.
        unsafe { self.end_beyond(index + 1) }
    }

    /// The end of a chunk in use that has no end below word `index`.
    ///
    /// # Safety
    /// As for the type; the chunk reaches into or up to word `index`.
    unsafe fn end_beyond(self, mut index: usize) -> usize {
        // SAFETY: counts lead from idle word to idle word of one chunk, the last to the word of its end.
        unsafe {
            while self.is_marked(index) {
                index += self.load(index);
            }
            index * WORD_GRANULES + starts(self.load(index)).trailing_zeros() as usize
        }
    }

    /// The start at or below `g`, and whether it starts a free chunk; `None` if there is none down to `first`.
    /// O(distance / [`WORD_GRANULES`]): for telling what a bad pointer points into.
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn start_of(self, g: usize, first: usize) -> Option<(usize, Field)> {
        let mut index = g / WORD_GRANULES;
        let mut up_to = LOW_HALF >> (WORD_GRANULES - 1 - g % WORD_GRANULES);
        loop {
            // SAFETY: `index` goes down from a granule of the map.
            let fields = if unsafe { self.is_marked(index) } { 0 } else { unsafe { self.load(index) } };
            let below = starts(fields) & up_to;
            if below != 0 {
                let start = index * WORD_GRANULES + below.ilog2() as usize;
                // SAFETY: a start at or below a granule of the map is one of the map.
                return Some((start, unsafe { self.field(start) }));
            }
            if index <= first / WORD_GRANULES {
                return None;
            }
            index -= 1;
            up_to = LOW_HALF;
        }
    }

    /// The first start in `[g, limit)`, by looking at every field, or else `limit`. For the full check.
    ///
    /// # Safety
    /// As for the type; `limit` is at most one above the end.
    pub(crate) unsafe fn scan(self, g: usize, limit: usize) -> usize {
        let mut at = g;
        while at < limit {
            let index = at / WORD_GRANULES;
            // SAFETY: the word of a field of the map.
            let fields = if unsafe { self.is_marked(index) } { 0 } else { unsafe { self.load(index) } };
            let from = starts(fields) >> (at % WORD_GRANULES);
            if from != 0 {
                return limit.min(at + from.trailing_zeros() as usize);
            }
            at = (index + 1) * WORD_GRANULES;
        }
        limit
    }

    /// The length, in words, that the idle word `index` keeps, if it is marked. For the full check.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn kept_length(self, index: usize) -> Option<usize> {
        // SAFETY: the caller gives a word of the map.
        unsafe { self.is_marked(index).then(|| self.load(index)) }
    }

    /// Word `index`, as it stands. For the full check and for pictures.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn raw_word(self, index: usize) -> usize {
        // SAFETY: the caller gives a word of the map.
        unsafe { self.load(index) }
    }

    /// Writes the length of the chunk `[g, end)` into the idle words it has, if any.
    #[cold]
    #[inline(never)]
    unsafe fn note_length(self, g: usize, end: usize) {
        let (mut index, last) = (g / WORD_GRANULES + 1, end / WORD_GRANULES);
        while index < last {
            let hop = (last - index).min(LOW_HALF);
            // SAFETY: the words between the first and the last of a chunk are its own.
            unsafe {
                word(self.words, index).write(hop);
                self.flip_mark(index);
            }
            index += hop;
        }
    }

    /// Undoes [`note_length`](Self::note_length).
    #[cold]
    #[inline(never)]
    unsafe fn forget_length(self, g: usize, end: usize) {
        let (mut index, last) = (g / WORD_GRANULES + 1, end / WORD_GRANULES);
        while index < last {
            // SAFETY: the words between the first and the last of a chunk are its own.
            unsafe {
                let hop = self.load(index);
                word(self.words, index).write(0);
                self.flip_mark(index);
                index += hop;
            }
        }
    }

    #[inline(always)]
    unsafe fn load(self, index: usize) -> usize {
        // SAFETY: the caller gives a word of the map.
        unsafe { word(self.words, index).read() }
    }

    /// The field of granule `g` in the places `USED` and `LOWER`, among others.
    #[inline(always)]
    unsafe fn bits(self, g: usize) -> usize {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.load(g / WORD_GRANULES) >> (g % WORD_GRANULES) }
    }

    #[inline(always)]
    unsafe fn flip(self, g: usize, bits: usize) {
        // SAFETY: the caller gives a granule of the map.
        unsafe { *word(self.words, g / WORD_GRANULES).as_mut() ^= bits << (g % WORD_GRANULES) }
    }

    unsafe fn is_marked(self, index: usize) -> bool {
        // SAFETY: the caller gives a word of the map, and each has its mark.
        unsafe { word(self.marks, index / WORD_BITS).read() >> (index % WORD_BITS) & 1 != 0 }
    }

    unsafe fn flip_mark(self, index: usize) {
        // SAFETY: the caller gives a word of the map, and each has its mark.
        unsafe { *word(self.marks, index / WORD_BITS).as_mut() ^= 1 << (index % WORD_BITS) }
    }
}

/// A bit, in the low half, for each start among a word's fields.
#[inline(always)]
const fn starts(fields: usize) -> usize {
    (fields | fields >> WORD_GRANULES) & LOW_HALF
}

#[cfg(test)]
mod tests;
