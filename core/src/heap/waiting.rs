//! Blocks that wait in quick lists.

use core::ptr::NonNull;

use super::Heap;
use crate::map::Bits;
use crate::span::Span;
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// A block of `bytes` bytes that waited, in use again. O(1).
    #[inline(always)]
    pub(crate) fn take_waiting(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        let (block, span) = self.take_off_list(bytes)?;
        if Self::COUNTS_HELD {
            // SAFETY: the span is one of the heap's.
            unsafe { span.hold() };
        }
        Some(block)
    }

    /// A block of `bytes` bytes that waited, and its span, which does not count it yet.
    #[inline(always)]
    fn take_off_list(&mut self, bytes: usize) -> Option<(NonNull<u8>, Span<M::Granule>)> {
        if !self.quick.serves(bytes) {
            return None;
        }
        // SAFETY: the lists serve the size; a block that waits is the start of a chunk of ours, whose bit is set.
        unsafe {
            let block = self.quick.pop(bytes)?;
            let span = self.span_of_own(block);
            span.waiting(Self::MARKS).flip(span.granule_of(block));
            Some((block, span))
        }
    }

    /// Whether the block at granule `start` of `span` waits.
    ///
    /// # Safety
    /// The span is one of the heap's, and the map has a chunk in use there.
    pub(crate) unsafe fn waits(&self, span: Span<M::Granule>, start: usize) -> bool {
        // SAFETY: where blocks may wait, there are waiting bits.
        self.quick.is_on() && unsafe { span.waiting(Self::MARKS).is_set(start) }
    }

    /// Whether the block at granule `start` of `span` was freed elsewhere and is on its way back.
    ///
    /// # Safety
    /// The span is one of the heap's, and the granule one of it.
    #[inline(always)]
    pub(crate) unsafe fn is_posted(&self, span: Span<M::Granule>, start: usize) -> bool {
        // SAFETY: where blocks may be freed from elsewhere, there are posted bits.
        M::REMOTE && unsafe { span.posted().is_set(start) }
    }

    /// [`is_freed`](Self::is_freed), given the bits of what waits, beside which those of what is on its way stand.
    ///
    /// # Safety
    /// The bits are those of a span of the heap, and the granule one of it.
    #[inline(always)]
    pub(super) unsafe fn is_marked(waiting: Bits, start: usize) -> bool {
        // SAFETY: as the caller says.
        unsafe { if M::REMOTE { waiting.is_set_here_or_beside(start) } else { waiting.is_set(start) } }
    }

    /// Whether the block at granule `start` of `span` was freed, though the map has it in use.
    ///
    /// # Safety
    /// As for [`waits`](Self::waits).
    pub(crate) unsafe fn is_freed(&self, span: Span<M::Granule>, start: usize) -> bool {
        // SAFETY: as the caller says; where blocks may be freed from elsewhere, there are marks for what waits too.
        unsafe {
            if M::REMOTE {
                Self::is_marked(span.waiting(Self::MARKS), start)
            } else {
                self.waits(span, start)
            }
        }
    }

    /// Coalesces every block that waits in a quick list. About as much as freeing each: O(1) where their number is bounded.
    pub fn flush(&mut self) {
        while self.flush_one_list() {}
    }

    /// Coalesces the blocks of the largest size that waits, if any does.
    pub(super) fn flush_one_list(&mut self) -> bool {
        let Some(bytes) = self.quick.sizes().find(|&bytes| self.quick.has_one(bytes)) else { return false };
        while let Some((block, _)) = self.take_off_list(bytes) {
            if let Some(chunk) = self.used_chunk_at(block) {
                // SAFETY: the chunk is in use, for nobody, and its span does not count it.
                unsafe { self.take_back(chunk) };
            }
        }
        true
    }
}
