//! Growing and shrinking.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use super::length::Length;
use super::lookup::UsedChunk;
use crate::granule::{Unit, granules};
use crate::map::InUse;
use crate::span::Span;
use crate::{FreeError, Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Makes the block at `ptr`, which was allocated for `layout`, `new_size` bytes long: in place if it shrinks, or
    /// if enough is free above it; else by a new block with the same alignment, to which the bytes are copied. `None`
    /// when there is no room, or `ptr` is not the start of a block in use of that size; then nothing has changed.
    /// O(1), but for the copy, and in general mode for [what waits](Self::new).
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and nobody uses it any more
    /// once another pointer is returned.
    #[inline]
    pub unsafe fn reallocate(
        &mut self,
        ptr: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        let chunk = self.used_chunk_at(ptr)?;
        if chunk.size() != granules::<Unit<S, M>>(layout.size()) {
            return None;
        }
        let length = Length::exactly(granules::<Unit<S, M>>(new_size));
        // SAFETY: the chunk is in use; if it moves, the caller gives it up.
        unsafe {
            if let Some(block) = self.resize_in_what_is_free(chunk, ptr, layout, length) {
                return Some(block);
            }
            self.move_to(chunk.span, chunk.start, ptr, layout, true, new_size)
        }
    }

    /// Makes the block at `ptr` `new_size` bytes long: in place if it shrinks, or if enough is free above it; else by a new
    /// block, aligned to a granule, to which the bytes are copied. C's realloc. `Ok(None)` when there is no room; then
    /// nothing has changed. O(1), but for the copy, and in general mode for [what waits](Self::new).
    ///
    /// # Errors
    /// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a block in use of this heap.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and nobody uses it any more
    /// once another pointer is returned.
    #[inline]
    pub unsafe fn resize(
        &mut self,
        ptr: NonNull<u8>,
        new_size: usize,
    ) -> Result<Option<NonNull<u8>>, FreeError> {
        let chunk = self.used_chunk(ptr)?;
        // SAFETY: the chunk is in use; if it moves, the caller gives it up.
        Ok(unsafe { self.resize_used(chunk, ptr, false, new_size) })
    }

    /// [`resize`](Self::resize), of a block of `expected` bytes, if that is said, in a block of the source that starts at
    /// `block`.
    ///
    /// # Errors
    /// As there, and [`FreeError::WrongSize`] for a block of another size.
    ///
    /// # Safety
    /// As there; the source's block holds `ptr`.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    #[inline(always)]
    pub(crate) unsafe fn resize_in(
        &mut self,
        block: NonNull<u8>,
        ptr: NonNull<u8>,
        expected: Option<usize>,
        new_size: usize,
    ) -> Result<Option<NonNull<u8>>, FreeError> {
        // SAFETY: as the caller says.
        unsafe {
            let Some((span, start)) = Self::granule_in(block, ptr) else { return Err(FreeError::NotAStart) };
            let Some(chunk) = self.used_chunk_in(span, start) else { return Err(self.why_not(ptr)) };
            if expected.is_some_and(|expected| expected != chunk.size() * Self::GRANULE) {
                return Err(FreeError::WrongSize);
            }
            Ok(self.resize_used(chunk, ptr, expected.is_some(), new_size))
        }
    }

    /// [`resize`](Self::resize), of a chunk in use, whose size is said on the next call or not.
    ///
    /// # Safety
    /// The chunk is in use and starts at `ptr`; it is given up if the result is another pointer.
    #[inline(always)]
    unsafe fn resize_used(
        &mut self,
        chunk: UsedChunk<Unit<S, M>>,
        ptr: NonNull<u8>,
        is_said: bool,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        let layout = |size| Layout::from_size_align(size, Self::GRANULE).ok();
        let (old, _) = (layout(chunk.size() * Self::GRANULE)?, layout(new_size)?);
        let length = Self::length(chunk.size(), is_said, new_size);
        // SAFETY: as the caller says.
        unsafe {
            if let Some(block) = self.resize_in_what_is_free(chunk, ptr, old, length) {
                return Some(block);
            }
            let mut move_to =
                |size| self.move_to(chunk.span, chunk.start, ptr, old, is_said, size * Self::GRANULE);
            move_to(length.most).or_else(|| if length.is_exact() { None } else { move_to(length.least) })
        }
    }

    /// How long a chunk of `size` granules is to become for `new_size` bytes, if its size is said on the next call, or not.
    #[inline(always)]
    pub(super) fn length(size: usize, is_said: bool, new_size: usize) -> Length {
        let new = granules::<Unit<S, M>>(new_size);
        if M::LEAVES_ROOM && !is_said { Length::about(new, size) } else { Length::exactly(new) }
    }

    /// Makes the block at `ptr` `new_size` bytes long where it lies. Whether that can be done; if not, nothing has changed.
    /// O(1), in general mode but for [what waits](Self::new).
    ///
    /// # Errors
    /// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a block in use of this heap.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and what lies in it above a
    /// lower end is used no more.
    pub unsafe fn resize_in_place(&mut self, ptr: NonNull<u8>, new_size: usize) -> Result<bool, FreeError> {
        let chunk = self.used_chunk(ptr)?;
        // SAFETY: the chunk is in use.
        Ok(unsafe { self.move_end(chunk, Length::exactly(granules::<Unit<S, M>>(new_size))) })
    }

    /// Moves the end of a chunk in use, if that can be done: into the free chunk above, or down, so that what lies between
    /// joins that one.
    ///
    /// # Safety
    /// The chunk is in use; what lies above a lower end is not.
    #[inline]
    pub(super) unsafe fn move_end(&mut self, chunk: UsedChunk<Unit<S, M>>, length: Length) -> bool {
        let UsedChunk { span, start, map: InUse { end, neighbours } } = chunk;
        let size = chunk.size();
        if length.most == size {
            return true;
        }
        // SAFETY: the map says whether what lies above is free, and then its size how far it goes; it is in a bin.
        unsafe {
            let base = self.base();
            let above = if neighbours.upper_free() { span.free_at(end).size(base) } else { 0 };
            let Some(new_size) = length.within(size + above) else { return false };
            if above > 0 {
                self.bins.remove(base, span.position(end));
            }
            let new_end = start + new_size;
            span.map().move_end(start, end, new_end);
            self.cover(span.position(new_end), size + above - new_size);
            self.counts.resize(size, new_size);
            let rest = size + above - new_size;
            if rest > 0 {
                self.put(span.position(new_end), rest);
            }
            if new_size > size {
                self.close_if_shorter(above, rest);
            }
        }
        true
    }

    /// The block at `ptr` made so long, if that takes nothing but what is free: where it lies; or elsewhere if it is to be half as
    /// long or less, in one of many heaps, most of which have memory to come, so that it does not keep a long chunk in pieces. If
    /// not, `None`, and nothing has changed.
    ///
    /// # Safety
    /// The chunk is in use for `layout` and lies at `ptr`; it is given up if the result is another pointer, and what lies above a
    /// lower end is not used.
    #[inline(always)]
    unsafe fn resize_in_what_is_free(
        &mut self,
        chunk: UsedChunk<Unit<S, M>>,
        ptr: NonNull<u8>,
        layout: Layout,
        length: Length,
    ) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says.
        unsafe {
            if M::REMOTE
                && length.is_much_shorter(chunk.size())
                && let Some(block) = self.move_to_free(chunk.span, chunk.start, ptr, layout, length.most)
            {
                return Some(block);
            }
            self.move_end(chunk, length).then_some(ptr)
        }
    }

    /// [`move_to`](Self::move_to), to `size` granules that wait or are free.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    unsafe fn move_to_free(
        &mut self,
        span: Span<Unit<S, M>>,
        start: usize,
        ptr: NonNull<u8>,
        layout: Layout,
        size: usize,
    ) -> Option<NonNull<u8>> {
        let new_size = size * Self::GRANULE;
        let new_layout = Layout::from_size_align(new_size, layout.align()).ok()?;
        let waiting = if layout.align() <= Self::GRANULE { self.take_waiting(new_size) } else { None };
        let new = waiting.or_else(|| self.allocate_free(new_layout))?;
        // SAFETY: as the caller says; the new block was just allocated.
        unsafe { self.move_into(new, span, start, ptr, layout, new_size) };
        Some(new)
    }

    /// Copies the block at granule `start` of `span` to a new one, whose size is said later, or not, and frees it.
    ///
    /// # Safety
    /// It is in use for `layout` and lies at `ptr`; it is given up if the result is not `None`.
    #[inline(never)]
    unsafe fn move_to(
        &mut self,
        span: Span<Unit<S, M>>,
        start: usize,
        ptr: NonNull<u8>,
        layout: Layout,
        is_said: bool,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        let new = self.allocate_said(Layout::from_size_align(new_size, layout.align()).ok()?, is_said)?;
        // SAFETY: as the caller says; the new block was just allocated.
        unsafe { self.move_into(new, span, start, ptr, layout, new_size) };
        Some(new)
    }

    /// Copies the block at granule `start` of `span` to the one at `new`, of `new_size` bytes, and frees it.
    ///
    /// # Safety
    /// It is in use for `layout`, lies at `ptr`, and is given up; the other is in use too, and nobody has it yet.
    #[inline(always)]
    unsafe fn move_into(
        &mut self,
        new: NonNull<u8>,
        span: Span<Unit<S, M>>,
        start: usize,
        ptr: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) {
        let bytes = granules::<Unit<S, M>>(layout.size()) * Self::GRANULE;
        // SAFETY: both blocks hold the bytes, and they are two. The map's word on the old one is asked again, as the
        // new one may have come from below it.
        unsafe {
            new.copy_from_nonoverlapping(ptr, new_size.min(bytes));
            let _ = if self.quick.may_hold(bytes) {
                self.free_to_list_in(span, start, ptr, Some(bytes))
            } else {
                self.free_to_bins(ptr, bytes)
            };
        }
    }
}
