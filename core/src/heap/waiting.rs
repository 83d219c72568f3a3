//! Blocks that wait in quick lists.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Heap;
use super::lookup::UsedChunk;
use crate::granule::{Unit, rounded};
use crate::span::Span;
use crate::{Mode, PageSource};

/// Blocks that are coalesced at once.
const FLUSHED: usize = 32;

/// Memory lies in pieces where a request does not fit though so many times as much is free,
const PIECES: usize = 16;
/// and such a part of all.
const FREE_PART: usize = 8;

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Nothing waits, once memory lies in pieces, until so many times as many blocks are freed as are in use. Where any number
    /// may wait, a free takes much longer while none does.
    const TURNS: usize = if M::BOUNDED { 8 } else { 4 };

    /// A block of `bytes` bytes, a multiple of a granule, that waited, in use again; none has 0. O(1).
    #[inline(always)]
    pub(crate) fn take_waiting(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        if !self.quick.has_list(bytes) {
            return None;
        }
        // SAFETY: there is a list of the size.
        unsafe { self.take_listed(bytes) }
    }

    /// [`take_waiting`](Self::take_waiting), of a size that has a list.
    ///
    /// # Safety
    /// There is one of `bytes` bytes, a multiple of a granule.
    #[inline(always)]
    pub(super) unsafe fn take_listed(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says.
        unsafe {
            let block = self.quick.pop(bytes)?;
            Some(self.use_again(block))
        }
    }

    /// A block for `layout` that waited, in use again, if one of the last few of its size to be freed happens to be aligned to it.
    /// O(1).
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    pub(crate) fn take_waiting_among_few(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let bytes = rounded::<Unit<S, M>>(layout.size());
        if !self.quick.serves(bytes) {
            return None;
        }
        // SAFETY: the lists serve the size.
        unsafe {
            let block = self.quick.pop_aligned(bytes, layout.align())?;
            Some(self.use_again(block))
        }
    }

    /// Has a block that waited be in use again.
    ///
    /// # Safety
    /// It was just taken off its list, or its place.
    #[inline(always)]
    pub(super) unsafe fn use_again(&mut self, block: NonNull<u8>) -> NonNull<u8> {
        // SAFETY: a block that waits is the start of a chunk of ours, whose bit is set.
        unsafe {
            let span = self.span_of_own(block);
            self.flip_waiting(span, span.granule_of(block));
            if Self::COUNTS_HELD {
                span.hold();
            }
        }
        block
    }

    /// Lets a chunk in use wait, if it may. Whether that is done.
    ///
    /// # Safety
    /// The chunk starts at `ptr`, does not wait, and nobody uses it any more.
    #[inline(always)]
    pub(super) unsafe fn let_wait_used(&mut self, chunk: UsedChunk<Unit<S, M>>, ptr: NonNull<u8>) -> bool {
        let bytes = chunk.size() * Self::GRANULE;
        // SAFETY: as the caller says.
        unsafe {
            let may_wait = self.quick.serves(bytes) && self.quick.has_room(bytes);
            if may_wait {
                self.quick.push(ptr, bytes);
                self.flip_waiting(chunk.span, chunk.start);
            } else if self.quick.serves_long(bytes) {
                self.let_wait_long(chunk.span, chunk.start, ptr, bytes);
            } else {
                return false;
            }
        }
        true
    }

    /// Lets the long block at granule `start` of `span` wait; the one whose place it takes is coalesced. O(1).
    ///
    /// # Safety
    /// A chunk in use of `bytes` bytes, which may wait as a long one, starts there, at `ptr`, does not wait, and nobody uses
    /// it any more.
    #[inline(always)]
    pub(super) unsafe fn let_wait_long(
        &mut self,
        span: Span<Unit<S, M>>,
        start: usize,
        ptr: NonNull<u8>,
        bytes: usize,
    ) {
        // SAFETY: as the caller says; a block that waited is the start of a chunk of ours, whose bit is set.
        unsafe {
            self.flip_waiting(span, start);
            if let Some((block, bytes)) = self.quick.exchange_long(ptr, bytes, self.counts.is_large()) {
                self.take_back_waiting::<true>(block, bytes);
            }
        }
    }

    /// Has the block at granule `start` of `span` wait, or no longer, as the bit says that tells of it.
    ///
    /// # Safety
    /// The span is one of the heap's, and a block starts there that may wait.
    #[inline(always)]
    pub(super) unsafe fn flip_waiting(&mut self, span: Span<Unit<S, M>>, start: usize) {
        // SAFETY: where blocks may wait, there are live bits or marks.
        unsafe { if M::REMOTE { span.live().flip(start) } else { span.marks().flip(start) } }
    }

    /// Whether the block at granule `start` of `span` waits.
    ///
    /// # Safety
    /// The span is one of the heap's, in which blocks may wait, and a chunk starts there that is not free.
    #[inline(always)]
    pub(super) unsafe fn is_waiting(span: Span<Unit<S, M>>, start: usize) -> bool {
        // SAFETY: as in `flip_waiting`.
        unsafe { if M::REMOTE { !span.live().is_set(start) } else { span.marks().is_set(start) } }
    }

    /// [`is_waiting`](Self::is_waiting), where it may be that none does.
    ///
    /// # Safety
    /// The span is one of the heap's, and a chunk starts there that is not free.
    #[inline(always)]
    pub(crate) unsafe fn waits(&self, span: Span<Unit<S, M>>, start: usize) -> bool {
        // SAFETY: as the caller says.
        self.quick.are_there() && unsafe { Self::is_waiting(span, start) }
    }

    /// Whether the block at granule `start` of `span` was freed elsewhere and is on its way back.
    ///
    /// # Safety
    /// The span is one of the heap's, and the granule one of it.
    #[inline(always)]
    pub(crate) unsafe fn is_posted(&self, span: Span<Unit<S, M>>, start: usize) -> bool {
        // SAFETY: where blocks may be freed from elsewhere, there are posted bits.
        if M::REMOTE { unsafe { span.posted().is_set(start) } } else { false }
    }

    /// Whether the block at granule `start` of `span` was freed, though it is not free in the map.
    ///
    /// # Safety
    /// As for [`waits`](Self::waits).
    pub(crate) unsafe fn is_freed(&self, span: Span<Unit<S, M>>, start: usize) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.waits(span, start) || self.is_posted(span, start) }
    }

    /// Coalesces every block that waits in a quick list: each by itself, or, where there are many, all at once. O(heap) at worst.
    pub fn flush(&mut self) {
        while self.flush_some() {}
    }

    /// [`close_if_scarce`](Self::close_if_scarce), where a free chunk of `old` granules became one of `new`, and is long no more.
    #[inline(always)]
    pub(super) fn close_if_shorter(&mut self, old: usize, new: usize) {
        // One comparison for `old >= ample && new < ample`.
        if Self::CLOSES && self.quick.ample().wrapping_sub(new + 1) < old - new {
            self.close_if_scarce();
        }
    }

    /// Coalesces all that waits, if no long chunk is free or to be had, and lets nothing wait any more if none comes of that: what
    /// waits keeps its neighbours apart, and where little else is free, what is freed beside it is soon cut up again.
    #[cold]
    #[inline(never)]
    pub(super) fn close_if_scarce(&mut self) {
        let is_scarce = |heap: &Self| {
            let ample = heap.quick.ample();
            let bytes = heap.source.largest().min(ample * Self::GRANULE);
            heap.bin_for(ample).is_none() && !heap.source.can_lend(bytes)
        };
        if self.quick.are_open() && is_scarce(self) {
            self.flush();
            if is_scarce(self) {
                self.quick.close();
            }
        }
    }

    /// Lets nothing wait for a while, if no chunk has `needed` granules though very much more is free. What waits is handed out
    /// again where it lies, and so keeps what is free on either side apart: as long as it does, there are ever more pieces, and
    /// ever more has to be asked of the source. What is coalesced is not, as small requests are served from short chunks
    /// first, and long ones come of it.
    ///
    /// Nothing waits when this is called.
    pub(super) fn close_if_in_pieces(&mut self, needed: usize) {
        let free = self.counts.free();
        if free / PIECES > needed && free > self.counts.capacity() / FREE_PART {
            self.quick.close_for(Self::TURNS * self.counts.used_chunks);
        }
    }

    /// Coalesces the long blocks that wait, or a few of the others, if any does. O(1); now and then, or if some wait in no list, all at
    /// once, as [`sweep`](Self::sweep).
    pub(super) fn flush_some(&mut self) -> bool {
        if M::LONG_WAIT && self.flush_long() {
            return true;
        }
        // While lists are closed, they are empty.
        if !self.quick.are_open() {
            return false;
        }
        // Code for that is a sixth of all that general mode has.
        let may_sweep = !(cfg!(for_size) && M::BOUNDED);
        if may_sweep && (self.quick.has_unlisted() || self.quick.is_time_to_sweep(self.counts.entries())) {
            self.sweep();
            self.release_for_now();
            return true;
        }
        let coalesced = self.flush_few();
        self.quick.count_coalesced(coalesced);
        coalesced > 0
    }

    /// Coalesces up to [`FLUSHED`] blocks that wait in lists, the largest first. How many. O(1).
    fn flush_few(&mut self) -> usize {
        let mut coalesced = 0;
        for bytes in self.quick.sizes() {
            // SAFETY: the lists serve the size.
            while let Some(block) = unsafe { self.quick.pop(bytes) } {
                // SAFETY: a block that waits is the start of a chunk of ours, whose bit is set; its span does not count it.
                unsafe { self.take_back_waiting::<false>(block, bytes) };
                coalesced += 1;
                if coalesced == FLUSHED {
                    return coalesced;
                }
            }
        }
        coalesced
    }

    /// Coalesces the long blocks that wait. Whether any did. O(1).
    fn flush_long(&mut self) -> bool {
        let mut any = false;
        while let Some((block, bytes)) = self.quick.take_any_long() {
            // SAFETY: a block that waits is the start of a chunk of ours, whose bit is set; where long ones do, no span
            // counts.
            unsafe { self.take_back_waiting::<true>(block, bytes) };
            any = true;
        }
        any
    }

    /// Coalesces a block of `bytes` bytes that waits, a `LONG` one or not, just taken off its list or its place.
    ///
    /// # Safety
    /// The block is the start of a chunk of ours, the bit says that it waits, and its span does not count it.
    #[inline(never)]
    pub(crate) unsafe fn take_back_waiting<const LONG: bool>(&mut self, block: NonNull<u8>, bytes: usize) {
        // SAFETY: the block lies in a span of ours, which has marks, unless the map has the bit.
        unsafe {
            let span = self.span_of_own(block);
            let (start, size) = (span.granule_of(block), bytes / Self::GRANULE);
            let neighbours = span.map().give_waiting(start, start + size);
            if !M::REMOTE {
                span.marks().flip(start);
            }
            self.coalesce::<LONG>(span, start, size, neighbours);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::mem::MaybeUninit;

    use super::*;
    use crate::inspect::FaultKind;
    use crate::{ArenaSource, GRANULE, Local};

    #[test]
    fn a_check_finds_a_long_block_that_is_in_use_among_those_that_wait() {
        let mut heap =
            Heap::<_, Local>::with_mode(ArenaSource::new(std::vec![MaybeUninit::uninit(); 5 << 20].leak()));
        let bytes = 100 * GRANULE;
        let block = heap.allocate(Layout::from_size_align(bytes, 8).unwrap()).unwrap();
        assert_eq!(heap.check(), Ok(()));
        // SAFETY: nobody uses the block, nor allocates from the heap any more.
        assert_eq!(unsafe { heap.quick.exchange_long(block, bytes, false) }, None);
        let fault = heap.check().map_err(|fault| (fault.kind, fault.address));
        assert_eq!(fault, Err((FaultKind::Waiting, block.addr().get())));
    }
}
