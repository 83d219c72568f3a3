//! Coalescing all that waits at once.

use super::Heap;
use crate::granule::Unit;
use crate::map::{Field, InUse};
use crate::span::Span;
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Coalesces every block that waits, in the order of addresses: the blocks themselves are not looked at, only the map,
    /// and of the chunks that come of it each goes into its bin once. For many blocks that is a small part of what
    /// [`flush`](Self::flush) takes. O(heap).
    pub(super) fn sweep(&mut self) {
        self.quick.forget();
        self.bins.forget();
        let mut next = self.spans;
        while let Some(span) = next {
            // SAFETY: the span is one of the heap's; what is free in it is in no bin, and what waits in no list.
            unsafe {
                self.sweep_span(span);
                next = span.next();
            }
        }
    }

    /// Makes what waits in a span free, and puts all that is free in it into bins.
    ///
    /// # Safety
    /// The span is one of the heap's; what is free in it is in no bin, and what waits in no list.
    unsafe fn sweep_span(&mut self, span: Span<Unit<S, M>>) {
        // SAFETY: as the caller says; the granules are the span's, and each is a chunk's first.
        unsafe {
            let (mut at, granules) = (span.first(), span.granules());
            let mut free_from = None;
            while at < granules {
                let Field::Used { .. } = span.map().field_above(at, free_from.is_some()) else {
                    free_from.get_or_insert(at);
                    at = span.map().scan(at + 1, granules);
                    continue;
                };
                let InUse { end, .. } = span.map().extent(at);
                if self.waits(span, at) {
                    span.map().give_waiting(at, end);
                    if !M::REMOTE {
                        span.flip_waiting(at);
                    }
                    self.totals.count_out((end - at) * Self::GRANULE);
                    free_from.get_or_insert(at);
                } else if let Some(from) = free_from.take() {
                    self.bins.insert(span.address(from), (at - from) * Self::GRANULE);
                }
                at = end;
            }
            if let Some(from) = free_from {
                self.bins.insert(span.address(from), (granules - from) * Self::GRANULE);
            }
        }
    }
}
