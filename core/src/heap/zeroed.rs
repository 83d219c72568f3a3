//! Blocks of zeros, and what no block has covered yet.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use crate::fresh::Fresh;
use crate::granule::{Position, Unit};
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// [`allocate`](Self::allocate), all bytes of `layout` zero. What the source gave as zeros, and no block has covered
    /// yet, is not touched for that. O(1), but for the zeros, and in general mode for [what waits](Self::new).
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

    /// Whether there may be something just below `end`, the end of a chunk, that no block has covered. If not, there is nothing in
    /// the chunk.
    ///
    /// # Safety
    /// The chunk lies in a span of ours.
    #[inline(always)]
    pub(super) unsafe fn may_be_fresh_below(&self, end: Position<Unit<S, M>>) -> bool {
        // SAFETY: as the caller says.
        S::ZEROED && unsafe { self.fresh.ends_at(end.address(self.base())) }
    }

    /// A block that ends at `end`, below `rest` granules that are still free, was handed out of a free chunk, or made as long.
    ///
    /// # Safety
    /// The block and what is free above it lie in a span of ours.
    #[inline(always)]
    pub(super) unsafe fn cover(&mut self, end: Position<Unit<S, M>>, rest: usize) {
        // SAFETY: as the caller says.
        unsafe {
            if self.may_be_fresh_below(end.up(rest)) {
                self.fresh.cover(end.address(self.base()));
            }
        }
    }
}
