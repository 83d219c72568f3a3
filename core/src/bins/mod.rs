//! Floor 4: bins: free chunks by size, found in O(1).
//!
//! A bin is a list of free chunks of one size class. Two levels of bits say which bins have any:
//!
//! ```text
//!   summary (in the heap)        1 0 1
//!                                │   └─────────────┐
//!   bits, a word per 64 bins     01001…            10000…            (in the first span, with the heads)
//!                                 │  │             │
//!   heads                         ▼  ▼             ▼
//!                                 ▢  ▢             ▢
//!                                 ▢
//! ```

mod class;

use core::ptr::NonNull;

pub use class::Classes;

use crate::chunk::{FreeChunk, Slot};
use crate::granule::GRANULE;
use crate::raw::{WORD, distance, word};

const WORD_BITS: usize = usize::BITS as usize;

/// How many chunks of the bin that a size belongs in are looked at before a request is given up: they may be too small.
const LAST_RESORT: usize = 8;

/// Up to this many granules, four bins to a doubling do; a larger span deserves eight.
const COARSE_UP_TO: usize = (1 << 20) / GRANULE;

/// Segregated free lists. Empty, without memory, until [`Bins::initialize`].
#[derive(Debug)]
pub struct Bins {
    summary: usize,
    count: usize,
    heads: NonNull<usize>,
    bits: NonNull<usize>,
    classes: Classes,
}

impl Default for Bins {
    fn default() -> Self {
        Self::new()
    }
}

impl Bins {
    /// No bins.
    pub const fn new() -> Self {
        Self {
            summary: 0,
            count: 0,
            heads: NonNull::dangling(),
            bits: NonNull::dangling(),
            classes: Classes::COARSE,
        }
    }

    /// The classes that spans of up to `largest` granules deserve.
    const fn classes(largest: usize) -> Classes {
        if largest <= COARSE_UP_TO { Classes::COARSE } else { Classes::FINE }
    }

    /// Bytes that the bins of spans of up to `largest` granules take.
    pub const fn bytes(largest: usize) -> usize {
        let count = Self::classes(largest).count(largest);
        (count + count.div_ceil(WORD_BITS)) * WORD
    }

    /// Lays empty bins for spans of up to `largest` granules at `memory`.
    ///
    /// # Safety
    /// [`Bins::bytes`] bytes at `memory` are theirs for as long as they are in use.
    pub unsafe fn initialize(&mut self, memory: NonNull<usize>, largest: usize) {
        self.classes = Self::classes(largest);
        self.count = self.classes.count(largest);
        self.summary = 0;
        self.heads = memory;
        // SAFETY: the caller gives room for a head a bin and a bit a bin.
        unsafe {
            self.bits = word(memory, self.count);
            memory.write_bytes(0, self.count + self.count.div_ceil(WORD_BITS));
        }
    }

    /// Whether there are bins at all.
    #[inline(always)]
    pub const fn are_there(&self) -> bool {
        self.count != 0
    }

    /// Puts `chunk`, of `size` granules, into its bin. O(1).
    ///
    /// # Safety
    /// The chunk is free, written, in no bin, and no larger than the bins were made for.
    #[inline(always)]
    pub unsafe fn insert(&mut self, chunk: FreeChunk, size: usize) {
        let bin = self.classes.holding(size);
        // SAFETY: the size has a bin, which holds chunks of that class only: of one granule all, or none.
        unsafe {
            let head = self.head(bin);
            let first = head.read();
            chunk.link(head, first, size);
            if first.is_none() {
                self.mark_filled(bin);
            }
        }
    }

    /// Takes `chunk` out of its bin. O(1).
    ///
    /// # Safety
    /// The chunk is in one of these bins.
    #[inline(always)]
    pub unsafe fn remove(&mut self, chunk: FreeChunk) {
        // SAFETY: the chunk is in a bin.
        let (slot, next) = unsafe { chunk.unlink() };
        if next.is_none() {
            let bin = distance(self.heads.cast(), slot.cast()) / WORD;
            if bin < self.count {
                self.mark_empty(bin);
            }
        }
    }

