//! Allocation.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use crate::bins::{Bins, class};
use crate::fresh::Fresh;
use crate::granule::{GRANULE, Granule, Unit, granules, rounded};
use crate::map::WORD_GRANULES;
use crate::raw::after;
use crate::{Mode, PageSource};

/// Bytes and blocks that are carved at once, at most, and the bytes of the chunks that are.
struct Batch {
    bytes: usize,
    blocks: usize,
    from: usize,
}

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Few blocks at once, and of long chunks alone, where an arena is to hold as much as it can: holes are for those whom
    /// they fit. Pieces of half a batch end in the map entry they start in, or in the next.
    const BATCH: Batch = if M::BOUNDED {
        Batch { bytes: WORD_GRANULES * GRANULE, blocks: 8, from: 16 * WORD_GRANULES * GRANULE }
    } else {
        Batch { bytes: 32 * WORD_GRANULES * GRANULE, blocks: 1024, from: 0 }
    };

    /// A block of at least `layout.size()` bytes, aligned to `layout.align()` and to a granule; `None` when neither
    /// the spans nor the source have room, and the heap is as it was. A size of 0 gives a block of one granule. O(1).
    #[inline]
    pub fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() > Self::GRANULE || (cfg!(for_size) && !M::WAITS) {
            return self.allocate_aligned(layout);
        }
        match self.take_waiting(rounded::<Unit<S, M>>(layout.size())) {
            Some(block) => Some(block),
            None => self.allocate_from_bins(layout),
        }
    }

    /// [`allocate`](Self::allocate), where no block of the size waits.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    #[inline(always)]
    pub(crate) fn allocate_anew(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() > Self::GRANULE {
            self.allocate_aligned(layout)
        } else {
            self.allocate_from_bins(layout)
        }
    }

    /// A block for no bytes, none of which waits by that size.
    #[cold]
    #[inline(never)]
    fn allocate_granule(&mut self, align: usize) -> Option<NonNull<u8>> {
        let layout = Layout::from_size_align(1, align).ok()?;
        self.take_waiting(Self::GRANULE).or_else(|| self.allocate_from_bins(layout))
    }

    /// A block cut off a free chunk.
    #[inline(never)]
    fn allocate_from_bins(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if M::WAITS && layout.size() == 0 {
            return self.allocate_granule(layout.align());
        }
        let bytes = whole::<Unit<S, M>>(layout.size());
        match self.bins.first_for(bytes) {
            // SAFETY: the bin has a chunk, and each of its chunks is large enough.
            Some(bin) => Some(unsafe { self.cut_off(bin, bytes) }),
            None => self.allocate_otherwise(layout),
        }
    }

    /// A block of `bytes` bytes, whole granules, cut off the first chunk of a bin.
    ///
    /// # Safety
    /// The bin has a chunk, and each of its chunks is large enough.
    #[inline(always)]
    unsafe fn cut_off(&mut self, bin: usize, bytes: usize) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe {
            let chunk = self.bins.pop_chunk(bin);
            if Self::may_be_carved(bytes) && self.quick.serves(bytes) {
                let chunk_bytes = Bins::<Unit<S, M>>::bytes_of(chunk, bin);
                if Self::is_long(chunk_bytes, bytes) {
                    return self.carve(chunk, chunk_bytes, bytes);
                }
            }
            self.mark_used(chunk, bytes);
            self.put_rest(chunk, Bins::<Unit<S, M>>::bytes_of(chunk, bin), bytes);
            chunk
        }
    }

    /// Whether a batch has two blocks of `bytes` bytes at least, and none of them covers a map entry, which would need a note.
    #[inline(always)]
    const fn may_be_carved(bytes: usize) -> bool {
        let half = Self::BATCH.bytes / 2;
        let entry = WORD_GRANULES * Self::GRANULE;
        M::WAITS && bytes <= if half < entry { half } else { entry }
    }

    /// Whether a chunk is so long that blocks of `bytes` bytes are carved off it.
    #[inline(always)]
    const fn is_long(chunk_bytes: usize, bytes: usize) -> bool {
        chunk_bytes >= if Self::BATCH.from > 0 { Self::BATCH.from } else { 2 * bytes }
    }

    /// Hands out the first `bytes` bytes of a free chunk, and lets the next few pieces of as many wait; what is left goes
    /// into a bin. O(1).
    ///
    /// # Safety
    /// The chunk is in no bin and has `chunk_bytes` bytes, twice as many as `bytes` or more, which are half of a batch or
    /// less; both are whole granules. The quick lists serve the size, and have room for a batch.
    #[inline(never)]
    unsafe fn carve(&mut self, chunk: NonNull<u8>, chunk_bytes: usize, bytes: usize) -> NonNull<u8> {
        // SAFETY: the lists serve no size of 0. The chunk lies in a span of ours, and the pieces in the chunk.
        unsafe {
            core::hint::assert_unchecked(bytes != 0);
            let most = Self::BATCH.blocks.min(Self::BATCH.bytes / bytes);
            let count = self.quick.next_batch(bytes, most).min(chunk_bytes / bytes);
            let (size, taken) = (bytes / Self::GRANULE, count * bytes);
            let span = self.span_of_own(chunk);
            let at = span.granule_of(chunk);
            if Self::COUNTS_HELD {
                span.hold();
            }
            span.map().take_many(at, size, count, |word, bits| {
                if !M::REMOTE {
                    span.waiting().flip_many(word, bits);
                }
            });
            self.quick.push_row(after(chunk, bytes), bytes, count - 1);
            self.cover(after(chunk, taken));
            if chunk_bytes > taken {
                self.bins.insert(after(chunk, taken), chunk_bytes - taken);
            }
            self.totals.count_in_many(count, taken);
        }
        chunk
    }

    /// A block at a multiple of more than a granule: cut out of a chunk that has one, whose rest on either side stays
    /// free.
    #[inline(never)]
    fn allocate_aligned(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        match self.bins.first_for(whole::<Unit<S, M>>(layout.size()) + most_skipped::<Unit<S, M>>(layout)) {
            // SAFETY: the bin has a chunk, and each of its chunks has room behind the skipped granules.
            Some(bin) => Some(unsafe { self.cut_out(bin, layout) }),
            None => self.allocate_otherwise(layout),
        }
    }

    /// A block for `layout` cut out of the first chunk of a bin.
    ///
    /// # Safety
    /// The bin has a chunk, and each of its chunks has room behind the skipped granules.
    #[inline(always)]
    unsafe fn cut_out(&mut self, bin: usize, layout: Layout) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe {
            let (chunk, chunk_bytes) = self.bins.pop(bin);
            self.hand_out_aligned(chunk, chunk_bytes, layout)
        }
    }

    /// A block for `layout` of what is free already: nothing is coalesced for it, nor asked of the source.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    pub(crate) fn allocate_free(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let bin =
            self.bins.first_for(whole::<Unit<S, M>>(layout.size()) + most_skipped::<Unit<S, M>>(layout))?;
        // SAFETY: the bin has a chunk, and each of its chunks has room behind the skipped granules, if any are.
        Some(unsafe {
            if layout.align() <= Self::GRANULE {
                self.cut_off(bin, whole::<Unit<S, M>>(layout.size()))
            } else {
                self.cut_out(bin, layout)
            }
        })
    }

    /// Allocation where no bin is sure to have a chunk: from one that happens to fit, from blocks that wait, coalesced, or
    /// from a new span.
    #[cold]
    #[inline(never)]
    fn allocate_otherwise(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let (chunk, chunk_bytes) = match self.take_flushing(layout) {
            Some(taken) => taken,
            None => {
                let chunk = self.grow(needed::<Unit<S, M>>(layout))?;
                // SAFETY: a free chunk starts there, in a bin.
                (chunk, unsafe { self.bins.remove(chunk) })
            }
        };
        // SAFETY: the chunk was just taken out of its bin, and has room behind the skipped granules.
        Some(unsafe { self.hand_out_aligned(chunk, chunk_bytes, layout) })
    }

    /// A chunk with room for `layout`, if need be after blocks that wait are coalesced.
    fn take_flushing(&mut self, layout: Layout) -> Option<(NonNull<u8>, usize)> {
        loop {
            if let Some(taken) = self.take_that_fits(layout) {
                return Some(taken);
            }
            if !self.flush_some() {
                return None;
            }
        }
    }

    /// A chunk with room for `layout`: one that is large enough wherever it lies, or else happens to have it.
    fn take_that_fits(&mut self, layout: Layout) -> Option<(NonNull<u8>, usize)> {
        let bytes = whole::<Unit<S, M>>(layout.size());
        if let Some(bin) = self.bins.first_for(bytes + most_skipped::<Unit<S, M>>(layout)) {
            // SAFETY: the bin has a chunk.
            return Some(unsafe { self.bins.pop(bin) });
        }
        let lies_well = |at, chunk_bytes| {
            to_multiple::<Unit<S, M>>(at, layout.align()).saturating_add(bytes) <= chunk_bytes
        };
        self.bins.take_last_resort(bytes / Self::GRANULE, lies_well)
    }

    /// Marks the first `bytes` bytes of a free chunk as in use.
    ///
    /// # Safety
    /// The chunk is in no bin and has `bytes` bytes or more, whole granules.
    #[inline(always)]
    unsafe fn mark_used(&mut self, chunk: NonNull<u8>, bytes: usize) {
        // SAFETY: the chunk lies in a span of ours.
        unsafe {
            let span = self.span_of_own(chunk);
            let at = span.granule_of(chunk);
            if Self::COUNTS_HELD {
                span.hold();
            }
            span.map().take(at, at + bytes / Self::GRANULE);
            self.cover(after(chunk, bytes));
        }
        self.totals.count_in(bytes);
    }

    /// Puts what a free chunk has above its first `bytes` bytes, if anything, into a bin.
    ///
    /// # Safety
    /// The chunk is in no bin and has `chunk_bytes` bytes, `bytes` or more; both are whole granules.
    #[inline(always)]
    unsafe fn put_rest(&mut self, chunk: NonNull<u8>, chunk_bytes: usize, bytes: usize) {
        if chunk_bytes > bytes {
            // SAFETY: as the caller says.
            unsafe { self.bins.insert(after(chunk, bytes), chunk_bytes - bytes) };
        }
    }

    /// Hands out a block for `layout` of a free chunk; what is left on either side goes into bins.
    ///
    /// # Safety
    /// The chunk is in no bin, has `chunk_bytes` bytes, and room for the layout.
    #[inline(never)]
    unsafe fn hand_out_aligned(
        &mut self,
        chunk: NonNull<u8>,
        chunk_bytes: usize,
        layout: Layout,
    ) -> NonNull<u8> {
        let skip = to_multiple::<Unit<S, M>>(chunk, layout.align());
        // SAFETY: the skipped granules are the chunk's.
        unsafe {
            if skip > 0 {
                self.bins.insert(chunk, skip);
            }
            let (block, bytes) = (after(chunk, skip), whole::<Unit<S, M>>(layout.size()));
            self.mark_used(block, bytes);
            self.put_rest(block, chunk_bytes - skip, bytes);
            block
        }
    }

    /// [`allocate`](Self::allocate), all bytes of `layout` zero. What the source gave as zeros, and no block has covered
    /// yet, is not touched for that. O(1), but for the zeros.
    pub fn allocate_zeroed(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let fresh = self.fresh;
        let block = self.allocate(layout)?;
        // SAFETY: the block was just allocated for the layout, from this heap.
        unsafe { self.clear(fresh, block, layout.size()) };
        Some(block)
    }

    /// What no block has covered yet. O(1).
    #[inline]
    pub const fn fresh(&self) -> Fresh {
        self.fresh
    }

    /// Zeroes the `size` bytes of a block, but for those that are zero since the source gave them; `fresh` is what was
    /// [fresh](Self::fresh) just before the block was allocated.
    ///
    /// # Safety
    /// The block has as many bytes, rounded up to granules, and nobody uses them yet. If it is of this heap, it is the one
    /// that was allocated last.
    pub unsafe fn clear(&self, fresh: Fresh, block: NonNull<u8>, size: usize) {
        // SAFETY: as the caller says.
        unsafe { fresh.clear(self.fresh, block, size) };
    }

    /// A block that ends at `end` was handed out, or made as long.
    #[inline(always)]
    pub(super) fn cover(&mut self, end: NonNull<u8>) {
        if S::ZEROED {
            self.fresh.cover(end);
        }
    }

    /// Asks the source for a span now, if there is no free chunk that holds `layout`, so that a later call for it need
    /// not. Whether there is one now.
    pub fn reserve(&mut self, layout: Layout) -> bool {
        if self.has_room(layout) {
            return true;
        }
        // So much that its bin is sure to serve the request, or as much as there is.
        let sure = class::smallest(class::covering::<Unit<S, M>>(
            whole::<Unit<S, M>>(layout.size()) + most_skipped::<Unit<S, M>>(layout),
        ));
        let Some(grown) = self.grow(sure).or_else(|| self.grow(needed::<Unit<S, M>>(layout))) else {
            return false;
        };
        let has_room = self.has_room(layout);
        if !has_room {
            // SAFETY: the span is ours, just added, and nothing of it was handed out.
            unsafe { self.span_is_free(self.span_of_own(grown)) };
        }
        has_room
    }

    /// Whether an allocation for `layout` finds a free chunk.
    fn has_room(&mut self, layout: Layout) -> bool {
        let Some((chunk, chunk_bytes)) = self.take_flushing(layout) else { return false };
        // SAFETY: the chunk was just taken out of its bin.
        unsafe { self.bins.insert(chunk, chunk_bytes) };
        true
    }
}

/// The bytes of the granules that `size` bytes fill. The size is one that a layout can have.
#[inline(always)]
pub(crate) const fn whole<G: Granule>(size: usize) -> usize {
    granules::<G>(size) * G::BYTES
}

/// The granules that a chunk must have to be sure to hold `layout`.
const fn needed<G: Granule>(layout: Layout) -> usize {
    granules::<G>(layout.size()) + most_skipped::<G>(layout) / G::BYTES
}

/// Bytes between `at`, a granule's start, and the next multiple of `align`.
#[inline(always)]
fn to_multiple<G: Granule>(at: NonNull<u8>, align: usize) -> usize {
    at.addr().get().wrapping_neg() & (align - 1) & !(G::BYTES - 1)
}

/// The most bytes that lie between any granule and the next multiple of the alignment.
#[inline(always)]
const fn most_skipped<G: Granule>(layout: Layout) -> usize {
    layout.align().saturating_sub(G::BYTES)
}
