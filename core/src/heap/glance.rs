//! What a heap of one thread or processor does with a glance at the map: most of what its owner asks of it. Each of these
//! either does all, or changes nothing, and leaves it to those that look at everything.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use super::length::Length;
use super::lookup::UsedChunk;
use crate::granule::{TwoWordsLive, Unit, rounded};
use crate::raw::{after, is_multiple};
use crate::span::Span;
use crate::{Local, LongWait, PageSource};

impl<S: PageSource> Heap<S, Local> {
    /// A block of `bytes` bytes, a multiple of a granule, that waited, unless it is time to look how many do. None has 0. A heap that
    /// never had memory is only read. O(1).
    #[inline(always)]
    pub(crate) fn take_waiting_soon(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        if !self.quick.serves(bytes) || self.quick.count_request() {
            return None;
        }
        // SAFETY: the lists serve the size.
        unsafe { self.take_listed(bytes) }
    }

    /// A block for `layout` that waited, if the last of its size to be freed happens to be aligned to it. O(1).
    #[inline(always)]
    pub(crate) fn take_waiting_aligned(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let bytes = rounded::<TwoWordsLive>(layout.size());
        if !self.quick.serves(bytes) || !is_multiple(self.quick.first(bytes)?, layout.align()) {
            return None;
        }
        self.take_waiting(bytes)
    }

    /// A block for `layout`, too long for a list, that waited, in use again; of one whose size is said later, or not: then it may be
    /// [about](Length::is_about) as long. O(1).
    #[inline(always)]
    pub(crate) fn take_waiting_long(&mut self, layout: Layout, is_said: bool) -> Option<NonNull<u8>> {
        let bytes = rounded::<TwoWordsLive>(layout.size());
        let spare = if is_said { 0 } else { Length::spare(bytes / Self::GRANULE) };
        let block = self.quick.take_long(bytes, layout.align(), spare)?;
        // SAFETY: the block was just taken off its place.
        Some(unsafe { self.use_again(block) })
    }

    /// Lets the block at granule `start` of `span`, of `expected` bytes if that is said, wait in a quick list, if one starts
    /// there, the lists serve its size, and it is not time to look for spans with nothing in use, nor the witness that there are
    /// none. Whether that is done; otherwise, nothing has changed. O(1).
    ///
    /// # Safety
    /// The granule is one of a span of the heap, and lies at `ptr`. If a block in use starts there, nobody uses it any more.
    #[inline(always)]
    pub(crate) unsafe fn let_wait_soon(
        &mut self,
        span: Span<Unit<S, Local>>,
        start: usize,
        ptr: NonNull<u8>,
        expected: Option<usize>,
    ) -> bool {
        // SAFETY: the granule is the span's, and behind the map there are sections. A chunk in use is given up by the caller.
        // One of more granules than a word has bits does not wait in a list.
        unsafe {
            let glance = span.map().glance(start);
            let bytes = glance.size() * Self::GRANULE;
            let is_as_said = expected.is_none_or(|expected| expected == bytes);
            if !is_as_said
                || !self.quick.has_room(bytes)
                || !glance.is_live()
                || self.quick.is_witness(ptr)
                || self.quick.count_free(1)
            {
                return false;
            }
            self.quick.push(ptr, bytes);
            glance.flip_live();
        }
        true
    }

    /// [`let_wait_soon`](Self::let_wait_soon), of a block that does not wait in a list: it is long, or has not come to wait. O(1).
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub(crate) unsafe fn let_wait_long_soon(
        &mut self,
        span: Span<Unit<S, Local>>,
        start: usize,
        ptr: NonNull<u8>,
        expected: Option<usize>,
    ) -> LongWait {
        // SAFETY: as in `let_wait_soon`. A chunk in use that does not end in its entry goes on into the next.
        unsafe {
            let (map, glance) = (span.map(), span.map().glance(start));
            if !glance.is_live() || self.quick.is_witness(ptr) {
                return LongWait::No;
            }
            let size = glance.size_here().unwrap_or_else(|| map.end_of_long(start) - start);
            let bytes = size * Self::GRANULE;
            if expected.is_some_and(|expected| expected != bytes) {
                return LongWait::No;
            }
            if !self.quick.serves_long(bytes) {
                return LongWait::MayNot(bytes);
            }
            glance.flip_live();
            // It is coalesced once another takes its place.
            Self::prefetch_neighbours(ptr, bytes);
            match self.quick.exchange_long(ptr, bytes, self.counts.is_large()) {
                Some((block, bytes)) => LongWait::InPlaceOf(block, bytes),
                None => LongWait::Yes,
            }
        }
    }

