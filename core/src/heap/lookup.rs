//! What a pointer is: in which span, and whether a block in use starts there.

use core::ptr::NonNull;

use super::Heap;
use crate::granule::{Granule, Position, Unit};
use crate::map::InUse;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
use crate::raw::distance;
use crate::span::Span;
use crate::{FreeError, Mode, PageSource};

/// A chunk in use: where it lies. The map alone tells of one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsedChunk<G> {
    pub(crate) span: Span<G>,
    pub(crate) start: usize,
    pub(crate) map: InUse,
}

impl<G: Granule> UsedChunk<G> {
    /// Its size in granules.
    #[inline(always)]
    pub(crate) const fn size(self) -> usize {
        self.map.end - self.start
    }
}

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// The bytes of the block at `ptr`: the size asked for, rounded up to granules. O(1), but for the reason why there is
    /// none: see [`Heap`].
    ///
    /// # Errors
    /// A [`FreeError`] for a pointer that is not the start of a block in use of this heap.
    #[inline]
    pub fn usable_size(&self, ptr: NonNull<u8>) -> Result<usize, FreeError> {
        Ok(self.used_chunk(ptr)?.size() * Self::GRANULE)
    }

    /// The span and the granule that start at `ptr`, if that is below where the last chunk of the span ends.
    #[inline(always)]
    pub(crate) fn granule_at(&self, ptr: NonNull<u8>) -> Option<(Span<Unit<S, M>>, usize)> {
        if S::ONE_BLOCK {
            // What is no granule's multiple comes out with high bits set, above any granule.
            let offset = ptr.addr().get().wrapping_sub(self.base.addr().get());
            let start = offset.rotate_right(Self::GRANULE.ilog2());
            // SAFETY: only where a span is laid at the base are granules below the end.
            return (start < self.end).then(|| (unsafe { Span::at(self.base) }, start));
        }
        let (block, start) = self.source.granule_at::<Unit<S, M>>(ptr.addr().get())?;
        // SAFETY: the source says that the address lies in a block of ours, and each holds a span.
        unsafe {
            let span = Span::at(block);
            (!Self::MARKS || start < span.end()).then_some((span, start))
        }
    }

    /// The span in a block of the source, and the granule that starts at `ptr`.
    ///
    /// # Safety
    /// The source's block, one of ours, starts at `block` and holds `ptr`.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    #[inline(always)]
    pub(crate) unsafe fn granule_in(
        block: NonNull<u8>,
        ptr: NonNull<u8>,
    ) -> Option<(Span<Unit<S, M>>, usize)> {
        let offset = distance(block, ptr);
        // SAFETY: as the caller says; each block of the source holds a span.
        let span = unsafe { Span::at(block) };
        offset.is_multiple_of(Self::GRANULE).then_some((span, offset / Self::GRANULE))
    }

    /// The chunk in use that starts at `ptr`, if one does.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub(super) fn used_chunk_at(&self, ptr: NonNull<u8>) -> Option<UsedChunk<Unit<S, M>>> {
        let (span, start) = self.granule_at(ptr)?;
        // SAFETY: the granule is the span's.
        unsafe { self.used_chunk_in(span, start) }
    }

    /// The chunk in use that starts at granule `start` of `span`, if one does.
    ///
    /// # Safety
    /// The span is one of the heap's, and the granule one of it.
    #[inline(always)]
    pub(super) unsafe fn used_chunk_in(
        &self,
        span: Span<Unit<S, M>>,
        start: usize,
    ) -> Option<UsedChunk<Unit<S, M>>> {
        // SAFETY: the granule is the span's.
        unsafe {
            let map = span.map().in_use(start)?;
            (!self.is_freed(span, start)).then_some(UsedChunk { span, start, map })
        }
    }

    /// The chunk in use that starts at `ptr`, or why none does.
    pub(super) fn used_chunk(&self, ptr: NonNull<u8>) -> Result<UsedChunk<Unit<S, M>>, FreeError> {
        self.used_chunk_at(ptr).ok_or_else(|| self.why_not(ptr))
    }

    /// Why no chunk in use starts at `ptr`.
    #[cold]
    #[inline(never)]
    pub(super) fn why_not(&self, ptr: NonNull<u8>) -> FreeError {
        if self.source.block_of(ptr.addr().get()).is_none() {
            return FreeError::NotOurs;
        }
        let Some((span, g)) = self.granule_at(ptr) else { return FreeError::NotAStart };
        // SAFETY: the span is one of ours, and the granule below its end.
        unsafe {
            let is_free = |start| self.used_chunk_at(span.address(start)).is_none();
            if span.map().start_of(g, span.first()).is_some_and(is_free) {
                FreeError::AlreadyFree
            } else {
                FreeError::NotAStart
            }
        }
    }

    /// The [base](crate::granule::Position) of the heap's positions.
    ///
    /// # Safety
    /// The heap has a span.
    #[inline(always)]
    pub(crate) const unsafe fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// The span that holds the bins: the first to come and the last to go.
    pub(crate) fn home(&self) -> Option<Span<Unit<S, M>>> {
        // SAFETY: there is an end only where a span is laid at the base.
        (self.end > 0).then(|| unsafe { Span::at(self.base) })
    }

    /// The span of a position of ours.
    ///
    /// # Safety
    /// A span of ours holds the position.
    #[inline(always)]
    pub(super) unsafe fn span_of(&self, position: Position<Unit<S, M>>) -> Span<Unit<S, M>> {
        // SAFETY: where positions are counted, there is no span but that at the base.
        unsafe {
            if <Unit<S, M>>::COUNTED {
                Span::at(self.base())
            } else {
                self.span_of_own(position.address(self.base()))
            }
        }
    }

    /// The span of an address of ours.
    ///
    /// # Safety
    /// A span of ours holds the address.
    #[inline(always)]
    pub(super) unsafe fn span_of_own(&self, address: NonNull<u8>) -> Span<Unit<S, M>> {
        // SAFETY: the caller says that a block of ours holds it, and each holds a span.
        unsafe { Span::at(self.source.block_of_own(address.addr().get())) }
    }
}
