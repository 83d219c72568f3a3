//! Deallocation.

use core::alloc::Layout;
use core::num::NonZero;
use core::ptr::NonNull;

use super::Heap;
use super::lookup::UsedChunk;
use crate::granule::{Unit, granules, rounded};
use crate::map::{InUse, WORD_GRANULES};
use crate::span::Span;
use crate::{FreeError, Mode, PageSource};

/// What came of letting a block wait.
pub(super) enum LetWait {
    /// It waits.
    Done,
    /// It is in use, has so many bytes, and none more of them may wait.
    Full(usize),
    /// There is more to look at.
    Unclear,
}

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Frees the block at `ptr`. O(1), in general mode but for [what waits](Self::new).
    ///
    /// # Errors
    /// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a block in use of this heap.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and nobody uses it any more.
    /// No other pointer does harm.
    #[inline]
    pub unsafe fn deallocate(&mut self, ptr: NonNull<u8>) -> Result<(), FreeError> {
        // SAFETY: the caller gives up the block, if there is one.
        unsafe {
            if self.quick.are_open() {
                return self.free_to_list(ptr, None);
            }
            self.free_by_lookup(ptr, None)
        }
    }

    /// Frees the block at `ptr`, which was allocated for `layout`. O(1), in general mode but for [what waits](Self::new).
    ///
    /// # Errors
    /// As [`deallocate`](Self::deallocate), and [`FreeError::WrongSize`] for a block that was allocated for another
    /// number of granules.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and nobody uses it any more.
    /// No other pointer does harm.
    #[inline]
    pub unsafe fn deallocate_sized(&mut self, ptr: NonNull<u8>, layout: Layout) -> Result<(), FreeError> {
        // None for no bytes, so that a block for none is not thought to wait.
        let bytes = rounded::<Unit<S, M>>(layout.size());
        // SAFETY: the caller gives up the block, if there is one.
        unsafe {
            if self.quick.may_hold(bytes) {
                return self.free_to_list(ptr, Some(bytes));
            }
            self.free_to_bins(ptr, if M::WAITS { bytes } else { layout.size() })
        }
    }

    /// Lets the block at `ptr`, of `expected` bytes if that is said, wait in a quick list, if all that is to be known of it
    /// is in one map entry and there is room; otherwise sees to it with more care.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, nobody uses it any more. The size may wait, if it is said.
    #[inline(always)]
    unsafe fn free_to_list(&mut self, ptr: NonNull<u8>, expected: Option<usize>) -> Result<(), FreeError> {
        let Some((span, start)) = self.granule_at(ptr) else { return self.refuse(ptr) };
        // SAFETY: as the caller says; the granule is the span's.
        unsafe { self.free_to_list_in(span, start, ptr, expected) }
    }

    /// [`free_to_list`](Self::free_to_list), of a block at granule `start` of `span`.
    ///
    /// # Safety
    /// As for `free_to_list`; the granule is one of a span of the heap, and lies at `ptr`.
    #[inline(always)]
    pub(super) unsafe fn free_to_list_in(
        &mut self,
        span: Span<Unit<S, M>>,
        start: usize,
        ptr: NonNull<u8>,
        expected: Option<usize>,
    ) -> Result<(), FreeError> {
        // SAFETY: as the caller says.
        unsafe {
            match self.let_wait(span, start, ptr, expected) {
                LetWait::Done => Ok(()),
                LetWait::Full(bytes) => self.free_full(ptr, bytes),
                LetWait::Unclear => self.free_on_second_look(ptr, expected.and_then(NonZero::new)),
            }
        }
    }

    /// Frees a block of `bytes` bytes, of which none more may be put into a list.
    ///
    /// # Safety
    /// A chunk in use of so many bytes starts at `ptr`, does not wait, and nobody uses it any more. The lists serve the size.
    #[inline(never)]
    unsafe fn free_full(&mut self, ptr: NonNull<u8>, bytes: usize) -> Result<(), FreeError> {
        // SAFETY: as the caller says.
        unsafe {
            if self.quick.unlist(bytes) {
                return self.free_by_lookup(ptr, None);
            }
            self.free_to_bins(ptr, bytes)
        }
    }

    /// Lets a block wait that ends in another map entry than it starts in, or sees to what it is with more care.
    ///
    /// # Safety
    /// As for [`free_to_list`](Self::free_to_list).
    #[inline(never)]
    pub(crate) unsafe fn free_on_second_look(
        &mut self,
        ptr: NonNull<u8>,
        expected: Option<NonZero<usize>>,
    ) -> Result<(), FreeError> {
        let Some((span, start)) = self.granule_at(ptr) else { return self.refuse(ptr) };
        // SAFETY: as the caller says; the granule is the span's.
        unsafe {
            if self.free_over_edge(span, start, ptr, expected.map(NonZero::get)) {
                return Ok(());
            }
            self.free_by_lookup(ptr, expected)
        }
    }

    /// Lets the block at granule `start` of `span`, of `expected` bytes if that is said, wait in a quick list, if it is soon
    /// seen to be in use and how long, and there is room. Otherwise, nothing has changed. O(1).
    ///
    /// # Safety
    /// The granule is one of a span of the heap, and lies at `ptr`. If a block in use starts there, nobody uses it any
    /// more. The size may wait, if it is said.
    #[inline(always)]
    pub(super) unsafe fn let_wait(
        &mut self,
        span: Span<Unit<S, M>>,
        start: usize,
        ptr: NonNull<u8>,
        expected: Option<usize>,
    ) -> LetWait {
        // SAFETY: the granule is the span's. A chunk in use is given up by the caller.
        unsafe {
            let view = span.map().view(start);
            let Some(size) = view.size() else { return LetWait::Unclear };
            let bytes = expected.unwrap_or(size * Self::GRANULE);
            if !view.is_used()
                || size * Self::GRANULE != bytes
                || !self.quick.serves(bytes)
                || self.is_posted(span, start)
                || Self::is_waiting(span, start)
            {
                return LetWait::Unclear;
            }
            if !self.quick.has_room(bytes) {
                return LetWait::Full(bytes);
            }
            if Self::COUNTS_HELD && !span.let_go_unless_last() {
                return LetWait::Unclear;
            }
            self.flip_waiting(span, start);
            self.quick.push(ptr, bytes);
            LetWait::Done
        }
    }

    /// Lets a block wait, or frees it to the bins, or says why not.
    ///
    /// # Safety
    /// As for [`free_to_list`](Self::free_to_list).
    #[inline(never)]
    unsafe fn free_by_lookup(
        &mut self,
        ptr: NonNull<u8>,
        expected: Option<NonZero<usize>>,
    ) -> Result<(), FreeError> {
        match self.used_chunk_at(ptr) {
            // SAFETY: as the caller says.
            Some(chunk) => unsafe { self.free_used(chunk, ptr, expected) },
            None => self.refuse(ptr),
        }
    }

    /// [`free_by_lookup`](Self::free_by_lookup), in a block of the source that starts at `block`.
    ///
    /// # Safety
    /// As for `free_by_lookup`; the source's block holds `ptr`.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    pub(crate) unsafe fn free_in(
        &mut self,
        block: NonNull<u8>,
        ptr: NonNull<u8>,
        expected: Option<NonZero<usize>>,
    ) -> Result<(), FreeError> {
        // SAFETY: as the caller says.
        unsafe {
            let Some((span, start)) = Self::granule_in(block, ptr) else { return Err(FreeError::NotAStart) };
            match self.used_chunk_in(span, start) {
                Some(chunk) => self.free_used(chunk, ptr, expected),
                None => self.refuse(ptr),
            }
        }
    }

    /// Frees the block at granule `start` of `span`, of `expected` bytes if that is said, if it ends in another map entry
    /// than it starts in. Whether that is done; otherwise, nothing has changed. O(1).
    ///
    /// # Safety
    /// As for [`let_wait`](Self::let_wait).
    #[inline(always)]
    pub(crate) unsafe fn free_over_edge(
        &mut self,
        span: Span<Unit<S, M>>,
        start: usize,
        ptr: NonNull<u8>,
        expected: Option<usize>,
    ) -> bool {
        // SAFETY: the granule is the span's. A chunk in use is given up by the caller.
        unsafe {
            let view = span.map().view(start);
            if !view.is_used() || view.has_end() {
                return false;
            }
            let (end, upper) = span.map().end_beyond(start);
            if self.is_freed(span, start) {
                return false;
            }
            let bytes = (end - start) * Self::GRANULE;
            if expected.is_some_and(|expected| expected != bytes) {
                return false;
            }
            let may_wait = self.quick.serves(bytes) && self.quick.has_or_makes_room(bytes);
            if !may_wait {
                if self.quick.serves_long(bytes) {
                    self.let_wait_long(span, start, ptr, bytes);
                    return true;
                }
                if Self::COUNTS_HELD {
                    return false;
                }
                let neighbours = view.neighbours_with(upper);
                self.take_back(UsedChunk { span, start, map: InUse { end, neighbours } });
                return true;
            }
            if Self::COUNTS_HELD && !span.let_go_unless_last() {
                return false;
            }
            self.quick.push(ptr, bytes);
            self.flip_waiting(span, start);
            true
        }
    }

    /// [`free_by_lookup`](Self::free_by_lookup), of a chunk in use.
    ///
    /// # Safety
    /// The chunk is in use, and the caller gives it up.
    #[inline(always)]
    unsafe fn free_used(
        &mut self,
        chunk: UsedChunk<Unit<S, M>>,
        ptr: NonNull<u8>,
        expected: Option<NonZero<usize>>,
    ) -> Result<(), FreeError> {
        let bytes = chunk.size() * Self::GRANULE;
        if expected.is_some_and(|expected| expected.get() != bytes) {
            return self.refuse(ptr);
        }
        // SAFETY: the chunk is in use and does not wait; the caller gives it up.
        unsafe {
            if Self::COUNTS_HELD && chunk.span.let_go() {
                return self.free_last(ptr);
            }
            if !self.let_wait_used(chunk, ptr) {
                self.take_back(chunk);
            }
        }
        Ok(())
    }

    /// Frees the last block in use of a span that could go back to the source: nothing may wait in it then.
    ///
    /// # Safety
    /// A chunk in use starts at `ptr`, which its span does not count any more, and nobody uses it.
    #[cold]
    #[inline(never)]
    unsafe fn free_last(&mut self, ptr: NonNull<u8>) -> Result<(), FreeError> {
        self.flush();
        let Some(chunk) = self.used_chunk_at(ptr) else { return self.refuse(ptr) };
        // SAFETY: the chunk is in use, and the caller gives it up.
        unsafe { self.take_back(chunk) };
        Ok(())
    }

    /// Frees the block for `bytes` bytes at `ptr`, if there is one. Where blocks may wait, they are whole granules, or 0.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, nobody uses it any more. It does not wait, if it is for any bytes at all.
    #[inline(never)]
    pub(super) unsafe fn free_to_bins(&mut self, ptr: NonNull<u8>, bytes: usize) -> Result<(), FreeError> {
        if cfg!(for_size) || (M::WAITS && bytes == 0) {
            let size = granules::<Unit<S, M>>(bytes);
            // SAFETY: as for this.
            return unsafe { self.free_by_lookup(ptr, NonZero::new(size * Self::GRANULE)) };
        }
        let size = if M::WAITS { bytes / Self::GRANULE } else { granules::<Unit<S, M>>(bytes) };
        let Some((span, start)) = self.granule_at(ptr) else { return self.refuse(ptr) };
        // SAFETY: the granule is the span's. A chunk in use is given up by the caller.
        unsafe {
            match (start % WORD_GRANULES + size) / WORD_GRANULES {
                0 => {}
                1 => return self.free_long::<false>(ptr, size, start),
                _ => return self.free_long::<true>(ptr, size, start),
            }
            let view = span.map().view(start);
            if !view.is_used() || !view.ends_after(size) || self.is_posted(span, start) {
                return self.refuse(ptr);
            }
            if Self::COUNTS_HELD && span.let_go() {
                return self.free_last(ptr);
            }
            span.map().give_short(view, start, size);
            self.coalesce::<false>(span, start, size, view.neighbours(size));
        }
        Ok(())
    }

    /// [`free_to_bins`](Self::free_to_bins), for a chunk that would end in the map entry above that of its start, or cover it.
    ///
    /// # Safety
    /// As for `free_to_bins`; the address is one of ours, where granule `start` of its span lies.
    #[inline(never)]
    unsafe fn free_long<const COVERS: bool>(
        &mut self,
        ptr: NonNull<u8>,
        size: usize,
        start: usize,
    ) -> Result<(), FreeError> {
        let end = start + size;
        // SAFETY: the granule is the span's. A chunk in use is given up by the caller.
        unsafe {
            if COVERS {
                Self::prefetch_neighbours(ptr, size * Self::GRANULE);
            }
            let span = self.span_of_own(ptr);
            let map = span.map();
            let in_use =
                if COVERS { map.in_use_over_entry(start, end) } else { map.in_use_over_edge(start, end) };
            let Some(neighbours) = in_use else { return self.refuse(ptr) };
            if self.is_posted(span, start) {
                return self.refuse(ptr);
            }
            if Self::COUNTS_HELD && span.let_go() {
                return self.free_last(ptr);
            }
            if COVERS {
                map.give_over_entry(start, end);
            } else {
                map.give_over_edge(start, end);
            }
            self.coalesce::<COVERS>(span, start, size, neighbours);
        }
        Ok(())
    }

    /// Why a pointer was not freed: no block in use starts there, or it has another size.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(&self, ptr: NonNull<u8>) -> Result<(), FreeError> {
        self.used_chunk(ptr).and(Err(FreeError::WrongSize))
    }
}
