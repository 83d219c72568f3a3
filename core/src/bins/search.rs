//! Which bin, or which chunk, serves a request.
//!
//! ```text
//!   near      for short requests: a bin whose every chunk fits, if its bit is in the first word
//!   fitting   for others: the request's own bin, if its first chunk fits; or one whose every chunk does
//!   last      a few chunks of the own bin, and of those above, one by one
//! ```

use core::ptr::NonNull;

use super::{Bins, WORD_BITS, class};
use crate::chunk::FreeChunk;
use crate::granule::{Granule, Position};
use crate::raw::WORD;

/// How many chunks are looked at, from the bin that a size belongs in on, before a request is given up: they may be too small.
pub(super) const LAST_RESORT: usize = 8;

/// The bytes of a short request, at most. The bins that serve one are near in most cases, and found with fewer steps.
const SHORT: usize = 512 * WORD;

impl<G: Granule> Bins<G> {
    /// Whether the bin of a long request is found [without a branch](Self::first_fitting): in one arena, most of which is in the
    /// cache. In others it is better not to wait for a chunk's size before one goes on.
    const UNFORESEEN: bool = G::COUNTED && !cfg!(for_size);

    /// A request that has such a bin [beneath](class::beneath) it, or a higher one, is not short.
    pub const LONG: usize = if Self::UNFORESEEN { class::holding::<G>(SHORT / G::BYTES) } else { WORD_BITS };

    /// The lowest bin above `bin` that has a chunk, if its bit is in the first word. A size that has `bin`
    /// [beneath](class::beneath) it fits into each chunk there. O(1).
    #[inline(always)]
    pub fn first_near(&self, bin: usize) -> Option<usize> {
        if bin >= WORD_BITS {
            return None;
        }
        let here = self.word(0) & (usize::MAX << 1 << bin);
        (here != 0).then(|| here.trailing_zeros() as usize)
    }

    /// A bin whose first chunk has `size` granules or more, where there is none [near](Self::first_near), or the request is
    /// [long](Self::LONG): that which chunks of the size belong in, if its first has as many, or else the lowest of those above
    /// that has a chunk. So long chunks are not cut up while one that fits well is at hand. Of the last bin the first may have
    /// fewer: see [`insert_last`](Self::insert_last). O(1).
    ///
    /// Which of these it will be is hardly foreseen, so there is no branch on that, where that is better.
    ///
    /// # Safety
    /// As for the type. `beneath` is the one [beneath](class::beneath) the size. If the size is the lowest of
    /// its bin, as each is that has one to itself, that is the one below its own, of which no chunk has as many. To be asked is
    /// quicker than to know: whether it is so is hardly foreseen where sizes are mixed.
    #[inline(always)]
    pub unsafe fn first_fitting(&self, base: NonNull<u8>, beneath: usize, size: usize) -> Option<usize> {
        if beneath >= self.count {
            return None;
        }
        // Below the first bin there is none.
        let bin = beneath.max(1);
        // SAFETY: as the caller says; the bin is one of these.
        let fits = unsafe { self.first_has(base, bin, size) };
        if Self::UNFORESEEN && bin >= Self::LONG {
            return self.filled_from(bin, fits);
        }
        if fits { Some(bin) } else { self.filled_beyond(bin) }
    }

    /// Whether the first chunk of a bin, if it has one, has `size` granules or more; one that is of one granule, and not roomy, is
    /// passed over. O(1).
    ///
    /// # Safety
    /// As for the type. There is such a bin.
    #[inline(always)]
    pub unsafe fn first_has(&self, base: NonNull<u8>, bin: usize, size: usize) -> bool {
        // SAFETY: as the caller says. The sentinel says no size.
        unsafe { FreeChunk::<G>::at(self.head(bin).link(base)).size_of_more(base) >= Some(size) }
    }

    /// Takes out a chunk that `fits`, given its position and its granules, out of the few chunks first met from the bin of
    /// `size` granules on. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[cold]
    #[inline(never)]
    pub unsafe fn take_last_resort(
        &mut self,
        base: NonNull<u8>,
        size: usize,
        fits: impl Fn(Position<G>, usize) -> bool,
    ) -> Option<(Position<G>, usize)> {
        let mut looks = LAST_RESORT;
        let mut bin = self.filled_above(class::holding::<G>(size) - 1)?;
        loop {
            // SAFETY: the bin is one of these, and its chunks are in it.
            unsafe {
                let mut link = FreeChunk::first_at(base, self.head(bin));
                while let Some(chunk) = link {
                    let chunk_size = chunk.size(base);
                    if fits(chunk.position(), chunk_size) {
                        self.remove(base, chunk.position());
                        return Some((chunk.position(), chunk_size));
                    }
                    looks -= 1;
                    if looks == 0 {
                        return None;
                    }
                    link = chunk.next(base);
                }
            }
            bin = self.filled_above(bin)?;
        }
    }

    /// The lowest bin above `bin` that has a chunk. O(1).
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    fn filled_above(&self, bin: usize) -> Option<usize> {
        self.first_near(bin).or_else(|| self.filled_beyond(bin))
    }

    /// `bin`, if it `fits`, or else the lowest above that has a chunk, without a branch on which word its bit is in. O(1).
    #[inline(always)]
    fn filled_from(&self, bin: usize, fits: bool) -> Option<usize> {
        let filled = self.window(bin) & !1 | usize::from(fits);
        if filled == 0 {
            return self.filled_in_words(bin / WORD_BITS + 1, usize::MAX);
        }
        let found = bin + filled.trailing_zeros() as usize;
        // Behind the last word the window shows the first once more.
        (found < self.count).then_some(found)
    }

    /// The bits of as many bins, from `bin` on, as a word has.
    #[inline(always)]
    fn window(&self, bin: usize) -> usize {
        let (index, shift) = (bin / WORD_BITS, bin % WORD_BITS);
        self.word(index) >> shift | self.word(index + 1) << 1 << (WORD_BITS - 1 - shift)
    }

    /// The lowest bin above `bin` that has a chunk and a bit in another word than the first.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    fn filled_beyond(&self, bin: usize) -> Option<usize> {
        let from = (bin + 1).max(WORD_BITS);
        self.filled_in_words(from / WORD_BITS, usize::MAX << (from % WORD_BITS))
    }

    /// The lowest bin that has a chunk and its bit in word `index`, among `these`, or in one above.
    #[inline(always)]
    fn filled_in_words(&self, mut index: usize, these: usize) -> Option<usize> {
        let words = self.bits.as_ref();
        let mut here = words.get(index)? & these;
        while here == 0 {
            index += 1;
            here = *words.get(index)?;
        }
        Some(index * WORD_BITS + here.trailing_zeros() as usize)
    }
}
