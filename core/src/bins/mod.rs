//! Floor 4: bins: free chunks by size, found in O(1).
//!
//! A bin is a list of free chunks of one size class, and a bit says whether it has any:
//!
//! ```text
//!   bits (in the heap)              01001…
//!                                    │  │
//!   heads (in the first span)        ▼  ▼
//!                                    ▢  ▢
//!                                    ▢
//! ```
//!
//! All small requests, and most chunks that serve them, are in the first word of bits. Which bin serves a request is in the file
//! `search`, how chunks leave their bins from anywhere in `remove`, which sizes a bin has in `class`.
//!
//! A neighbour that may be free or not is taken out of its bin without a branch, where that is better: if it is not free, the
//! **blank** is taken out of its own, and nothing has changed.
//!
//! Of what is freed the lower chunks tend to come first in a bin, so that blocks gather below and long chunks form above.
//! (Order by address against fragmentation: Wilson, Johnstone, Neely and Boles, "Dynamic storage allocation: a survey and
//! critical review", 1995.)

pub mod class;
mod remove;
mod search;

use core::fmt::Debug;
use core::ops::Range;
use core::ptr::NonNull;

use crate::chunk::{BLANK_CELLS, FreeChunk, KEPT_CELLS};
use crate::granule::{Granule, Position};

pub(crate) const WORD_BITS: usize = usize::BITS as usize;

/// A bit for each of some number of bins, which says whether it has a chunk.
pub trait BinBits: Debug + Copy + AsRef<[usize]> + AsMut<[usize]> {
    /// No bin has.
    const NONE: Self;
    /// Words.
    const WORDS: usize;
}

impl<const WORDS: usize> BinBits for [usize; WORDS] {
    const NONE: Self = [0; WORDS];
    const WORDS: usize = WORDS;
}

/// Segregated free lists. Empty, without memory, until [`Bins::initialize`].
///
/// # Safety of its methods
/// All that are unsafe are so for one reason: `base` is the [base](Position) of the heap that the bins and their chunks are of, and
/// what else each says.
#[derive(Debug)]
pub struct Bins<G: Granule> {
    bits: G::BinBits,
    /// A cell below the first bin's head; the others stand behind that.
    heads: Position<G>,
    /// One more than the last bin.
    count: usize,
}

impl<G: Granule> Default for Bins<G> {
    fn default() -> Self {
        Self::new()
    }
}

impl<G: Granule> Bins<G> {
    /// No bins.
    pub const fn new() -> Self {
        Self { bits: G::BinBits::NONE, heads: Position::NOWHERE, count: 0 }
    }

    /// The largest chunk, in granules, that there can be bins for.
    pub const LARGEST: usize = class::largest_for::<G>(G::BinBits::WORDS * WORD_BITS);

    /// The [blank](FreeChunk::lay_blank): behind the heads or, where positions are counted, in cells at the base that nothing else
    /// needs.
    const BLANK_BEHIND: usize = if G::COUNTED { 0 } else { BLANK_CELLS };

    /// Bytes that the bins of chunks of up to `largest` granules take.
    pub const fn bytes(largest: usize) -> usize {
        (class::holding::<G>(largest) + Self::BLANK_BEHIND) * G::CELL
    }

    /// Bytes that these bins take.
    pub(crate) const fn own_bytes(&self) -> usize {
        (self.last() + Self::BLANK_BEHIND) * G::CELL
    }

    /// The largest chunk, in granules, that there is a bin for; 0 without bins.
    pub(crate) const fn largest(&self) -> usize {
        if self.are_there() { class::largest_for::<G>(self.count) } else { 0 }
    }

    /// Lays empty bins for chunks of up to `largest` granules, [`LARGEST`](Self::LARGEST) at most, at `memory`.
    ///
    /// # Safety
    /// As for the type. [`Bins::bytes`] bytes at `memory`, above the base, are theirs for as long as they are in use, and so are
    /// three cells at the base, but for the first: the lists' [sentinel](Position::sentinel). Where positions are counted, so are
    /// the three behind those.
    pub unsafe fn initialize(&mut self, base: NonNull<u8>, memory: NonNull<u8>, largest: usize) {
        // SAFETY: the caller gives room for a head a bin.
        unsafe {
            let heads = Position::new(base, memory).cell_down();
            *self = Self { heads, count: class::count::<G>(largest), ..Self::new() };
            FreeChunk::<G>::lay_sentinel(base);
            FreeChunk::lay_blank(base, self.blank());
            self.forget(base);
        }
    }

