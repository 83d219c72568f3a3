//! What waits, put in order.
//!
//! Blocks come off a list in the opposite order of their frees. If many were freed at random, those that are handed out one
//! after another lie far apart, and whoever works on them waits for memory most of the time. So now and then rows of what
//! is not in use are coalesced, if they are long, and the blocks of short ones wait in the order of their addresses.

use core::alloc::Layout;

use super::Heap;
use crate::granule::{GRANULE, TwoWordsLive, Unit, rounded};
use crate::map::{Row, WORD_GRANULES};
use crate::span::Span;
use crate::{Local, PageSource};

/// So few blocks may as well stay as they are: they are in the cache.
const FEW: usize = 8192;
/// One in so many of the maps' entries is looked at to see how many wait: a prime, so that what repeats at multiples of a power of
/// two is met at all its places.
const STEP: usize = 7;
/// Granules of a row that is coalesced.
const LONG: usize = WORD_GRANULES;

impl<S: PageSource> Heap<S, Local> {
    /// Counts a request. Whether there were so many that it may be time to look how many blocks wait.
    #[inline(always)]
    pub(crate) fn count_request(&mut self) -> bool {
        self.quick.count_request()
    }

    /// Whether there were so many requests that it may be time to look how many blocks wait.
    #[inline(always)]
    pub(crate) fn may_tidy(&self) -> bool {
        self.quick.may_tidy()
    }

    /// Told of one request of many, so that it is known which sizes are asked for, though each may be served at once.
    pub(crate) fn note_request(&mut self, layout: Layout) {
        self.quick.note_request(rounded::<TwoWordsLive>(layout.size()));
    }

    /// [`tidy`](Self::tidy), if it is time to look whether many blocks wait, and many do.
    pub(crate) fn tidy_if_many(&mut self) {
        if !self.quick.is_time_to_look() {
            return;
        }
        if self.do_many_wait() {
            self.tidy();
        } else {
            self.quick.look_after(0, self.counts.entries());
        }
    }

    /// Whether more than a [`FEW`] blocks wait. O(heap / the granules of a map entry); O(1) if there are not so many blocks at all.
    fn do_many_wait(&self) -> bool {
        // What waits is counted as in use.
        self.counts.used_chunks > FEW && self.estimate_waiting() > FEW
    }

    /// About how many blocks wait. O(heap / the granules of a map entry).
    pub(crate) fn estimate_waiting(&self) -> usize {
        // SAFETY: the spans are the heap's.
        let spans = core::iter::successors(self.spans, |span| unsafe { span.next() });
        // SAFETY: as before.
        spans.map(|span| unsafe { span.map().count_waiting(span.first(), span.end(), STEP) }).sum()
    }

    /// Coalesces what waits in long rows, and puts the rest in order: the lowest of each size in a span is handed out first.
    /// O(heap / the granules of a map entry + chunks that wait or are free).
    pub(crate) fn tidy(&mut self) {
        if !self.quick.are_there() || !self.bins.are_there() {
            return;
        }
        let are_all_asked = !self.quick.close_unasked();
        self.quick.forget();
        let (mut next, mut ordered) = (self.spans, 0);
        while let Some(span) = next {
            // SAFETY: the span is one of the heap's. What waits in it is in no list any more.
            unsafe {
                ordered += self.tidy_span(span, are_all_asked);
                next = span.next();
            }
        }
        self.release_for_now();
        self.quick.look_after(ordered, self.counts.entries());
    }

    /// [`tidy`](Self::tidy), of a span, from the top down. How many blocks of it wait.
    ///
    /// # Safety
    /// The span is one of the heap's. What waits in it is in no list.
    unsafe fn tidy_span(&mut self, span: Span<Unit<S, Local>>, are_all_asked: bool) -> usize {
        let mut ordered = 0;
        // SAFETY: as the caller says.
        unsafe {
            let mut below = span.end();
            while let Some(row) = span.map().row_below(span.first(), below) {
                let is_short = row.end - row.start < LONG;
                if is_short && (are_all_asked || self.may_row_wait(span, row)) {
                    ordered += self.let_row_wait(span, row);
                } else {
                    self.coalesce_row(span, row);
                }
                below = row.start;
            }
        }
        ordered
    }

    /// Whether all that waits in a row may go on to.
    ///
    /// # Safety
    /// As for [`tidy_span`](Self::tidy_span); the row is one of the span, and short.
    unsafe fn may_row_wait(&self, span: Span<Unit<S, Local>>, row: Row) -> bool {
        // SAFETY: as the caller says; what is so short has a list.
        unsafe {
            let mut chunks = span.map().chunks_of(row);
            chunks.all(|chunk| chunk.is_free || self.quick.has_room((chunk.end - chunk.start) * GRANULE))
        }
    }

    /// Puts what waits in a row into lists. How many blocks.
    ///
    /// # Safety
    /// As for [`tidy_span`](Self::tidy_span); the row is one of the span.
    unsafe fn let_row_wait(&mut self, span: Span<Unit<S, Local>>, row: Row) -> usize {
        let mut count = 0;
        // SAFETY: as the caller says; what is so short and waits has a list.
        unsafe {
            for chunk in span.map().chunks_of(row).filter(|chunk| !chunk.is_free) {
                self.quick.push(span.address(chunk.start), (chunk.end - chunk.start) * GRANULE);
                count += 1;
            }
        }
        count
    }

    /// Makes a row one free chunk, if it is not.
    ///
    /// # Safety
    /// As there.
    unsafe fn coalesce_row(&mut self, span: Span<Unit<S, Local>>, row: Row) {
        let (mut waited, mut size) = (0, 0);
        // SAFETY: as the caller says; what is free is in a bin.
        unsafe {
            for chunk in span.map().chunks_of(row) {
                if chunk.is_free {
                    if chunk.end - chunk.start == row.end - row.start {
                        return;
                    }
                    self.bins.remove(self.base(), span.position(chunk.start));
                } else {
                    (waited, size) = (waited + 1, size + chunk.end - chunk.start);
                }
            }
            span.map().join(row);
            self.counts.count_out(waited, size);
            self.insert(span.position(row.start), row.end - row.start);
        }
    }
}
