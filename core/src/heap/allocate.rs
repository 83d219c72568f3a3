//! Allocation.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use crate::bins::{Bins, class};
use crate::granule::{Granule, Position, Unit, granules, rounded};
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// A block of at least `layout.size()` bytes, aligned to `layout.align()` and to a granule; `None` when neither
    /// the spans nor the source have room, and the heap is as it was. A size of 0 gives a block of one granule. O(1), but for
    /// blocks that wait, where they have to be coalesced, or put in order, first.
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

    /// [`allocate`](Self::allocate), where no block of the size waits, or the last is not aligned to it.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    #[inline(always)]
    pub(crate) fn allocate_anew(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() > Self::GRANULE {
            self.take_waiting_among_few(layout).or_else(|| self.allocate_aligned(layout))
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
        let size = granules::<Unit<S, M>>(layout.size());
        let beneath = class::beneath::<Unit<S, M>>(size);
        let is_short = beneath < Bins::<Unit<S, M>>::LONG;
        match if is_short { self.bins.first_near(beneath) } else { None } {
            // SAFETY: the bin has a chunk, and the first is large enough.
            Some(bin) if M::WAITS && !M::BOUNDED => Some(unsafe { self.cut_off(bin, size) }),
            // SAFETY: as above.
            Some(bin) => Some(unsafe { self.cut_off_last(bin, size) }),
            None => self.allocate_fitting(size, beneath),
        }
    }

    /// [`allocate_from_bins`](Self::allocate_from_bins), of `size` granules, which are many, or where no bin near has a chunk.
    #[inline(never)]
    fn allocate_fitting(&mut self, size: usize, beneath: usize) -> Option<NonNull<u8>> {
        match self.fitting_bin_for(size, beneath) {
            // SAFETY: the bin has a chunk, and the first is large enough.
            Some(bin) => Some(unsafe { self.cut_off_last(bin, size) }),
            None => self.allocate_otherwise(Layout::from_size_align(size * Self::GRANULE, 1).ok()?),
        }
    }

    /// A bin whose first chunk has `size` granules or more. O(1).
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub(super) fn bin_for(&self, size: usize) -> Option<usize> {
        let beneath = class::beneath::<Unit<S, M>>(size);
        self.bins.first_near(beneath).or_else(|| self.fitting_bin_for(size, beneath))
    }

    /// [`bin_for`](Self::bin_for), where there is none near. O(1).
    #[inline(always)]
    fn fitting_bin_for(&self, size: usize, beneath: usize) -> Option<usize> {
        // SAFETY: if there are bins, they lie in a span.
        unsafe {
            let bin = self.bins.first_fitting(self.base(), beneath, size)?;
            // The wilderness may be shorter.
            let is_sure =
                !S::ZEROED || bin != self.bins.last() || self.bins.first_has(self.base(), bin, size);
            is_sure.then_some(bin)
        }
    }

    /// [`cut_off`](Self::cut_off), by a call that is the caller's last, so that it need not keep registers for that.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    unsafe fn cut_off_last(&mut self, bin: usize, size: usize) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe { self.cut_off(bin, size) }
    }

    /// A block of `size` granules cut off the first chunk of a bin.
    ///
    /// # Safety
    /// The bin has a chunk, and the first is large enough.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    unsafe fn cut_off(&mut self, bin: usize, size: usize) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe {
            let base = self.base();
            let chunk = self.bins.pop_chunk(base, bin);
            if Self::may_be_carved(size) && self.quick.serves(size * Self::GRANULE) {
                self.quick.note_request(size * Self::GRANULE);
                let chunk_size = Bins::size_of(base, chunk, bin);
                if Self::is_worth_a_batch(chunk_size, size) {
                    return self.carve(chunk.position(), chunk_size, size);
                }
            }
            self.mark_used(chunk.position(), size);
            self.put_rest(chunk.position(), Bins::size_of(base, chunk, bin), size);
            chunk.position().address(base)
        }
    }

    /// A block at a multiple of more than a granule: cut out of a chunk that has one, whose rest on either side stays
    /// free.
    #[inline(never)]
    fn allocate_aligned(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        match self.bin_for(needed::<Unit<S, M>>(layout)) {
            // SAFETY: the bin has a chunk, and the first has room behind the skipped granules.
            Some(bin) => Some(unsafe { self.cut_out(bin, layout) }),
            None => self.allocate_otherwise(layout),
        }
    }

    /// A block for `layout` cut out of the first chunk of a bin.
    ///
    /// # Safety
    /// The bin has a chunk, and the first has room behind the skipped granules.
    #[inline(always)]
    unsafe fn cut_out(&mut self, bin: usize, layout: Layout) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe {
            let (chunk, chunk_size) = self.bins.pop(self.base(), bin);
            self.hand_out_aligned(chunk, chunk_size, layout)
        }
    }

    /// A block for `layout` of what is free already: nothing is coalesced for it, nor asked of the source.
    pub(crate) fn allocate_free(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let bin = self.bin_for(needed::<Unit<S, M>>(layout))?;
        // SAFETY: the bin has a chunk, and the first has room behind the skipped granules, if any are.
        Some(unsafe {
            if layout.align() <= Self::GRANULE {
                self.cut_off(bin, granules::<Unit<S, M>>(layout.size()))
            } else {
                self.cut_out(bin, layout)
            }
        })
    }

    /// Allocation where no bin is sure to have a chunk: from one that happens to fit, from blocks that wait, coalesced, or
    /// from a new span.
    #[cold]
    #[inline(never)]
    pub(super) fn allocate_otherwise(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let (chunk, chunk_size) = match self.take_flushing(layout) {
            Some(taken) => taken,
            None => {
                if Self::HEALS {
                    self.close_if_in_pieces(needed::<Unit<S, M>>(layout));
                }
                let chunk = self.grow(needed::<Unit<S, M>>(layout))?;
                // SAFETY: a free chunk starts there, in a bin.
                unsafe {
                    let position = Position::new(self.base(), chunk);
                    (position, self.bins.remove(self.base(), position))
                }
            }
        };
        // SAFETY: the chunk was just taken out of its bin, and has room behind the skipped granules.
        Some(unsafe { self.hand_out_aligned(chunk, chunk_size, layout) })
    }

    /// A chunk with room for `layout`, where no bin is sure to have one: if need be after blocks that wait are coalesced, and
    /// lists given up.
    fn take_flushing(&mut self, layout: Layout) -> Option<(Position<Unit<S, M>>, usize)> {
        loop {
            if let Some(taken) = self.take_that_happens_to_fit(layout) {
                return Some(taken);
            }
            let needed = needed::<Unit<S, M>>(layout);
            // SAFETY: if there was nothing to coalesce, nothing waits.
            if !self.flush_some() && !unsafe { self.give_lists_up(needed) } {
                return None;
            }
            if let Some(bin) = self.bin_for(needed) {
                // SAFETY: the bin has a chunk, in a span.
                return Some(unsafe { self.bins.pop(self.base(), bin) });
            }
        }
    }

    /// A chunk that has room for `layout`, of those that may or may not.
    fn take_that_happens_to_fit(&mut self, layout: Layout) -> Option<(Position<Unit<S, M>>, usize)> {
        if !self.bins.are_there() {
            return None;
        }
        let size = granules::<Unit<S, M>>(layout.size());
        // SAFETY: the bins lie in a span, and so do their chunks.
        unsafe {
            let base = self.base();
            let lies_well = |at: Position<_>, chunk_size| {
                let skip = to_multiple::<Unit<S, M>>(at.address(base), layout.align());
                skip.saturating_add(size) <= chunk_size
            };
            let taken = self.bins.take_last_resort(base, size, lies_well);
            if S::ZEROED && taken.is_none() {
                // What is in the last bin may be longer than the wilderness.
                return self.bins.take_last_resort(base, self.bins.largest(), lies_well);
            }
            taken
        }
    }

    /// Marks the first `size` granules of a free chunk as in use.
    ///
    /// # Safety
    /// The chunk is in no bin and has `size` granules or more.
    #[inline(always)]
    pub(super) unsafe fn mark_used(&mut self, chunk: Position<Unit<S, M>>, size: usize) {
        // SAFETY: the chunk lies in a span of ours.
        unsafe {
            let span = self.span_of(chunk);
            let at = chunk.granule(span.start());
            if Self::COUNTS_HELD {
                span.hold();
            }
            span.map().take(at, at + size);
        }
        self.counts.count_in(1, size);
    }

    /// Puts what a free chunk has above its first `size` granules, which were handed out, into a bin, if there is anything.
    ///
    /// # Safety
    /// The chunk is in no bin and has `chunk_size` granules, `size` or more.
    #[inline(always)]
    pub(super) unsafe fn put_rest(&mut self, chunk: Position<Unit<S, M>>, chunk_size: usize, size: usize) {
        let rest = chunk_size - size;
        // SAFETY: as the caller says.
        unsafe {
            if self.may_be_fresh_below(chunk.up(chunk_size)) {
                self.put_rest_that_may_be_fresh(chunk.up(size), rest);
            } else if rest > 0 {
                self.bins.insert(self.base(), chunk.up(size), rest);
            }
        }
        self.close_if_shorter(chunk_size, rest);
    }

    /// [`put_rest`](Self::put_rest), of `rest` granules from `at` on, some of which no block may have covered.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    unsafe fn put_rest_that_may_be_fresh(&mut self, at: Position<Unit<S, M>>, rest: usize) {
        // SAFETY: as the caller says.
        unsafe {
            self.cover(at, rest);
            if rest > 0 {
                self.insert(at, rest);
            }
        }
    }

    /// Hands out a block for `layout` of a free chunk; what is left on either side goes into bins.
    ///
    /// # Safety
    /// The chunk is in no bin, has `chunk_size` granules, and room for the layout.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    unsafe fn hand_out_aligned(
        &mut self,
        chunk: Position<Unit<S, M>>,
        chunk_size: usize,
        layout: Layout,
    ) -> NonNull<u8> {
        // SAFETY: the skipped granules are the chunk's.
        unsafe {
            let base = self.base();
            let skip = to_multiple::<Unit<S, M>>(chunk.address(base), layout.align());
            if skip > 0 {
                self.bins.insert(base, chunk, skip);
            }
            let (block, size) = (chunk.up(skip), granules::<Unit<S, M>>(layout.size()));
            self.quick.note_request(size * Self::GRANULE);
            self.mark_used(block, size);
            self.put_rest(block, chunk_size - skip, size);
            block.address(base)
        }
    }

    /// Asks the source for a span now, if there is no free chunk that holds `layout`, so that a later call for it need
    /// not. Whether there is one now.
    pub fn reserve(&mut self, layout: Layout) -> bool {
        if self.has_room(layout) {
            return true;
        }
        // So much that its bin is sure to serve the request, or as much as there is.
        let sure = class::smallest::<Unit<S, M>>(class::covering::<Unit<S, M>>(needed::<Unit<S, M>>(layout)));
        // Even the least that will do is found: nothing waits any more that could be put before it in its bin.
        self.grow(sure).or_else(|| self.grow(needed::<Unit<S, M>>(layout))).is_some()
    }

    /// Whether an allocation for `layout` finds a free chunk.
    fn has_room(&mut self, layout: Layout) -> bool {
        if self.bin_for(needed::<Unit<S, M>>(layout)).is_some() {
            return true;
        }
        let Some((chunk, chunk_size)) = self.take_flushing(layout) else { return false };
        // SAFETY: the chunk was just taken out of its bin.
        unsafe { self.insert(chunk, chunk_size) };
        true
    }
}

/// The bytes of the granules that `size` bytes fill; 0, which no block has, for so many that no address space has them.
#[inline(always)]
pub(crate) const fn whole<G: Granule>(size: usize) -> usize {
    granules::<G>(size).wrapping_mul(G::BYTES)
}

/// The granules that a chunk must have to be sure to hold `layout`.
#[inline(always)]
const fn needed<G: Granule>(layout: Layout) -> usize {
    granules::<G>(layout.size()) + layout.align().saturating_sub(G::BYTES) / G::BYTES
}

/// Granules between `at`, one's start, and the next multiple of `align`.
#[inline(always)]
pub(super) fn to_multiple<G: Granule>(at: NonNull<u8>, align: usize) -> usize {
    (at.addr().get().wrapping_neg() & (align - 1)) / G::BYTES
}