    /// Takes out a chunk of `size` granules or more, and says how large it is. O(1): the lowest bin whose every chunk
    /// fits; failing that, a few chunks of the bin that the size itself belongs in.
    #[inline(always)]
    pub fn take(&mut self, size: usize) -> Option<(FreeChunk, usize)> {
        match self.filled_from(self.classes.covering(size)) {
            // SAFETY: the bin has a chunk, which is in a bin.
            Some(bin) => unsafe {
                let chunk = self.head(bin).read().unwrap_unchecked();
                let chunk_size = chunk.size();
                self.remove(chunk);
                Some((chunk, chunk_size))
            },
            None => self.take_last_resort(size, |_, chunk_size| chunk_size >= size),
        }
    }

    /// Takes out a chunk that `fits`, given its address and size, out of the few chunks first met from the bin of
    /// `size` on. O(1).
    #[cold]
    #[inline(never)]
    pub fn take_last_resort(
        &mut self,
        size: usize,
        fits: impl Fn(NonNull<u8>, usize) -> bool,
    ) -> Option<(FreeChunk, usize)> {
        let mut looks = LAST_RESORT;
        let mut bin = self.filled_from(self.classes.holding(size))?;
        loop {
            // SAFETY: the bin is one of these, and its chunks are in it.
            unsafe {
                let mut link = self.head(bin).read();
                while let Some(chunk) = link {
                    let chunk_size = chunk.size();
                    if fits(chunk.address(), chunk_size) {
                        self.remove(chunk);
                        return Some((chunk, chunk_size));
                    }
                    looks = looks.checked_sub(1)?;
                    link = chunk.next();
                }
            }
            bin = self.filled_from(bin + 1)?;
        }
    }

    /// The lowest bin from `bin` on that has a chunk. O(1).
    #[inline(always)]
    fn filled_from(&self, bin: usize) -> Option<usize> {
        if bin >= self.count {
            return None;
        }
        let index = bin / WORD_BITS;
        // SAFETY: the bin has a bit.
        let here = unsafe { word(self.bits, index).read() } & usize::MAX << (bin % WORD_BITS);
        if here != 0 {
            return Some(index * WORD_BITS + here.trailing_zeros() as usize);
        }
        let above = self.summary & (usize::MAX << index << 1);
        if above == 0 {
            return None;
        }
        let index = above.trailing_zeros() as usize;
        // SAFETY: the summary has a bit only for words that there are.
        let there = unsafe { word(self.bits, index).read() };
        Some(index * WORD_BITS + there.trailing_zeros() as usize)
    }

    #[inline(always)]
    unsafe fn mark_filled(&mut self, bin: usize) {
        // SAFETY: the caller gives one of the bins, which has a bit.
        unsafe { *word(self.bits, bin / WORD_BITS).as_mut() |= 1 << (bin % WORD_BITS) };
        self.summary |= 1 << (bin / WORD_BITS);
    }

    #[inline(always)]
    fn mark_empty(&mut self, bin: usize) {
        // SAFETY: the caller gives one of the bins, which has a bit.
        unsafe {
            let mut bits = word(self.bits, bin / WORD_BITS);
            *bits.as_mut() &= !(1 << (bin % WORD_BITS));
            if bits.read() == 0 {
                self.summary &= !(1 << (bin / WORD_BITS));
            }
        }
    }

    /// The place of a bin's first link.
    ///
    /// # Safety
    /// `bin` is below the count.
    #[inline(always)]
    unsafe fn head(&self, bin: usize) -> Slot {
        // SAFETY: the bin has a head.
        unsafe { word(self.heads, bin).cast() }
    }

    /// The bin that holds chunks of `size` granules.
    pub(crate) fn bin_of(&self, size: usize) -> usize {
        self.classes.holding(size)
    }

    /// How many bins there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Whether `slot` is the head of `bin`.
    pub(crate) fn is_head(&self, bin: usize, slot: Slot) -> bool {
        // SAFETY: asked only about bins that there are.
        bin < self.count && unsafe { self.head(bin) } == slot
    }

    /// The first chunk of `bin`, if both levels of bits agree with the list on whether there is one.
    pub(crate) fn first(&self, bin: usize) -> Result<Option<FreeChunk>, usize> {
        // SAFETY: asked only about bins that there are.
        let (first, bits) = unsafe { (self.head(bin).read(), word(self.bits, bin / WORD_BITS).read()) };
        let (bit, summary) = (bits >> (bin % WORD_BITS) & 1, self.summary >> (bin / WORD_BITS) & 1);
        let agree = (bit != 0) == first.is_some() && (summary != 0) == (bits != 0);
        if agree { Ok(first) } else { Err(bin) }
    }
}

#[cfg(test)]
mod tests;
