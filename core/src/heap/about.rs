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
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Whether a block for `layout` may be [about](Self::allocate_about) as long, if nobody says its size later: no list is of its
    /// size, it need not be cut out of a chunk, and the heap is large. In a small one, all of which is in a cache, cutting a chunk takes
    /// less than not to foresee whether one is cut.
    #[inline(always)]
    pub(crate) fn may_be_about(&self, layout: Layout) -> bool {
        M::LEAVES_ROOM
            && self.counts.is_large()
            && !self.quick.has_list(layout.size())
            && layout.align() <= Self::GRANULE
    }

    /// [`allocate`](Self::allocate), of a block whose size is said later, or not: then it may be about as long.
    #[inline(always)]
    pub(super) fn allocate_said(&mut self, layout: Layout, is_said: bool) -> Option<NonNull<u8>> {
        if !is_said && self.may_be_about(layout) {
            self.allocate_about(layout)
        } else {
            self.allocate(layout)
        }
    }

    /// A block for `layout`, for which one [may be](Self::may_be_about) about as long: [`allocate`](Self::allocate), but all of the
    /// chunk that serves it, if that is [about](Length::is_about) as long. O(1), as there.
    #[inline(never)]
    pub(crate) fn allocate_about(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let size = granules::<Unit<S, M>>(layout.size());
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

#[cfg(test)]
mod tests {
    use super::super::counts::CACHED;
    use super::*;
    use crate::{ArenaSource, GRANULE, General, RealTime};

    #[test]
    fn blocks_are_just_as_long_in_modes_that_leave_no_room() {
        just_as_long::<General>();
        just_as_long::<RealTime>();
    }

    fn just_as_long<M: Mode>() {
        let arena = std::vec![core::mem::MaybeUninit::uninit(); CACHED + (1 << 20)].leak();
        let mut heap = Heap::<_, M>::with_mode(ArenaSource::new(arena));
        let mut block = |size| heap.allocate(Layout::from_size_align(size * GRANULE, 8).unwrap()).unwrap();
        let [grows, _, chunk, _] = [200, 201, 320, 202].map(&mut block);
        // SAFETY: the blocks are not used any more, or not where they were.
        let moved = unsafe {
            heap.deallocate(chunk).unwrap();
            heap.resize(grows, 300 * GRANULE).unwrap().unwrap()
        };
        assert_eq!((moved, heap.usable_size(moved)), (chunk, Ok(300 * GRANULE)));
    }
}
