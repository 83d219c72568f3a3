//! The wilderness: the free chunk that ends in memory which no block has covered yet. It is cut only where no other chunk
//! serves, however much longer that is: so what was touched once is used before more is. (Korn and Vo, "In search of a better
//! malloc", 1985.)
//!
//! It is kept in the last bin, among chunks that may be longer: what comes from there is looked at before it is taken, and
//! where the first does not fit, those behind it are a last resort.

use super::Heap;
use crate::bins::class;
use crate::fresh::Fresh;
use crate::granule::{Position, Unit};
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Puts a free chunk into its bin, as the first there.
    ///
    /// # Safety
    /// It is in none, has `size` granules, one at least, and lies in a span of ours.
    #[inline(always)]
    pub(super) unsafe fn insert(&mut self, chunk: Position<Unit<S, M>>, size: usize) {
        // SAFETY: as the caller says.
        unsafe {
            if !self.keep_apart(chunk, size) {
                self.bins.insert(self.base(), chunk, size);
            }
        }
    }

    /// [`insert`](Self::insert), of what was freed: as [`insert_freed`](crate::bins::Bins::insert_freed) has it.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub(super) unsafe fn insert_freed(&mut self, chunk: Position<Unit<S, M>>, size: usize) {
        // SAFETY: as the caller says.
        unsafe {
            if !self.keep_apart(chunk, size) {
                self.bins.insert_freed(self.base(), chunk, size);
            }
        }
    }

    /// Puts a free chunk into the last bin, if it is the wilderness. Whether it is.
    ///
    /// # Safety
    /// As for [`insert`](Self::insert).
    #[inline(always)]
    unsafe fn keep_apart(&mut self, chunk: Position<Unit<S, M>>, size: usize) -> bool {
        // SAFETY: as the caller says; the wilderness has two granules at least.
        unsafe {
            let is_wilderness = self.is_wilderness(chunk, size);
            if is_wilderness {
                self.bins.insert_last(self.base(), chunk, size);
            }
            is_wilderness
        }
    }

    /// The bin of a free chunk of `size` granules.
    ///
    /// # Safety
    /// It lies in a span of ours.
    pub(crate) unsafe fn bin_of(&self, chunk: Position<Unit<S, M>>, size: usize) -> usize {
        // SAFETY: as the caller says.
        if unsafe { self.is_wilderness(chunk, size) } {
            self.bins.last()
        } else {
            class::holding::<Unit<S, M>>(size)
        }
    }

    /// Whether a free chunk of `size` granules is the wilderness, and kept apart. One of a single granule may have no room for
    /// what others keep.
    ///
    /// # Safety
    /// It lies in a span of ours.
    #[inline(always)]
    unsafe fn is_wilderness(&self, chunk: Position<Unit<S, M>>, size: usize) -> bool {
        // SAFETY: as the caller says.
        let may_be = unsafe { self.may_be_fresh_below(chunk.up(size)) };
        may_be && !self.fresh.is_empty() && size > 1 && self.bins.has_far_last()
    }

    /// Before another span comes: the wilderness, if there is one, is a chunk like any other.
    pub(super) fn end_wilderness(&mut self) {
        if !S::ZEROED {
            return;
        }
        let fresh = core::mem::replace(&mut self.fresh, Fresh::NONE);
        let Some(newest) = self.spans else { return };
        // SAFETY: what no block has covered is free, and so is the chunk that it ends.
        unsafe {
            let (base, end) = (self.base(), newest.position(newest.first() + newest.capacity()));
            if fresh.ends_at(end.address(base)) && !fresh.is_empty() {
                let size = self.bins.remove_below(base, end);
                self.bins.insert(base, end.down(size), size);
            }
        }
    }
}
