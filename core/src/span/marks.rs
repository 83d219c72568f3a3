//! What stands above the last chunk of a span, and where that ends.

use core::ptr::NonNull;

use super::{CAPACITY, END, Overhead, Span};
use crate::granule::Granule;
use crate::map::{Bits, Entry};
use crate::raw::after;

/// # Safety of its methods
/// As for [`Span`].
impl<G: Granule> Span<G> {
    /// The granule that the last chunk ends before.
    ///
    /// # Safety
    /// As for the type.
    #[inline]
    pub unsafe fn end(self) -> usize {
        // SAFETY: the span has a header.
        unsafe { if G::Entry::LIVE { self.granules() } else { self.granule_of(self.get(END)) } }
    }

    /// Makes `end` the granule that the last chunk ends before. If that is above the one before, what lies between them joins the
    /// free chunk that ends there, or is one; otherwise, it is cut off the free chunk that ends the span. O(1).
    ///
    /// # Safety
    /// As for the type, with a map that knows of no live blocks. What lies between the two is unused, or of one free chunk.
    pub(crate) unsafe fn move_boundary(self, end: usize) {
        // SAFETY: the span has a header, and the map the granules.
        unsafe {
            let (old, first) = (self.end(), self.first());
            self.map().move_boundary(old, end);
            self.set(END, self.address(end));
            self.set(CAPACITY, end - first);
        }
    }

    /// The bits that say which blocks wait.
    ///
    /// # Safety
    /// As for the type; there are some, above the last chunk.
    #[inline(always)]
    pub unsafe fn marks(self) -> Bits {
        // SAFETY: the span has a header.
        Bits::at(unsafe { self.get(END) }, 1)
    }

    /// Has no block wait, as far as marks tell.
    ///
    /// # Safety
    /// As for the type; there is room for the marks above the last chunk.
    pub(crate) unsafe fn clear_marks(self) {
        // SAFETY: the span has a header, and the caller gives room.
        unsafe { self.get::<NonNull<u8>>(END).write_bytes(0, Overhead::marks_bytes(self.granules())) };
    }

    /// Where lists are laid in it, if they are: behind the marks.
    ///
    /// # Safety
    /// As for the type; there are marks.
    pub(crate) unsafe fn lists_memory(self) -> NonNull<u8> {
        // SAFETY: the span has a header, and the caller gives marks.
        unsafe { after(self.get(END), Overhead::marks_bytes(self.granules())) }
    }
}
