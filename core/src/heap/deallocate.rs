//! Deallocation, and what a pointer is.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use super::allocate::granule_at;
use crate::granule::{GRANULE, granules};
use crate::map::{Field, InUse};
use crate::raw::{after, before, distance};
use crate::span::Span;
use crate::{FreeError, PageSource};

/// A chunk in use: where it lies. The map alone tells of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsedChunk {
    pub(super) span: Span,
    pub(super) start: usize,
    pub(super) map: InUse,
}

impl UsedChunk {
    /// Its size in granules.
    #[inline(always)]
    pub(super) const fn size(self) -> usize {
        self.map.end - self.start
    }
}

impl<S: PageSource> Heap<S> {
    /// Frees the block at `ptr`. O(1).
    ///
    /// # Errors
    /// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a block in use of this heap.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, nobody uses it any more. No other pointer does harm.
    #[inline]
    pub unsafe fn deallocate(&mut self, ptr: NonNull<u8>) -> Result<(), FreeError> {
        let chunk = self.used_chunk(ptr)?;
        // SAFETY: the chunk is in use, and the caller gives it up.
        unsafe { self.take_back(chunk) }
    }

    /// Frees the block at `ptr`, which was allocated for `layout`. O(1).
    ///
    /// # Errors
    /// As [`deallocate`](Self::deallocate), and [`FreeError::WrongSize`] for a block that was allocated for another
    /// number of granules.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, nobody uses it any more. No other pointer does harm.
    #[inline]
    pub unsafe fn deallocate_sized(&mut self, ptr: NonNull<u8>, layout: Layout) -> Result<(), FreeError> {
        let chunk = self.used_chunk(ptr)?;
        if chunk.size() != granules(layout.size()) {
            return Err(FreeError::WrongSize);
        }
        // SAFETY: the chunk is in use, and the caller gives it up.
        unsafe { self.take_back(chunk) }
    }

    /// The bytes of the block at `ptr`: the size asked for, rounded up to granules. O(1).
    ///
    /// # Errors
    /// A [`FreeError`] for a pointer that is not the start of a block in use of this heap.
    #[inline]
    pub fn usable_size(&self, ptr: NonNull<u8>) -> Result<usize, FreeError> {
        Ok(self.used_chunk(ptr)?.size() * GRANULE)
    }

    /// The chunk in use that starts at `ptr`.
    #[inline(always)]
    pub(super) fn used_chunk(&self, ptr: NonNull<u8>) -> Result<UsedChunk, FreeError> {
        let block = self.source.block_of(ptr.addr().get()).ok_or(FreeError::NotOurs)?;
        let start = granule_at(block, ptr).ok_or(FreeError::NotAStart)?;
        // SAFETY: the source says that the address lies in a block of ours, and each holds a span. A chunk in use
        // has an end.
        unsafe {
            let span = Span::at(block);
            match span.map().in_use(start) {
                Some(map) => Ok(UsedChunk { span, start, map }),
                None => Err(why_not_used(span, start)),
            }
        }
    }

    /// Makes a chunk in use a free one, merged with its free neighbours.
    ///
    /// # Safety
    /// The chunk is in use, and nobody uses it any more.
    #[inline(always)]
    unsafe fn take_back(&mut self, chunk: UsedChunk) -> Result<(), FreeError> {
        let UsedChunk { span, start, map } = chunk;
        self.totals.count_out(chunk.size());
        // SAFETY: the map tells which neighbours are free, and free chunks are in bins.
        unsafe {
            span.map().give(start, map.end);
            let (mut at, mut end) = (span.address(start), span.address(map.end));
            if map.upper_free {
                end = after(end, self.bins.remove(end));
            }
            if map.lower_free {
                at = before(at, self.bins.remove_below(at));
            }
            let size = distance(at, end) / GRANULE;
            self.bins.insert(at, size);
            if size == span.capacity() {
                return self.span_is_free(span);
            }
        }
        Ok(())
    }

    /// The span of an address of ours.
    ///
    /// # Safety
    /// A span of ours holds the address.
    #[inline(always)]
    pub(super) unsafe fn span_of_own(&self, address: NonNull<u8>) -> Span {
        // SAFETY: the caller says that a block of ours holds it, and each holds a span.
        unsafe { Span::at(self.source.block_of_own(address.addr().get())) }
    }
}

/// Why no chunk in use starts at granule `g` of `span`.
///
/// # Safety
/// As for [`Span`]; `g` is a granule of it at which none does.
#[cold]
#[inline(never)]
unsafe fn why_not_used(span: Span, g: usize) -> FreeError {
    // SAFETY: the caller gives a granule of the span.
    match unsafe { span.map().start_of(g, span.first()) } {
        Some((_, Field::Free)) => FreeError::AlreadyFree,
        _ => FreeError::NotAStart,
    }
}
