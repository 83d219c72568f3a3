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
//! All requests of up to 1 MiB, and most chunks that serve them, are in the first word of bits.

pub mod class;

use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::chunk::{FreeChunk, Slot};
use crate::granule::{Cell, Granule};
use crate::raw::{after, before, distance};

const WORD_BITS: usize = usize::BITS as usize;
const BITS_WORDS: usize = 4;

/// Bins for the largest chunk there can be, at most.
const MOST: usize = BITS_WORDS * WORD_BITS;

/// How many chunks of the bin that a size belongs in are looked at before a request is given up: they may be too small.
const LAST_RESORT: usize = 8;

/// Segregated free lists. Empty, without memory, until [`Bins::initialize`].
#[derive(Debug)]
pub struct Bins<G> {
    bits: [usize; BITS_WORDS],
    /// A cell each. Links are counted from here, where they are counted.
    heads: NonNull<u8>,
    count: usize,
    granule: PhantomData<G>,
}

impl<G: Granule> Default for Bins<G> {
    fn default() -> Self {
        Self::new()
    }
}

impl<G: Granule> Bins<G> {
    /// No bins.
    pub const fn new() -> Self {
        Self { bits: [0; BITS_WORDS], heads: NonNull::dangling(), count: 0, granule: PhantomData }
    }

    /// Bytes that the bins of spans of up to `largest` bytes take.
    pub const fn bytes(largest: usize) -> usize {
        class::count::<G>(largest) * G::CELL
    }

    /// Lays empty bins for spans of up to `largest` bytes at `memory`.
    ///
    /// # Safety
    /// [`Bins::bytes`] bytes at `memory` are theirs for as long as they are in use.
    pub unsafe fn initialize(&mut self, memory: NonNull<u8>, largest: usize) {
        *self = Self { heads: memory, count: class::count::<G>(largest), ..Self::new() };
        // SAFETY: the caller gives room for a head a bin.
        unsafe { memory.write_bytes(0, Self::bytes(largest)) };
    }

    /// Empties all bins.
    pub fn forget(&mut self) {
        self.bits = [0; BITS_WORDS];
        // SAFETY: there is a head a bin; none, where there are no bins.
        unsafe { self.heads.write_bytes(0, self.count * G::CELL) };
    }

    /// Whether there are bins at all.
    #[inline(always)]
    pub const fn are_there(&self) -> bool {
        self.count != 0
    }

