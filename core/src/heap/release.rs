//! Spans in which nothing is in use, though blocks wait there: others may need the memory, and the heap may not for long.

use super::Heap;
use crate::{Local, PageSource};

/// Spans that a heap may have though nothing is in use in any.
const KEPT: usize = 2;
/// With nothing in use such a part of all goes back.
const PART: usize = 2;
/// For each free of a block that waits in a list a map entry may be looked at, and for each of another so many.
const LONG_FREE: isize = 8;

/// What a look at spans found.
#[derive(Default)]
struct Look {
    unused: usize,
    used: usize,
    /// Map entries that were looked at.
    entries: usize,
}

impl<S: PageSource> Heap<S, Local> {
    /// Counts a free of a block that does not wait in a list. After many frees, gives spans in which nothing is in use back to the
    /// source, if they are a large part of all.
    #[inline(always)]
    pub(crate) fn count_free(&mut self) {
        self.free_and_count(|_| ());
    }

    /// [`count_free`](Self::count_free), of one that `take_back` makes: mostly the last call of all, so that registers need not be kept
    /// for it.
    #[inline(always)]
    pub(crate) fn free_and_count(&mut self, take_back: impl FnOnce(&mut Self)) {
        if self.quick.count_free(LONG_FREE) {
            self.take_back_and_release(take_back);
        } else {
            take_back(self);
        }
    }

    #[cold]
    #[inline(never)]
    fn take_back_and_release(&mut self, take_back: impl FnOnce(&mut Self)) {
        take_back(self);
        self.release_unused();
    }

    /// [`count_free`](Self::count_free), of one that is counted already.
    #[inline(always)]
    pub(crate) fn release_if_time(&mut self) {
        if self.quick.is_time_to_release() {
            self.release_unused();
        }
    }

    /// O(heap / the granules of a map entry + free chunks), which is a part of what the frees since took.
    #[cold]
    #[inline(never)]
    fn release_unused(&mut self) {
        let may_release = self.counts.spans > KEPT && self.source.wants_back();
        let look = if may_release { self.look_for_unused() } else { Look::default() };
        if look.unused > 1 && look.unused >= self.counts.spans / PART {
            self.release_swept();
        } else {
            self.quick.release_after(look.entries);
        }
        if !self.has_live_witness() {
            self.replace_witness(None);
        }
    }

    /// Gives all spans but the home back that have nothing in use.
    pub(super) fn release_swept(&mut self) {
        self.sweep();
        self.release_free(S::release_for_now);
        self.quick.release_after(self.counts.entries());
    }

    /// How many spans have nothing in use, as long as that may be a large part. Those that were added last, where the most is likely
    /// in use, come first. O(heap / the granules of a map entry), where most of it is unused.
    fn look_for_unused(&self) -> Look {
        let mut look = Look::default();
        let mut next = self.spans;
        while let Some(span) = next
            && look.used <= self.counts.spans - self.counts.spans / PART
        {
            // SAFETY: the span is the heap's.
            match unsafe { span.map().unused_entries(span.first_not_free(), span.end()) } {
                Ok(below) => {
                    look.used += 1;
                    look.entries += below;
                }
                Err(all) => {
                    look.unused += 1;
                    look.entries += all;
                }
            }
            // SAFETY: as before.
            next = unsafe { span.next() };
        }
        look
    }
}
