//! Spans come and go.

use core::ptr::NonNull;

use super::Heap;
use crate::bins::Bins;
use crate::chunk::KEPT_CELLS;
use crate::fresh::Fresh;
use crate::granule::{GRANULE, Granule, Unit};
use crate::map::WORD_GRANULES;
use crate::quick::{Lists, Policy, Quick};
use crate::raw::after;
use crate::span::{Overhead, Span};
use crate::{Mode, PageSource};

/// Free chunks of this many bytes and more are discarded: most systems' pages have as many.
const DISCARDED_FROM: usize = 4 << 10;

/// Where no other memory is to come, blocks wait only while a free chunk is such a part of all there is.
const AMPLE: usize = 6;

/// A length that no chunk has, nor twice that: lists never open.
const NEVER: usize = usize::MAX / 4;

/// How a block goes back to its source.
type Release<S> = unsafe fn(&mut S, NonNull<[u8]>);
/// How it is told that some bytes are not needed.
type Discard<S> = unsafe fn(&mut S, NonNull<u8>, usize);

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Adds a span, if the source has one, all of it a free chunk of at least `size` granules, which is returned.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&mut self, size: usize) -> Option<NonNull<u8>> {
        if S::ONE_BLOCK && self.bins.are_there() {
            // The one block is out.
            return None;
        }
        let overhead = self.overhead_of_next_span();
        let min = self.least_block_for(size, overhead)?;
        // SAFETY: the source is this heap's.
        let block = unsafe { self.source.request(min) }?;
        let most = (self.bins.largest() * Self::GRANULE).max(overhead.bins_for).min(<Unit<S, M>>::REACH);
        let has_room = overhead.capacity::<Unit<S, M>>(block.len() / <Unit<S, M>>::BYTES) >= size;
        let is_whole = block.len().is_multiple_of(GRANULE);
        if block.len() < min || block.len() > most || !is_whole || !has_room {
            // SAFETY: the block was just handed out, and is unused. A source that breaks its word is not used.
            unsafe { self.source.release(block) };
            return None;
        }
        let zeroed = S::ZEROED && self.source.last_is_zeroed();
        // SAFETY: the block is ours and large enough, and all zero if the source says so.
        unsafe {
            let span = Span::lay(block, overhead, zeroed);
            self.end_wilderness();
            if zeroed {
                self.fresh = Fresh::whole(span.address(span.first()), span.capacity_bytes());
            }
            Some(self.adopt(span, overhead))
        }
    }

    /// The bytes to ask the source for, so that a chunk of `size` granules fits: if they can be had, so many that any larger
    /// block will do too.
    fn least_block_for(&self, size: usize, overhead: Overhead) -> Option<usize> {
        let least = overhead.block_for::<Unit<S, M>>(size)?;
        let sure = overhead.enlarged::<Unit<S, M>>(least, size)?;
        Some(if sure <= self.source.largest() { sure } else { least })
    }

    /// The first span holds the bins.
    fn overhead_of_next_span(&self) -> Overhead {
        if self.bins.are_there() {
            return Overhead { marks: self.has_marks(), ..Overhead::LEAST };
        }
        let largest = self.source.largest().min(Bins::<Unit<S, M>>::LARGEST * Self::GRANULE);
        let policy = Self::policy_for(largest);
        let lists = if M::Lists::IN_SPAN { policy } else { Policy::OFF };
        Overhead { bins_for: largest, lists, marks: Self::MARKS && lists.is_on() }
    }

    /// Whether a span holds the bins.
    pub(crate) fn is_home(&self, span: Span<Unit<S, M>>) -> bool {
        self.home() == Some(span)
    }

    /// Bytes of bins in a span of this heap.
    pub(crate) fn bins_bytes(&self, span: Span<Unit<S, M>>) -> usize {
        if self.is_home(span) { self.bins.own_bytes() } else { 0 }
    }

    /// Whether marks of spans tell which blocks wait.
    pub(crate) fn has_marks(&self) -> bool {
        Self::MARKS && self.quick.are_there()
    }

    /// Takes in a span just laid. Its one free chunk.
    ///
    /// # Safety
    /// It was laid with that overhead in a block of this heap's source.
    unsafe fn adopt(&mut self, span: Span<Unit<S, M>>, overhead: Overhead) -> NonNull<u8> {
        // SAFETY: the span is laid, with room for the bins if the overhead has them; all its granules are free.
        unsafe {
            if overhead.bins_for > 0 {
                self.bins.initialize(span.start(), span.bins_memory(), overhead.bins_for / Self::GRANULE);
                self.lay_lists(span, overhead.bins_for);
                (self.base, self.end) = (span.start(), span.end());
                if Self::COUNTS_HELD {
                    // The bins keep it.
                    span.hold();
                }
            }
            span.push(&mut self.spans);
            self.counts.add_span(span.block().len(), span.capacity());
            if M::REMOTE {
                self.quick.earn_by_growth(span.capacity() / WORD_GRANULES);
            }
            let chunk = span.address(span.first());
            self.insert(span.position(span.first()), span.capacity());
            if Self::CLOSES {
                self.let_wait_for_now();
                self.close_if_scarce();
            }
            chunk
        }
    }

    /// Lets blocks wait, as a span has come or gone, until there is no long free chunk any more.
    fn let_wait_for_now(&mut self) {
        let ample = if self.quick.are_there() { self.counts.capacity().div_ceil(AMPLE) } else { NEVER };
        self.quick.set_ample(ample);
        if !self.quick.are_closed_for_some() {
            self.quick.open();
        }
    }

    /// Gives a span that has just become entirely free back to the source, or keeps it: one, no larger than all the
    /// others together, so that a program which allocates and frees at an edge does not map and unmap each time.
    ///
    /// # Safety
    /// The span is one of ours and entirely free.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn span_is_free(&mut self, span: Span<Unit<S, M>>) {
        // SAFETY: as the caller says.
        unsafe { self.keep_or_release(span, S::release) };
    }

    /// [`span_is_free`](Self::span_is_free), of each span that is, once all that waited was coalesced for a request. O(spans).
    pub(super) fn release_for_now(&mut self) {
        let mut next = self.spans;
        while let Some(span) = next {
            // SAFETY: the span is one of ours, and its successor is read before it goes.
            unsafe {
                next = span.next();
                if span.is_free() {
                    self.keep_or_release(span, S::release_for_now);
                }
            }
        }
    }

    /// Gives every span that is entirely free back to the source, but the one that holds the bins. O(spans).
    pub(super) fn release_free(&mut self, release: Release<S>) {
        let mut next = self.spans;
        while let Some(span) = next {
            // SAFETY: the span is one of ours, and its successor is read before it goes.
            unsafe {
                next = span.next();
                if !self.is_home(span) && span.is_free() && !self.is_pinned(span) {
                    self.release(span, release);
                }
            }
        }
    }

    /// [`span_is_free`](Self::span_is_free), where what is not kept goes back by `release`.
    ///
    /// # Safety
    /// As there.
    unsafe fn keep_or_release(&mut self, span: Span<Unit<S, M>>, release: Release<S>) {
        // SAFETY: the span is one of ours.
        if self.is_home(span) || unsafe { self.is_pinned(span) } {
            return;
        }
        // SAFETY: the span is one of ours, and so is the spare: a span leaves through `release`, which forgets it.
        unsafe {
            let fits = span.block().len() <= self.counts.source - span.block().len();
            let taken = self.spare.is_some_and(|spare| spare != span && spare.is_free());
            if fits && !taken {
                self.spare = Some(span);
            } else {
                self.release(span, release);
            }
        }
    }

    /// Gives every span that is entirely free back to the source; the last one too, if nothing at all is in use. Tells it of
    /// what else is free, in pieces of 4 KiB and more, so that it may give pages of that back.
    /// Returns the bytes given back. O(spans + such pieces), and O(heap) where blocks may wait.
    pub fn trim(&mut self) -> usize {
        self.trim_from(DISCARDED_FROM)
    }

    /// [`trim`](Self::trim), where the source is told of pieces of `bytes` bytes and more.
    pub(crate) fn trim_from(&mut self, bytes: usize) -> usize {
        let before = self.counts.source;
        self.sweep();
        self.release_free(S::release);
        if let Some(home) = self.home()
            && (self.counts.used_chunks, self.counts.spans) == (0, 1)
            // SAFETY: the span is one of ours.
            && !unsafe { self.is_pinned(home) }
        {
            // SAFETY: nothing is in use, and this is the last span, so that it is free.
            unsafe { self.release(home, S::release) };
            (self.bins, self.quick) = (Bins::new(), Quick::new());
            self.end = 0;
        }
        self.discard_from(bytes, S::discard);
        before - self.counts.source
    }

    /// Tells the source what is free in pieces of 4 KiB and more.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    pub(crate) fn discard(&mut self) {
        self.discard_from(DISCARDED_FROM, S::discard);
    }

    /// Tells the source, by `discard`, of free chunks of `bytes` bytes and more that all but what each keeps of itself is not
    /// needed.
    pub(super) fn discard_from(&mut self, bytes: usize, discard: Discard<S>) {
        if !self.bins.are_there() {
            return;
        }
        // SAFETY: the bins lie in a span. The bytes lie in a free chunk, behind what it keeps at its start and below its footer.
        unsafe {
            let (base, source, cell) = (self.base(), &mut self.source, <Unit<S, M>>::CELL);
            self.bins.each_from(base, bytes / Self::GRANULE, |chunk, size| {
                let (start, bytes) = (chunk.address(base), size * Self::GRANULE);
                discard(source, after(start, KEPT_CELLS * cell), bytes - (KEPT_CELLS + 1) * cell);
            });
        }
    }

    /// Whether a span may not go though it is free: somebody may look into it for blocks that were posted.
    ///
    /// # Safety
    /// The span is one of the heap's.
    unsafe fn is_pinned(&self, span: Span<Unit<S, M>>) -> bool {
        // SAFETY: as the caller says.
        M::REMOTE && (self.pinned == Some(span.start()) || unsafe { span.is_noted() })
    }

    /// Gives a span back to the source, by `release`.
    ///
    /// # Safety
    /// The span is one of ours and entirely free; the bins do not lie in it, or hold nothing else.
    unsafe fn release(&mut self, span: Span<Unit<S, M>>, release: Release<S>) {
        if self.spare == Some(span) {
            self.spare = None;
        }
        // SAFETY: the span is laid.
        let block = unsafe { span.block() };
        // SAFETY: the span's one chunk is in a bin, and nothing else of it is in use.
        unsafe {
            self.bins.remove(self.base(), span.position(span.first()));
            if S::ZEROED && self.fresh.ends_at(span.address(span.end())) {
                // Another heap may have the memory next, and write to it.
                self.fresh = Fresh::NONE;
            }
            span.unlink(&mut self.spans);
            self.counts.remove_span(block.len(), span.capacity());
            release(&mut self.source, block);
        }
        if Self::CLOSES {
            self.let_wait_for_now();
        }
        if M::REMOTE {
            self.quick.forget_witness_in(block);
        }
    }
}

impl<S: PageSource, M: Mode> Drop for Heap<S, M> {
    /// Gives every span back to the source, blocks in use included.
    fn drop(&mut self) {
        while let Some(span) = self.spans {
            // SAFETY: the span is one of ours, and the heap, with all its blocks, is at its end.
            unsafe {
                span.unlink(&mut self.spans);
                self.source.release(span.block());
            }
        }
    }
}