    /// The bytes of the block in use that starts at granule `start` of `span`, if one does. O(1).
    ///
    /// # Safety
    /// The granule is one of a span of the heap.
    #[inline(always)]
    pub(crate) unsafe fn usable_size_soon(&self, span: Span<Unit<S, Local>>, start: usize) -> Option<usize> {
        // SAFETY: the granule is the span's, and behind the map there are sections. A chunk in use that does not end in its entry
        // goes on into the next.
        unsafe {
            let (map, glance) = (span.map(), span.map().glance(start));
            if !glance.is_live() {
                return None;
            }
            let size = glance.size_here().unwrap_or_else(|| map.end_of_long(start) - start);
            Some(size * Self::GRANULE)
        }
    }

    /// [`take_back`](Self::take_back), of the chunk of `bytes` bytes at granule `start` of `span`, which is known to be in use.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    pub(crate) unsafe fn take_back_known(&mut self, span: Span<Unit<S, Local>>, start: usize, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe { self.take_back_clearing(span, start, start + bytes / Self::GRANULE, || ()) }
    }

    /// The block at `ptr` made `new_size` bytes long, one or more, and its size said on the next call, or not, in two cases: it
    /// need not move, nor had better; or it is short, moves to a block that waits, and waits itself. `None`, and nothing has
    /// changed, in all others. O(1), but for the copy.
    ///
    /// # Safety
    /// The block of `bytes` bytes in use lies there, at granule `start` of `span`, and nobody uses it any more once another pointer
    /// is returned.
    #[inline(always)]
    pub(crate) unsafe fn resize_soon(
        &mut self,
        span: Span<Unit<S, Local>>,
        start: usize,
        ptr: NonNull<u8>,
        bytes: usize,
        is_said: bool,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        let size = bytes / Self::GRANULE;
        let length = Self::length(size, is_said, new_size);
        if length.most == size {
            return Some(ptr);
        }
        // SAFETY: the block in use is such a chunk.
        let chunk = UsedChunk { span, start, map: unsafe { span.map().extent_to(start, start + size) } };
        // So many that they come round to none are in no list.
        let new_bytes = length.most.wrapping_mul(Self::GRANULE);
        // SAFETY: the chunk is in use; the caller gives up what lies above a lower end, or the block, if it moves.
        unsafe {
            let may_wait = self.quick.serves(bytes) && self.quick.has_room(bytes);
            if length.most < size {
                // What asked for a long block, and then has a shorter one, does so again.
                if may_wait {
                    self.quick.note_request(new_bytes);
                    if let Some(block) = self.move_to_waiting(chunk, ptr, new_bytes) {
                        return Some(block);
                    }
                }
                if length.is_much_shorter(size) {
                    return None;
                }
                return self.cut_end(chunk, ptr, length).then_some(ptr);
            }
            if chunk.map.neighbours.upper_free() || !may_wait {
                return self.move_end(chunk, length).then_some(ptr);
            }
            self.move_to_waiting(chunk, ptr, new_bytes)
        }
    }

    /// The block at `ptr` moved to one of `new_bytes` bytes, if one waits; then it waits itself.
    ///
    /// # Safety
    /// The block in use lies there in this chunk, and one more of its size may wait; nobody uses it any more if it moves.
    #[inline(always)]
    unsafe fn move_to_waiting(
        &mut self,
        chunk: UsedChunk<Unit<S, Local>>,
        ptr: NonNull<u8>,
        new_bytes: usize,
    ) -> Option<NonNull<u8>> {
        let bytes = chunk.size() * Self::GRANULE;
        let block = self.take_waiting(new_bytes)?;
        // SAFETY: both blocks hold the bytes, and they are two. The old one is given up by the caller.
        unsafe {
            block.copy_from_nonoverlapping(ptr, bytes.min(new_bytes));
            self.quick.push(ptr, bytes);
            chunk.span.map().glance(chunk.start).flip_live();
        }
        Some(block)
    }

    /// Moves the end of the block at `ptr` down, if that can be done: what is cut off a short one waits, if it may.
    ///
    /// # Safety
    /// The block in use lies there in this chunk; what lies above the end is used no more.
    #[inline(always)]
    unsafe fn cut_end(&mut self, chunk: UsedChunk<Unit<S, Local>>, ptr: NonNull<u8>, length: Length) -> bool {
        let UsedChunk { span, start, map } = chunk;
        let rest = (chunk.size() - length.most) * Self::GRANULE;
        // SAFETY: what is cut off is no longer than the chunk, which ends where a word of the map reaches if it is served.
        unsafe {
            let is_short = self.quick.serves(chunk.size() * Self::GRANULE);
            if map.neighbours.upper_free() || !is_short || !self.quick.has_room(rest) {
                return self.move_end(chunk, length);
            }
            span.map().split_waiting(start + length.most);
            self.quick.push(after(ptr, length.most * Self::GRANULE), rest);
            self.counts.count_in(1, 0);
        }
        true
    }
}
