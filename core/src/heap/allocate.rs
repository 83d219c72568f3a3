//! Allocation.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use crate::PageSource;
use crate::granule::{GRANULE, granules};
use crate::raw::{after, distance};

impl<S: PageSource> Heap<S> {
    /// A block of at least `layout.size()` bytes, aligned to `layout.align()` and to [`GRANULE`]; `None` when neither
    /// the spans nor the source have room, and the heap is as it was. A size of 0 gives a block of one granule. O(1).
    #[inline]
    pub fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() > GRANULE {
            return self.allocate_aligned(layout);
        }
        let size = granules(layout.size());
        if let Some(block) = self.take_waiting(size * GRANULE) {
            return Some(block);
        }
        match self.bins.first_for(size) {
            // SAFETY: the bin has a chunk, and each of its chunks is large enough.
            Some(bin) => unsafe {
                let (chunk, chunk_size) = self.bins.pop(bin);
                Some(self.hand_out(chunk, chunk_size, size))
            },
            None => self.allocate_otherwise(layout),
        }
    }

    /// A block at a multiple of more than a granule: cut out of a chunk that has one, whose rest on either side stays
    /// free.
    #[inline(never)]
    fn allocate_aligned(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let size = granules(layout.size());
        match self.bins.first_for(size + most_skipped(layout)) {
            // SAFETY: the bin has a chunk, and each of its chunks has room behind the skipped granules.
            Some(bin) => unsafe {
                let (chunk, chunk_size) = self.bins.pop(bin);
                Some(self.hand_out_at(chunk, chunk_size, to_multiple(chunk, layout.align()), size))
            },
            None => self.allocate_otherwise(layout),
        }
    }

    /// Allocation where no bin is sure to have a chunk: from one that happens to fit, from blocks that wait, coalesced, or
    /// from a new span.
    #[cold]
    #[inline(never)]
    fn allocate_otherwise(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let (chunk, chunk_size) = match self.take_flushing(layout) {
            Some(taken) => taken,
            None => {
                self.grow(granules(layout.size()) + most_skipped(layout))?;
                self.take_that_fits(layout)?
            }
        };
        let skip = to_multiple(chunk, layout.align());
        // SAFETY: the chunk was just taken out of its bin, and has room behind the skipped granules.
        Some(unsafe { self.hand_out_at(chunk, chunk_size, skip, granules(layout.size())) })
    }

    /// A chunk with room for `layout`, if need be after blocks that wait are coalesced.
    fn take_flushing(&mut self, layout: Layout) -> Option<(NonNull<u8>, usize)> {
        loop {
            if let Some(taken) = self.take_that_fits(layout) {
                return Some(taken);
            }
            if !self.flush_one_list() {
                return None;
            }
        }
    }

    /// A chunk with room for `layout`: one that is large enough wherever it lies, or else happens to have it.
    fn take_that_fits(&mut self, layout: Layout) -> Option<(NonNull<u8>, usize)> {
        let size = granules(layout.size());
        if let Some(bin) = self.bins.first_for(size + most_skipped(layout)) {
            // SAFETY: the bin has a chunk.
            return Some(unsafe { self.bins.pop(bin) });
        }
        let lies_well = |at, chunk_size| to_multiple(at, layout.align()).saturating_add(size) <= chunk_size;
        self.bins.take_last_resort(size, lies_well)
    }

    /// Hands out the first `size` granules of a free chunk; what is left goes into a bin.
    ///
    /// # Safety
    /// The chunk is in no bin and has `chunk_size` granules, `size` or more.
    #[inline(always)]
    unsafe fn hand_out(&mut self, chunk: NonNull<u8>, chunk_size: usize, size: usize) -> NonNull<u8> {
        // SAFETY: the chunk lies in a span of ours, and the pieces in the chunk.
        unsafe {
            let span = self.span_of_own(chunk);
            let at = span.granule_of(chunk);
            span.map().take(at, at + size);
            if chunk_size > size {
                self.bins.insert(after(chunk, size * GRANULE), (chunk_size - size) * GRANULE);
            }
        }
        self.totals.count_in(size * GRANULE);
        chunk
    }

    /// Hands out `size` granules of a free chunk, `skip` granules in; what is left on either side goes into bins.
    ///
    /// # Safety
    /// The chunk is in no bin and has `chunk_size` granules, `skip + size` or more.
    #[inline(always)]
    unsafe fn hand_out_at(
        &mut self,
        chunk: NonNull<u8>,
        chunk_size: usize,
        skip: usize,
        size: usize,
    ) -> NonNull<u8> {
        // SAFETY: the skipped granules are the chunk's.
        unsafe {
            if skip > 0 {
                self.bins.insert(chunk, skip * GRANULE);
            }
            self.hand_out(after(chunk, skip * GRANULE), chunk_size - skip, size)
        }
    }

    /// Asks the source for a span now, if there is no free chunk that holds `layout`, so that a later call for it need
    /// not. Whether there is one now.
    pub fn reserve(&mut self, layout: Layout) -> bool {
        match self.take_flushing(layout) {
            Some((chunk, chunk_size)) => {
                // SAFETY: the chunk was just taken out of its bin.
                unsafe { self.bins.insert(chunk, chunk_size * GRANULE) };
                true
            }
            None => self.grow(granules(layout.size()) + most_skipped(layout)).is_some(),
        }
    }
}

/// Granules between `at`, a granule's start, and the next multiple of `align`.
#[inline(always)]
fn to_multiple(at: NonNull<u8>, align: usize) -> usize {
    (at.addr().get().wrapping_neg() & (align - 1)) / GRANULE
}

/// The most granules that lie between any granule and the next multiple of the alignment.
#[inline(always)]
const fn most_skipped(layout: Layout) -> usize {
    if layout.align() > GRANULE { layout.align() / GRANULE - 1 } else { 0 }
}

/// The granule that an address of a block lies in, counted from the block's start, if it is the granule's first byte.
#[inline(always)]
pub(super) fn granule_at(block: NonNull<u8>, ptr: NonNull<u8>) -> Option<usize> {
    let offset = distance(block, ptr);
    offset.is_multiple_of(GRANULE).then_some(offset / GRANULE)
}
