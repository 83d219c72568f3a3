//! Deallocation, and what a pointer is.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use super::allocate::granule_at;
use crate::granule::{GRANULE, granules};
use crate::map::{Field, InUse, Neighbours};
use crate::raw::{after, before};
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
        // SAFETY: the caller gives up the block, if there is one.
        unsafe { self.free(ptr, None) }
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
        // SAFETY: the caller gives up the block, if there is one.
        unsafe { self.free(ptr, Some(granules(layout.size()))) }
    }

    /// Frees the chunk in use at `ptr`, if there is one, of `expected` granules if that is said.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, nobody uses it any more.
    #[inline(always)]
    unsafe fn free(&mut self, ptr: NonNull<u8>, expected: Option<usize>) -> Result<(), FreeError> {
        let (span, start) = self.place_of(ptr)?;
        // SAFETY: the granule is the span's. A chunk in use is given up by the caller.
        unsafe {
            let view = span.map().view(start);
            if !view.is_used() {
                return Err(self.why_not_used(span, start));
            }
            let Some(size) = view.size() else { return self.free_long(span, start, expected) };
            if expected.is_some_and(|expected| size != expected) {
                return Err(self.wrong_size(span, start));
            }
            if self.let_wait(span, start, ptr, size * GRANULE)? {
                return Ok(());
            }
            span.map().give_short(view, start, size);
            self.coalesce(span, ptr, size * GRANULE, view.neighbours(size))
        }
    }

    /// [`free`](Self::free), where the chunk in use that starts there ends in another map entry.
    #[inline(never)]
    unsafe fn free_long(
        &mut self,
        span: Span,
        start: usize,
        expected: Option<usize>,
    ) -> Result<(), FreeError> {
        // SAFETY: a chunk in use starts there, and is given up by the caller.
        unsafe {
            let InUse { end, neighbours } = span.map().in_use(start).unwrap_unchecked();
            let size = end - start;
            if expected.is_some_and(|expected| size != expected) {
                return Err(self.wrong_size(span, start));
            }
            let block = span.address(start);
            if self.let_wait(span, start, block, size * GRANULE)? {
                return Ok(());
            }
            span.map().give(start, end);
            self.coalesce(span, block, size * GRANULE, neighbours)
        }
    }

    /// The bytes of the block at `ptr`: the size asked for, rounded up to granules. O(1).
    ///
    /// # Errors
    /// A [`FreeError`] for a pointer that is not the start of a block in use of this heap.
    #[inline]
    pub fn usable_size(&self, ptr: NonNull<u8>) -> Result<usize, FreeError> {
        Ok(self.used_chunk(ptr)?.size() * GRANULE)
    }

    /// The span and the granule that start at `ptr`.
    #[inline(always)]
    fn place_of(&self, ptr: NonNull<u8>) -> Result<(Span, usize), FreeError> {
        let block = self.source.block_of(ptr.addr().get()).ok_or(FreeError::NotOurs)?;
        let start = granule_at(block, ptr).ok_or(FreeError::NotAStart)?;
        // SAFETY: the source says that the address lies in a block of ours, and each holds a span.
        Ok((unsafe { Span::at(block) }, start))
    }

    /// The chunk in use that starts at `ptr`.
    #[inline(always)]
    pub(super) fn used_chunk(&self, ptr: NonNull<u8>) -> Result<UsedChunk, FreeError> {
        let (span, start) = self.place_of(ptr)?;
        // SAFETY: the granule is the span's.
        unsafe {
            match span.map().in_use(start) {
                Some(_) if self.waits(span, start) => Err(FreeError::AlreadyFree),
                Some(map) => Ok(UsedChunk { span, start, map }),
                None => Err(self.why_not_used(span, start)),
            }
        }
    }

    /// Puts `bytes` bytes that were a chunk in use into a bin, merged with their free neighbours.
    ///
    /// # Safety
    /// The map has them free already; the neighbours are free, and in bins, where that is said.
    #[inline(never)]
    pub(super) unsafe fn coalesce(
        &mut self,
        span: Span,
        mut at: NonNull<u8>,
        mut bytes: usize,
        neighbours: Neighbours,
    ) -> Result<(), FreeError> {
        self.totals.count_out(bytes);
        // SAFETY: free neighbours are in bins.
        unsafe {
            if neighbours.upper_free() {
                bytes += self.bins.remove(after(at, bytes));
            }
            if neighbours.lower_free() {
                let below = self.bins.remove_below(at);
                at = before(at, below);
                bytes += below;
            }
            self.bins.insert(at, bytes);
            if bytes == span.capacity() * GRANULE {
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

    /// Why no chunk in use starts at granule `g` of `span`.
    ///
    /// # Safety
    /// The span is one of the heap's; `g` is a granule of it at which none does.
    #[cold]
    #[inline(never)]
    unsafe fn why_not_used(&self, span: Span, g: usize) -> FreeError {
        // SAFETY: the caller gives a granule of the span.
        unsafe {
            match span.map().start_of(g, span.first()) {
                Some((_, Field::Free)) => FreeError::AlreadyFree,
                Some((start, _)) if self.waits(span, start) => FreeError::AlreadyFree,
                _ => FreeError::NotAStart,
            }
        }
    }

    /// What is wrong with the free of a chunk in use whose size is not what the layout says.
    ///
    /// # Safety
    /// The span is one of the heap's, and the map has a chunk in use there.
    #[cold]
    #[inline(never)]
    unsafe fn wrong_size(&self, span: Span, start: usize) -> FreeError {
        // SAFETY: the caller gives a chunk in use.
        if unsafe { self.waits(span, start) } { FreeError::AlreadyFree } else { FreeError::WrongSize }
    }
}
