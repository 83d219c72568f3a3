//! Making chunks in use free, merged with their free neighbours.

use core::ptr::NonNull;

use super::Heap;
use super::lookup::UsedChunk;
use crate::granule::{Position, Unit};
use crate::map::Neighbours;
use crate::raw::prefetch;
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
            self.coalesce::<false>(span, start, end - start, neighbours);
        }
    }

    /// Puts the `size` granules of `span` from `start` on, which were a chunk in use, into a bin, merged with their free
    /// neighbours. Whether those of a `LONG` chunk are free is hardly foreseen, so there is no branch on that: what they keep should
    /// be [read ahead](Self::prefetch_neighbours).
    ///
    /// # Safety
    /// The map has them free already; the neighbours are free, and in bins, where that is said.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub(super) unsafe fn coalesce<const LONG: bool>(
        &mut self,
        span: Span<Unit<S, M>>,
        start: usize,
        size: usize,
        neighbours: Neighbours,
    ) {
        self.counts.count_out(1, size);
        // SAFETY: free neighbours are in bins.
        unsafe {
            let (base, at) = (self.base(), span.position(start));
            let (lower_free, upper_free) = (neighbours.lower_free(), neighbours.upper_free());
            let (above, below) = if LONG {
                let above = self.bins.remove_if(base, at.up(size), upper_free);
                (above, self.bins.remove_below_if(base, at, lower_free))
            } else {
                let above = if upper_free { self.bins.remove(base, at.up(size)) } else { 0 };
                (above, if lower_free { self.bins.remove_below(base, at) } else { 0 })
            };
            let all = below + size + above;
            self.put(at.down(below), all);
            if !S::ONE_BLOCK && all == span.capacity() {
                self.span_is_free(span);
            }
        }
    }

    /// Has what neighbours of the chunk of `bytes` bytes at `ptr` keep beside it, if they are free, read ahead of that.
    #[inline(always)]
    pub(super) fn prefetch_neighbours(ptr: NonNull<u8>, bytes: usize) {
        prefetch(ptr.as_ptr().wrapping_sub(1));
        prefetch(ptr.as_ptr().wrapping_add(bytes));
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
