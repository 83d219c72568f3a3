//! Blocks that wait in quick lists.

use core::ptr::NonNull;

use super::Heap;
use crate::granule::GRANULE;
use crate::span::Span;
use crate::{FreeError, PageSource};

impl<S: PageSource> Heap<S> {
    /// A block of `bytes` bytes that waited, in use again. O(1).
    #[inline(always)]
    pub(super) fn take_waiting(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        if !self.quick.serves(bytes) {
            return None;
        }
        // SAFETY: the lists serve the size; a block that waits is the start of a chunk of ours, whose bit is set.
        unsafe {
            let block = self.quick.pop(bytes)?;
            let span = self.span_of_own(block);
            span.waiting().flip(span.granule_of(block));
            Some(block)
        }
    }

    /// Lets a block wait, if it may: whether it does.
    ///
    /// # Errors
    /// [`FreeError::AlreadyFree`] if it waits already.
    ///
    /// # Safety
    /// The map has a chunk in use of `bytes` bytes at granule `start` of the span, which is at `block`. If it does not
    /// wait, nobody uses it any more.
    #[inline(always)]
    pub(super) unsafe fn let_wait(
        &mut self,
        span: Span,
        start: usize,
        block: NonNull<u8>,
        bytes: usize,
    ) -> Result<bool, FreeError> {
        if !self.quick.serves(bytes) {
            return Ok(false);
        }
        // SAFETY: lists serve the size, so there are waiting bits.
        unsafe {
            if span.waiting().is_set(start) {
                return Err(FreeError::AlreadyFree);
            }
            let waits = self.quick.push(block, bytes);
            if waits {
                span.waiting().flip(start);
            }
            Ok(waits)
        }
    }

    /// Whether the block at granule `start` of `span` waits.
    ///
    /// # Safety
    /// The span is one of the heap's, and the map has a chunk in use there.
    pub(crate) unsafe fn waits(&self, span: Span, start: usize) -> bool {
        // SAFETY: in general mode, there are waiting bits.
        self.general && unsafe { span.waiting().is_set(start) }
    }

    /// Coalesces every block that waits in a quick list. O(1), about as much as freeing each.
    pub fn flush(&mut self) {
        while self.flush_one_list() {}
    }

    /// Coalesces the blocks of the largest size that waits, if any does.
    pub(super) fn flush_one_list(&mut self) -> bool {
        let Some(bytes) = self.quick.sizes().find(|&bytes| self.quick.count(bytes) > 0) else { return false };
        while let Some(block) = self.take_waiting(bytes) {
            // SAFETY: the block is in use, for nobody.
            unsafe {
                let span = self.span_of_own(block);
                let start = span.granule_of(block);
                if let Some(map) = span.map().in_use(start) {
                    span.map().give(start, start + bytes / GRANULE);
                    // That a span became free is no error.
                    let _ = self.coalesce(span, block, bytes, map.neighbours);
                }
            }
        }
        true
    }
}