    /// Empties all bins.
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn forget(&mut self, base: NonNull<u8>) {
        self.bits = G::BinBits::NONE;
        for bin in self.all() {
            // SAFETY: the bin has a head.
            unsafe { self.head(bin).set_link(base, Position::sentinel(base)) };
        }
    }

    /// Whether there are bins at all.
    #[inline(always)]
    pub const fn are_there(&self) -> bool {
        self.count != 0
    }

    /// Makes the `size` granules at `at` a free chunk, the first in its bin. O(1).
    ///
    /// # Safety
    /// As for the type. They are valid memory that nothing else uses, one at least, and no more than the bins were made for.
    #[inline(always)]
    pub unsafe fn insert(&mut self, base: NonNull<u8>, at: Position<G>, size: usize) {
        // SAFETY: as the caller says.
        unsafe { self.put(base, at, size, false) };
    }

    /// [`insert`](Self::insert), of what was freed: behind the first in its bin, if that lies below it. So what is taken lies low
    /// for the most part, and what is freed above can become long chunks. O(1).
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub unsafe fn insert_freed(&mut self, base: NonNull<u8>, at: Position<G>, size: usize) {
        // SAFETY: as the caller says.
        unsafe { self.put(base, at, size, true) };
    }

    /// [`insert`](Self::insert), or [`insert_freed`](Self::insert_freed), if `is_freed`.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    unsafe fn put(&mut self, base: NonNull<u8>, at: Position<G>, size: usize, is_freed: bool) {
        // SAFETY: the size has a bin, which holds chunks of one granule all, or none.
        unsafe {
            let chunk = FreeChunk::at(at);
            let slot = |head| if is_freed { chunk.behind_lower(base, head) } else { head };
            if !G::ROOMY && size == 1 {
                chunk.link::<false>(base, slot(self.head(1)));
                self.mark_filled(1);
                return;
            }
            chunk.write_size(base, size);
            let bin = class::holding::<G>(size);
            chunk.link::<true>(base, slot(self.head(bin)));
            self.mark_filled(bin);
        }
    }

    /// Makes the `size` granules at `at` a free chunk, the first in the last bin, where longer ones belong: who would take the
    /// first of that bin then has to look [whether it has as many](Self::first_has) as are needed. O(1).
    ///
    /// # Safety
    /// As for [`insert`](Self::insert); two granules at least.
    #[inline(always)]
    pub unsafe fn insert_last(&mut self, base: NonNull<u8>, at: Position<G>, size: usize) {
        // SAFETY: as the caller says; there are bins.
        unsafe {
            let chunk = FreeChunk::at(at);
            chunk.write_size(base, size);
            chunk.link::<true>(base, self.head(self.last()));
            self.mark_filled(self.last());
        }
    }

    /// The last bin, where there are any.
    #[inline(always)]
    pub const fn last(&self) -> usize {
        self.count.wrapping_sub(1)
    }

    /// Whether the last bin's bit is not in the first word.
    #[inline(always)]
    pub const fn has_far_last(&self) -> bool {
        self.count > WORD_BITS
    }

    /// Where the blank is.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    unsafe fn blank(&self) -> Position<G> {
        if G::COUNTED {
            return Position::cell(KEPT_CELLS);
        }
        // SAFETY: as the caller says.
        unsafe { self.heads.cells_up(self.count) }
    }

    /// Takes out the first chunk of `bin`: its position and its granules. O(1).
    ///
    /// # Safety
    /// As for the type. The bin has a chunk.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub unsafe fn pop(&mut self, base: NonNull<u8>, bin: usize) -> (Position<G>, usize) {
        // SAFETY: the bin has a chunk.
        unsafe {
            let chunk = self.pop_chunk(base, bin);
            (chunk.position(), Self::size_of(base, chunk, bin))
        }
    }

    /// Takes out the first chunk of `bin`. O(1).
    ///
    /// # Safety
    /// As for the type. The bin has a chunk.
    #[inline(always)]
    pub(crate) unsafe fn pop_chunk(&mut self, base: NonNull<u8>, bin: usize) -> FreeChunk<G> {
        // SAFETY: the bin has a chunk, and the first bin alone has those of one granule.
        unsafe {
            let chunk = FreeChunk::first_at(base, self.head(bin)).unwrap_unchecked();
            if Self::has_more(bin) {
                self.pop_off::<true>(base, bin, chunk);
            } else {
                self.pop_off::<false>(base, bin, chunk);
            }
            chunk
        }
    }

    /// The granules of a chunk just taken out of `bin`.
    ///
    /// # Safety
    /// As for the type. Nothing was written to it since.
    #[inline(always)]
    pub(crate) unsafe fn size_of(base: NonNull<u8>, chunk: FreeChunk<G>, bin: usize) -> usize {
        if !Self::has_more(bin) {
            return 1;
        }
        // SAFETY: as the caller says.
        unsafe { chunk.size_of_more(base).unwrap_unchecked() }
    }

    /// Whether the chunks of a bin have more than one granule, or are roomy.
    #[inline(always)]
    const fn has_more(bin: usize) -> bool {
        G::ROOMY || bin != 1
    }

    /// Takes the first chunk of a bin out.
    #[inline(always)]
    unsafe fn pop_off<const MORE: bool>(&mut self, base: NonNull<u8>, bin: usize, chunk: FreeChunk<G>) {
        // SAFETY: the chunk is the first of the bin.
        let was_last = unsafe { chunk.unlink_first::<MORE>(base, self.head(bin)) };
        self.mark_empty_if(was_last, bin);
    }

    /// Calls `look` with the position and the granules of each chunk of the bin that `size` granules belong in, and of those above.
    /// O(chunks).
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn each_from(
        &self,
        base: NonNull<u8>,
        size: usize,
        mut look: impl FnMut(Position<G>, usize),
    ) {
        for bin in class::holding::<G>(size)..self.count {
            // SAFETY: the bin is one of these, and its chunks are in it.
            unsafe {
                let mut link = FreeChunk::first_at(base, self.head(bin));
                while let Some(chunk) = link {
                    look(chunk.position(), chunk.size(base));
                    link = chunk.next(base);
                }
            }
        }
    }

    #[inline(always)]
    fn mark_filled(&mut self, bin: usize) {
        self.bits.as_mut()[bin / WORD_BITS % G::BinBits::WORDS] |= 1 << (bin % WORD_BITS);
    }

    /// Clears a bin's bit, which is set, if `is_empty`, without a branch: it would not be foreseen. If not, any number will do.
    #[inline(always)]
    fn mark_empty_if(&mut self, is_empty: bool, bin: usize) {
        let bit = usize::from(is_empty) << (bin % WORD_BITS);
        self.bits.as_mut()[bin / WORD_BITS % G::BinBits::WORDS] ^= bit;
    }

    /// A word of bits.
    #[inline(always)]
    fn word(&self, index: usize) -> usize {
        self.bits.as_ref()[index % G::BinBits::WORDS]
    }

    /// The position of a bin's first link.
    ///
    /// # Safety
    /// `bin` is below the count, and not 0.
    #[inline(always)]
    unsafe fn head(&self, bin: usize) -> Position<G> {
        // SAFETY: the bin has a head.
        unsafe { self.heads.cells_up(bin) }
    }

    /// All bins.
    pub(crate) fn all(&self) -> Range<usize> {
        1..self.count.max(1)
    }

    /// Whether `slot` is the head of `bin`.
    pub(crate) fn is_head(&self, bin: usize, slot: Position<G>) -> bool {
        // SAFETY: asked only about bins that there are.
        self.all().contains(&bin) && unsafe { self.head(bin) } == slot
    }

    /// The first chunk of `bin`, if its bit agrees with the list on whether there is one.
    ///
    /// # Safety
    /// As for the type; there is such a bin.
    pub(crate) unsafe fn first(&self, base: NonNull<u8>, bin: usize) -> Result<Option<FreeChunk<G>>, usize> {
        // SAFETY: as the caller says.
        let first = unsafe { FreeChunk::first_at(base, self.head(bin)) };
        let bit = self.word(bin / WORD_BITS) >> (bin % WORD_BITS) & 1;
        if (bit != 0) == first.is_some() { Ok(first) } else { Err(bin) }
    }
}

#[cfg(test)]
mod tests;
