//! What a thread may do with a block of another's heap.

use core::ptr::NonNull;

use super::Inbox;
use crate::granule::GRANULE;
use crate::map::WORD_GRANULES;
use crate::span::Span;
use crate::{FreeError, Local, Mode};

/// A span of a heap that is another's. Its owner goes on meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct RemoteSpan(pub(super) Span<<Local as Mode>::Granule>);

impl RemoteSpan {
    /// The span in the block of a source that starts at `block`.
    ///
    /// # Safety
    /// A [`LocalHeap`](crate::LocalHeap) has a span there, and keeps it for as long as this is used: as it does while a
    /// block of it is in use.
    #[inline(always)]
    pub unsafe fn at(block: NonNull<u8>) -> Self {
        // SAFETY: as the caller says.
        Self(unsafe { Span::at(block) })
    }

    /// Frees the block in use that starts at `ptr`, of `bytes` bytes, whole granules, unless they are 0. It goes back to its
    /// heap by `inbox`. O(1).
    ///
    /// # Errors
    /// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a block in use, or of one of another
    /// size. Of two frees at the very same time the second may be told to the heap instead (see
    /// [`OnBadFree`](crate::OnBadFree)).
    ///
    /// # Safety
    /// The source's block that the span is in holds `ptr`. If a block in use starts there, nobody uses it any more. The inbox is
    /// that of the span's heap, and of no other.
    #[inline]
    pub unsafe fn free(self, ptr: NonNull<u8>, bytes: usize, inbox: &Inbox) -> Result<(), FreeError> {
        let g = self.granule_of(ptr)?;
        // SAFETY: as the caller says.
        if bytes > 0 && unsafe { self.usable_size(ptr) }? != bytes {
            return Err(FreeError::WrongSize);
        }
        // SAFETY: the granule is the span's, which has posted bits.
        unsafe {
            if !self.0.live().is_set(g) {
                return Err(self.why_not(g));
            }
            // What is written into the block, by its users too, comes before what the owner does with it.
            let before = self.0.posted().set(g);
            if before >> (g % WORD_GRANULES) & 1 != 0 {
                return Err(FreeError::AlreadyFree);
            }
            // Otherwise who set the first bit here sees to the rest, and the span may be gone by now.
            if before == 0 {
                self.note(g / WORD_GRANULES, inbox);
            }
        }
        Ok(())
    }

    /// Lets the heap know of an entry with posted blocks.
    ///
    /// # Safety
    /// The caller has set the first posted bit in the entry.
    #[inline(never)]
    pub(super) unsafe fn note(self, entry: usize, inbox: &Inbox) {
        // SAFETY: the span stays as long as the block is not taken in, which waits for this.
        unsafe {
            let section = self.0.section_of(entry).as_ref();
            if section.note(entry) {
                inbox.push(section);
            }
        }
    }

    /// The bytes of the block in use that starts at `ptr`. O(1).
    ///
    /// # Errors
    /// A [`FreeError`] for a pointer that is not the start of a block in use.
    ///
    /// # Safety
    /// The source's block that the span is in holds `ptr`.
    pub unsafe fn usable_size(self, ptr: NonNull<u8>) -> Result<usize, FreeError> {
        let g = self.granule_of(ptr)?;
        // SAFETY: the granule is the span's, whose map tells what is in use.
        unsafe {
            if self.is_freed(g) {
                Err(self.why_not(g))
            } else {
                Ok(self.0.map().end_seen(g).wrapping_sub(g).wrapping_mul(GRANULE))
            }
        }
    }

    /// Whether no block in use starts at granule `g`, or one that was freed. What was posted is not live any more once its heap
    /// takes back that it was: so no freed block ever seems to be in use.
    fn is_freed(self, g: usize) -> bool {
        // SAFETY: the granule is the span's, whose map tells what is in use.
        unsafe { self.0.posted().is_set_now(g) || !self.0.live().is_set_now(g) }
    }

    #[inline(always)]
    fn granule_of(self, ptr: NonNull<u8>) -> Result<usize, FreeError> {
        if ptr.addr().get().is_multiple_of(GRANULE) {
            Ok(self.0.granule_of(ptr))
        } else {
            Err(FreeError::NotAStart)
        }
    }

    /// Why no block in use starts at granule `g`.
    #[cold]
    #[inline(never)]
    fn why_not(self, g: usize) -> FreeError {
        // SAFETY: the granule is the span's.
        let start = unsafe { self.0.map().start_of(g, self.0.first()) };
        if start.is_some_and(|start| self.is_freed(start)) {
            FreeError::AlreadyFree
        } else {
            FreeError::NotAStart
        }
    }
}
