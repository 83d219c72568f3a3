//! What a thread may do with a block of another's heap.

use core::ptr::NonNull;

use crate::granule::GRANULE;
use crate::map::Field;
use crate::span::Span;
use crate::{FreeError, Local, Mode};

/// A span of a heap that is another's. Its owner goes on meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct RemoteSpan(Span<<Local as Mode>::Granule>);

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

    /// Marks the block in use that starts at `ptr` as posted: the caller's alone from now on, to be sent to its heap's
    /// inbox. Whether it is short: a kibibyte or less (on 64 bits). O(1).
    ///
    /// # Errors
    /// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a block in use.
    #[inline]
    pub fn mark(self, ptr: NonNull<u8>) -> Result<bool, FreeError> {
        let g = self.granule_of(ptr)?;
        // SAFETY: the granule is the span's, which has posted bits.
        unsafe {
            let view = self.0.map().view(g);
            if !view.is_used() || self.0.waiting().is_set(g) || !self.0.posted().set(g) {
                return Err(self.why_not(g));
            }
            // Its heap may just have taken it in from another who freed it.
            if self.is_waiting_now(g) || !self.0.map().view(g).is_used() {
                self.0.posted().clear(g);
                return Err(self.why_not(g));
            }
            Ok(view.has_end())
        }
    }

    /// The bytes of the block in use that starts at `ptr`. O(1).
    ///
    /// # Errors
    /// As for [`mark`](Self::mark).
    pub fn usable_size(self, ptr: NonNull<u8>) -> Result<usize, FreeError> {
        let g = self.granule_of(ptr)?;
        let mut last = self.end_of(g)?;
        // The chunk above may be changing hands, so that its start is not seen for a moment.
        loop {
            let end = self.end_of(g)?;
            if end == last {
                return Ok((end - g) * GRANULE);
            }
            last = end;
        }
    }

    /// The end of the block in use at granule `g`, as it seems.
    fn end_of(self, g: usize) -> Result<usize, FreeError> {
        // SAFETY: the granule is the span's, which has posted bits.
        unsafe {
            if self.0.posted().is_set_now(g) || self.is_waiting_now(g) {
                return Err(FreeError::AlreadyFree);
            }
            self.0.map().in_use(g).map(|used| used.end).ok_or_else(|| self.why_not(g))
        }
    }

    /// Whether the block at granule `g` waits, to be asked after whether it is posted, and before whether the map has it in
    /// use: its heap sets and clears the three in that order's reverse, so that no freed block ever seems to be in use.
    #[inline(always)]
    fn is_waiting_now(self, g: usize) -> bool {
        // SAFETY: the granule is the span's, which has waiting bits.
        unsafe { self.0.waiting().is_set_now(g) }
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
        // SAFETY: the granule is the span's, which has posted bits.
        unsafe {
            if self.0.posted().is_set_now(g) || self.is_waiting_now(g) {
                return FreeError::AlreadyFree;
            }
            match self.0.map().start_of(g, self.0.first()) {
                Some((_, Field::Free)) => FreeError::AlreadyFree,
                Some((start, Field::Used { .. }))
                    if self.0.waiting().is_set(start) || self.0.posted().is_set(start) =>
                {
                    FreeError::AlreadyFree
                }
                _ => FreeError::NotAStart,
            }
        }
    }
}
