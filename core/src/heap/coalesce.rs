//! Making chunks in use free, merged with their free neighbours.

use super::Heap;
use super::lookup::UsedChunk;
use crate::granule::{Position, Unit};
use crate::map::Neighbours;
use crate::span::Span;
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Makes a chunk in use, which its span does not count any more, a free one, merged with its free neighbours.
    ///
    /// # Safety
    /// The chunk is in use, does not wait, and nobody uses it any more.
    #[inline(never)]
    pub(super) unsafe fn take_back(&mut self, chunk: UsedChunk<Unit<S, M>>) {
        // SAFETY: as the caller says.
        unsafe { self.take_back_clearing(chunk.span, chunk.start, chunk.map.end, || ()) }
    }

    /// [`take_back`](Self::take_back), of the chunk `[start, end)` of `span`. If a posted bit says that it was freed, `clear`
    /// clears that, once the map says so: who looks at those bits first and at the map then sees the chunk free all the while.
    ///
    /// # Safety
    /// As for `take_back`, but for the bit.
    #[inline(always)]
    pub(super) unsafe fn take_back_clearing(
        &mut self,
        span: Span<Unit<S, M>>,
        start: usize,
        end: usize,
        clear: impl FnOnce(),
    ) {
        // SAFETY: the chunk is in use.
        unsafe {
            let neighbours = span.map().give(start, end);
            clear();
            self.coalesce(span, start, end - start, neighbours);
        }
    }

    /// Puts the `size` granules of `span` from `start` on, which were a chunk in use, into a bin, merged with their free
    /// neighbours.
    ///
    /// # Safety
    /// The map has them free already; the neighbours are free, and in bins, where that is said.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub(super) unsafe fn coalesce(
        &mut self,
        span: Span<Unit<S, M>>,
        start: usize,
        mut size: usize,
        neighbours: Neighbours,
    ) {
        self.counts.count_out(1, size);
        // SAFETY: free neighbours are in bins.
        unsafe {
            let (base, mut at) = (self.base(), span.position(start));
            if neighbours.upper_free() {
                size += self.bins.remove(base, at.up(size));
            }
            if neighbours.lower_free() {
                let below = self.bins.remove_below(base, at);
                at = at.down(below);
                size += below;
            }
            self.put(at, size);
            if !S::ONE_BLOCK && size == span.capacity() {
                self.span_is_free(span);
            }
        }
    }

    /// Puts a free chunk into a bin.
    ///
    /// # Safety
    /// It is in none, has `size` granules, one at least, and lies in a span of ours, which the map has it in already.
    #[inline(always)]
    pub(super) unsafe fn put(&mut self, chunk: Position<Unit<S, M>>, size: usize) {
        // SAFETY: as the caller says.
        unsafe { self.insert_freed(chunk, size) };
        if Self::CLOSES && size >= self.quick.opens_at() {
            self.open_lists();
        }
        if Self::HEALS && self.quick.are_closed_for_some() && self.quick.count_freed() {
            self.open_lists();
        }
    }
}
