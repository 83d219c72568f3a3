//! What waits, put in order.
//!
//! Blocks come off a list in the opposite order of their frees. If many were freed at random, those that are handed out one
//! after another lie far apart, and whoever works on them waits for memory most of the time. So when much was freed, and more is
//! asked for, rows of what is not in use are coalesced, if they are long, and the blocks of short ones wait in the order of their
//! addresses. Where as many come and go, nothing is done: what was freed last is in the cache.

use core::alloc::Layout;

use super::Heap;
use crate::granule::{GRANULE, TwoWordsLive, Unit, rounded};
use crate::map::{Row, WORD_GRANULES};
use crate::span::Span;
use crate::{Local, PageSource};

/// So few blocks may as well stay as they are: they are in the cache.
const FEW: usize = 8192;
/// Many have come to wait once they are such a part of all blocks, and no fewer than of the maps' entries,
const PART: usize = 4;
/// or such a part in a large heap, which is in no cache: there order is worth more.
const PART_OF_LARGE: usize = 8;
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
        let many = self.many();
        if !self.quick.is_time_to_look(many) {
            return;
        }
        if self.estimate_waiting() > many {
            self.tidy();
        } else {
            self.quick.look_again();
        }
    }

    /// Blocks that are so many, if they have come to wait, that to look at all of the heap takes a small part of what their frees took.
    fn many(&self) -> usize {
        let part = if self.counts.is_large() { PART_OF_LARGE } else { PART };
        // What waits is counted as in use.
        FEW.max(self.counts.used_chunks.max(self.counts.entries()) / part)
    }

    /// About how many blocks wait. O(heap / the granules of a map entry).
    pub(crate) fn estimate_waiting(&self) -> usize {
        // SAFETY: the spans are the heap's.
        let spans = core::iter::successors(self.spans, |span| unsafe { span.next() });
        // SAFETY: as before.
        spans.map(|span| unsafe { span.map().count_waiting(span.first(), span.end(), STEP) }).sum()
    }

    /// Coalesces what waits in long rows, and puts the rest in order: what lies in the lowest rows of a span is handed out first.
    /// O(heap / the granules of a map entry + chunks that wait or are free).
    pub(crate) fn tidy(&mut self) {
        if !self.quick.are_there() || !self.bins.are_there() {
            return;
        }
        let are_all_asked = !self.quick.close_unasked();
        self.quick.forget();
        let mut next = self.spans;
        while let Some(span) = next {
            // SAFETY: the span is one of the heap's. What waits in it is in no list any more.
            unsafe {
                self.tidy_span(span, are_all_asked);
                next = span.next();
            }
        }
        self.release_for_now();
    }

    /// [`tidy`](Self::tidy), of a span, from the top down.
    ///
    /// # Safety
    /// The span is one of the heap's. What waits in it is in no list.
    unsafe fn tidy_span(&mut self, span: Span<Unit<S, Local>>, are_all_asked: bool) {
        // SAFETY: as the caller says.
        unsafe {
            let mut below = span.end();
            while let Some(row) = span.map().row_below(span.first(), below) {
                let is_short = row.end - row.start < LONG;
                if is_short && (are_all_asked || self.may_row_wait(span, row)) {
                    self.let_row_wait(span, row);
                } else {
                    self.coalesce_row(span, row);
                }
                below = row.start;
            }
        }
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

    /// Puts what waits in a row into lists.
    ///
    /// # Safety
    /// As for [`tidy_span`](Self::tidy_span); the row is one of the span.
    unsafe fn let_row_wait(&mut self, span: Span<Unit<S, Local>>, row: Row) {
        // SAFETY: as the caller says; what is so short and waits has a list.
        unsafe {
            for chunk in span.map().chunks_of(row).filter(|chunk| !chunk.is_free) {
                self.quick.push(span.address(chunk.start), (chunk.end - chunk.start) * GRANULE);
            }
        }
    }

    /// Makes a row one free chunk, if it is not.
    ///
    /// # Safety
    /// As there.
    unsafe fn coalesce_row(&mut self, span: Span<Unit<S, Local>>, row: Row) {
        // SAFETY: as the caller says; what is free is in a bin.
        unsafe {
            if span.map().is_one_free(row) {
                return;
            }
            let mut size = row.end - row.start;
            let waited = span.map().join(row, |free| {
                self.bins.remove(self.base(), span.position(free.start));
                size -= free.len();
            });
            self.counts.count_out(waited, size);
            self.insert(span.position(row.start), row.end - row.start);
        }
    }
}
