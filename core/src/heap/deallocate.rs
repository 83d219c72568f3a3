//! Deallocation, and what a pointer is.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use super::allocate::granule_at;
use crate::chunk::FreeChunk;
use crate::granule::{GRANULE, granules};
use crate::map::Field;
use crate::span::Span;
use crate::{FreeError, PageSource};

/// A chunk in use: where it lies. The map alone tells of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct UsedChunk {
    pub(super) span: Span,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) lower_free: bool,
}

impl UsedChunk {
    /// Its size in granules.
    #[inline(always)]
    pub(super) const fn size(self) -> usize {
        self.end - self.start
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
        unsafe { self.take_back(chunk) };
        Ok(())
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
        unsafe { self.take_back(chunk) };
        Ok(())
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
            match span.map().field(start) {
                Field::Used { lower_free } => {
                    Ok(UsedChunk { span, start, end: span.map().end_of(start), lower_free })
                }
                _ => Err(why_not_used(span, start)),
            }
        }
    }

    /// Makes a chunk in use a free one, merged with its free neighbours.
    ///
    /// # Safety
    /// The chunk is in use, and nobody uses it any more.
    #[inline(always)]
    unsafe fn take_back(&mut self, chunk: UsedChunk) {
        let UsedChunk { span, mut start, mut end, lower_free } = chunk;
        self.totals.count_out(chunk.size());
        // SAFETY: the map tells which neighbours are free, and free chunks are in bins.
        unsafe {
            let upper_free = span.map().is_free(end);
            span.map().give(start, end);
            if upper_free {
                let upper = span.free_at(end);
                end += upper.size();
                self.bins.remove(upper);
            }
            if lower_free {
                let (lower, size) = FreeChunk::ending_at(span.address(start));
                start -= size;
                self.bins.remove(lower);
            }
            self.bins.insert(FreeChunk::write(span.address(start), end - start), end - start);
            if span.is_all(start, end) {
                self.span_is_free(span);
            }
        }
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
