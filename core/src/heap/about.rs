//! Long blocks whose size nobody says later: of about as many bytes as were asked for.
//!
//! A block that leaves little of a chunk takes all of it. What would be left is short, and cut and coalesced again and again, each
//! time in lines of memory that are in no cache; taken along, it is had for nothing, and the next block that is about as long
//! finds the chunk as it was.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use super::length::Length;
use crate::granule::{Unit, granules};
use crate::{Local, PageSource};

/// Memory that caches hold, about. Where it is all, cutting a chunk takes less than not to foresee whether one is cut.
const CACHED: usize = 8 << 20;

impl<S: PageSource> Heap<S, Local> {
    /// Whether a block for `layout` may be [about](Self::allocate_about) as long, if nobody says its size later: no list is of its
    /// size, it need not be cut out of a chunk, and the heap is larger than caches are.
    #[inline(always)]
    pub(crate) fn may_be_about(&self, layout: Layout) -> bool {
        self.counts.source > CACHED && !self.quick.has_list(layout.size()) && layout.align() <= Self::GRANULE
    }

    /// A block for `layout`, for which one [may be](Self::may_be_about) about as long: [`allocate`](Self::allocate), but all of the
    /// chunk that serves it, if that is [about](Length::is_about) as long. O(1), as there.
    #[inline(never)]
    pub(crate) fn allocate_about(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let size = granules::<Unit<S, Local>>(layout.size());
        match self.bin_for(size) {
            // SAFETY: the bin has a chunk, and the first is large enough.
            Some(bin) => Some(unsafe { self.cut_off_about(bin, size) }),
            None => self.allocate_otherwise(layout),
        }
    }

    /// A block of `size` granules cut off the first chunk of a bin, or that chunk, if it is about as long.
    ///
    /// # Safety
    /// The bin has a chunk, and the first is large enough.
    #[inline(always)]
    unsafe fn cut_off_about(&mut self, bin: usize, size: usize) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe {
            let (chunk, chunk_size) = self.bins.pop(self.base(), bin);
            let taken = if Length::is_about(size, chunk_size) { chunk_size } else { size };
            self.mark_used(chunk, taken);
            self.put_rest(chunk, chunk_size, taken);
            chunk.address(self.base())
        }
    }
}