    /// Makes the `bytes` bytes at `at` a free chunk in its bin. O(1).
    ///
    /// # Safety
    /// They are whole granules of valid memory that nothing else uses, one at least, and no more than the bins were made
    /// for.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub unsafe fn insert(&mut self, at: NonNull<u8>, bytes: usize) {
        // SAFETY: the size has a bin, which holds chunks of one granule all, or none.
        unsafe {
            let chunk = FreeChunk::<G>::at(at);
            if !G::ROOMY && bytes == G::BYTES {
                if chunk.link::<false>(self.heads, self.head(0)) {
                    self.bits[0] |= 1;
                }
                return;
            }
            chunk.write_size(bytes);
            let bin = class::holding::<G>(bytes);
            if chunk.link::<true>(self.heads, self.head(bin)) {
                self.bits[bin / WORD_BITS % BITS_WORDS] |= 1 << (bin % WORD_BITS);
            }
        }
    }

    /// Takes the chunk at `at` out of its bin. Its bytes. O(1).
    ///
    /// # Safety
    /// A free chunk starts there, which is in one of these bins.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub unsafe fn remove(&mut self, at: NonNull<u8>) -> usize {
        // SAFETY: a free chunk starts there.
        unsafe {
            let chunk = FreeChunk::<G>::at(at);
            match chunk.size_of_more() {
                Some(bytes) => self.unlink::<true>(chunk, bytes),
                None => self.unlink::<false>(chunk, G::BYTES),
            }
        }
    }

    /// Takes the chunk that ends where `end` starts out of its bin. Its bytes. O(1).
    ///
    /// # Safety
    /// A free chunk ends there, which is in one of these bins.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub unsafe fn remove_below(&mut self, end: NonNull<u8>) -> usize {
        // SAFETY: a free chunk ends there, where its footer says its start.
        unsafe {
            match FreeChunk::<G>::size_of_more_below(end) {
                Some(bytes) => self.unlink::<true>(FreeChunk::at(before(end, bytes)), bytes),
                None => self.unlink::<false>(FreeChunk::at(before(end, G::BYTES)), G::BYTES),
            }
        }
    }

    #[inline(always)]
    unsafe fn unlink<const MORE: bool>(&mut self, chunk: FreeChunk<G>, bytes: usize) -> usize {
        // SAFETY: the chunk is in a bin.
        if let Some(end) = unsafe { chunk.unlink::<MORE>(self.heads) } {
            let bin = distance(self.heads, end) / G::CELL;
            if bin < self.count {
                self.mark_empty(bin);
            }
        }
        bytes
    }

    /// The lowest bin that has a chunk, out of those whose every chunk has `bytes` bytes or more, at least one. O(1).
    #[inline(always)]
    pub fn first_for(&self, bytes: usize) -> Option<usize> {
        self.filled_from(class::covering::<G>(bytes))
    }

    /// Takes out the first chunk of `bin`: its address and its bytes. O(1).
    ///
    /// # Safety
    /// The bin has a chunk.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub unsafe fn pop(&mut self, bin: usize) -> (NonNull<u8>, usize) {
        // SAFETY: the bin has a chunk.
        unsafe {
            let chunk = self.pop_chunk(bin);
            (chunk, Self::bytes_of(chunk, bin))
        }
    }

    /// Takes out the first chunk of `bin`: its address. O(1).
    ///
    /// # Safety
    /// The bin has a chunk.
    #[inline(always)]
    pub(crate) unsafe fn pop_chunk(&mut self, bin: usize) -> NonNull<u8> {
        // SAFETY: the bin has a chunk, and the first bin alone has those of one granule.
        unsafe {
            let chunk = self.first_of(bin).unwrap_unchecked();
            if Self::has_more(bin) {
                self.pop_off::<true>(bin, chunk);
            } else {
                self.pop_off::<false>(bin, chunk);
            }
            chunk.address()
        }
    }

    /// The bytes of a chunk just taken out of `bin`.
    ///
    /// # Safety
    /// Nothing was written to it since.
    #[inline(always)]
    pub(crate) unsafe fn bytes_of(chunk: NonNull<u8>, bin: usize) -> usize {
        if !Self::has_more(bin) {
            return G::BYTES;
        }
        // SAFETY: as the caller says.
        unsafe { FreeChunk::<G>::at(chunk).size_of_more().unwrap_unchecked() }
    }

    /// Whether the chunks of a bin have more than one granule, or are roomy.
    #[inline(always)]
    const fn has_more(bin: usize) -> bool {
        G::ROOMY || bin != 0
    }

    /// Takes the first chunk of a bin out.
    #[inline(always)]
    unsafe fn pop_off<const MORE: bool>(&mut self, bin: usize, chunk: FreeChunk<G>) {
        // SAFETY: the chunk is the first of the bin.
        unsafe {
            let next = chunk.next(self.heads);
            Cell::<G>::at(self.head(bin)).copy_link(Cell::at(chunk.slot()));
            match next {
                Some(next) => next.set_back::<MORE>(self.heads, self.head(bin)),
                None => self.mark_empty(bin),
            }
        }
    }

    /// Takes out a chunk that `fits`, given its address and its bytes, out of the few chunks first met from the bin of
    /// `size` granules on. O(1).
    #[cold]
    #[inline(never)]
    pub fn take_last_resort(
        &mut self,
        size: usize,
        fits: impl Fn(NonNull<u8>, usize) -> bool,
    ) -> Option<(NonNull<u8>, usize)> {
        let mut looks = LAST_RESORT;
        let mut bin = self.filled_from(class::holding::<G>(size * G::BYTES))?;
        loop {
            // SAFETY: the bin is one of these, and its chunks are in it.
            unsafe {
                let mut link = self.first_of(bin);
                while let Some(chunk) = link {
                    let chunk_size = chunk.size();
                    if fits(chunk.address(), chunk_size) {
                        self.remove(chunk.address());
                        return Some((chunk.address(), chunk_size));
                    }
                    looks = looks.checked_sub(1)?;
                    link = chunk.next(self.heads);
                }
            }
            bin = self.filled_from(bin + 1)?;
        }
    }

    /// Calls `look` with the address and the bytes of each chunk of the bin that `bytes` bytes belong in, and of those above.
    /// O(chunks).
    pub(crate) fn each_from(&self, bytes: usize, mut look: impl FnMut(NonNull<u8>, usize)) {
        for bin in class::holding::<G>(bytes)..self.count {
            // SAFETY: the bin is one of these, and its chunks are in it.
            unsafe {
                let mut link = self.first_of(bin);
                while let Some(chunk) = link {
                    look(chunk.address(), chunk.size());
                    link = chunk.next(self.heads);
                }
            }
        }
    }

    /// The lowest bin from `bin` on that has a chunk. O(1).
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    fn filled_from(&self, bin: usize) -> Option<usize> {
        if bin < WORD_BITS {
            let here = self.bits[0] >> bin;
            if here != 0 {
                return Some(bin + here.trailing_zeros() as usize);
            }
        }
        self.filled_above(bin)
    }

    /// The lowest bin from `bin` on that has a chunk and a bit in another word than the first.
    #[inline(always)]
    fn filled_above(&self, bin: usize) -> Option<usize> {
        let mut from = bin.max(WORD_BITS);
        while from < MOST {
            let here = self.bits[from / WORD_BITS] >> (from % WORD_BITS);
            if here != 0 {
                return Some(from + here.trailing_zeros() as usize);
            }
            from = (from / WORD_BITS + 1) * WORD_BITS;
        }
        None
    }

    #[inline(always)]
    fn mark_empty(&mut self, bin: usize) {
        self.bits[bin / WORD_BITS % BITS_WORDS] &= !(1 << (bin % WORD_BITS));
    }

    /// The place of a bin's first link.
    ///
    /// # Safety
    /// `bin` is below the count.
    #[inline(always)]
    unsafe fn head(&self, bin: usize) -> Slot {
        // SAFETY: the bin has a head.
        unsafe { after(self.heads, bin * G::CELL) }
    }

    /// The first chunk of a bin.
    ///
    /// # Safety
    /// `bin` is below the count.
    #[inline(always)]
    unsafe fn first_of(&self, bin: usize) -> Option<FreeChunk<G>> {
        // SAFETY: the bin has a head.
        unsafe { FreeChunk::first_at(self.head(bin), self.heads) }
    }

    /// The base of links, where they are counted.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.heads
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

    /// The first chunk of `bin`, if its bit agrees with the list on whether there is one.
    pub(crate) fn first(&self, bin: usize) -> Result<Option<FreeChunk<G>>, usize> {
        // SAFETY: asked only about bins that there are.
        let first = unsafe { self.first_of(bin) };
        let bit = self.bits[bin / WORD_BITS % BITS_WORDS] >> (bin % WORD_BITS) & 1;
        if (bit != 0) == first.is_some() { Ok(first) } else { Err(bin) }
    }
}

#[cfg(test)]
mod tests;
