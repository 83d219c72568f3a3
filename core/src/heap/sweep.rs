//! Coalescing all that waits at once.

use super::Heap;
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Coalesces every block that waits, in the order of addresses, where the map tells which do: the blocks themselves are not
    /// looked at, and of the chunks that come of it each goes into its bin once. Where many lie side by side, that is
    /// a small part of what it takes to coalesce each. O(heap / the granules of a map entry + free chunks).
    pub(super) fn sweep(&mut self) {
        if !self.quick.are_there() || !self.bins.are_there() {
            return;
        }
        self.quick.forget();
        // SAFETY: the bins lie in a span.
        let base = unsafe { self.base() };
        // SAFETY: as before.
        unsafe { self.bins.forget(base) };
        let (mut next, mut free, mut waited) = (self.spans, 0, 0);
        while let Some(span) = next {
            // SAFETY: the span is one of the heap's, and the granules are its own; what is free in it is in no bin, and what
            // waits in no list.
            unsafe {
                let waiting = |index| if Self::MARKS { span.marks().word_at(index) } else { 0 };
                waited += span.map().sweep(span.first(), span.end(), waiting, |from, to| {
                    self.insert(span.position(from), to - from);
                    free += to - from;
                });
                if Self::MARKS {
                    span.clear_marks();
                }
                next = span.next();
            }
        }
        self.counts.count_free(waited, free);
    }
}
