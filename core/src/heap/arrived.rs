//! Blocks that were freed from elsewhere and have come back.
//!
//! Such a block is marked as posted until it waits or is free in the map, and only then unmarked: who would free it once
//! more, at whatever moment, finds one or the other.

use core::ptr::NonNull;

use super::Heap;
use super::lookup::UsedChunk;
use crate::span::Span;
use crate::{FreeError, Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Frees the block at `ptr`, of `bytes` bytes unless they are 0, which was freed from elsewhere and has come back. O(1).
    ///
    /// # Errors
    /// As for [`deallocate_sized`](Self::deallocate_sized); whatever it is, it is not on its way back any more.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, nobody uses it any more.
    pub(crate) unsafe fn free_arrived(&mut self, ptr: NonNull<u8>, bytes: usize) -> Result<(), FreeError> {
        let Some((span, start)) = self.place_of(ptr) else { return Err(FreeError::NotOurs) };
        // SAFETY: the granule is the span's, which has posted bits; the caller gives up the block, if there is one.
        unsafe {
            let is_right = |chunk: &UsedChunk<_>| bytes == 0 || bytes == chunk.size() * Self::GRANULE;
            match self.posted_chunk(span, start).filter(is_right) {
                Some(chunk) => self.free_posted(chunk, ptr),
                None => {
                    span.posted().clear(start);
                    return self.refuse(ptr);
                }
            }
        }
        Ok(())
    }

    /// The chunk in use that starts at granule `start` of `span`, posted or not, if one does.
    ///
    /// # Safety
    /// The span is one of ours, and the granule one of it.
    #[inline(always)]
    unsafe fn posted_chunk(&self, span: Span<M::Granule>, start: usize) -> Option<UsedChunk<M::Granule>> {
        // SAFETY: as the caller says.
        unsafe {
            let map = span.map().in_use(start)?;
            (!span.waiting().is_set(start)).then_some(UsedChunk { span, start, map })
        }
    }

    /// Lets a chunk that has come back wait, if it may; otherwise makes it free.
    ///
    /// # Safety
    /// The chunk is in use, starts at `ptr`, does not wait, is marked as posted, and nobody uses it any more.
    #[inline(always)]
    unsafe fn free_posted(&mut self, chunk: UsedChunk<M::Granule>, ptr: NonNull<u8>) {
        let bytes = chunk.size() * Self::GRANULE;
        // SAFETY: as the caller says.
        unsafe {
            let posted = chunk.span.posted();
            if self.quick.serves(bytes) && self.quick.has_room(bytes) {
                self.quick.push(ptr, bytes);
                chunk.span.waiting().flip(chunk.start);
                posted.clear(chunk.start);
            } else {
                self.take_back_unmarked(chunk, || posted.clear(chunk.start));
            }
        }
    }
}
