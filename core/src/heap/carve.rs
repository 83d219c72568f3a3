//! Batches of blocks of one size, cut off a chunk at once: the first is handed out, the others wait. Large ones of thread heaps start
//! where their blocks lie in as few lines of the cache as can be.

use core::ptr::NonNull;

use super::Heap;
use super::allocate::to_multiple;
use crate::granule::{Position, Unit};
use crate::map::WORD_GRANULES;
use crate::raw::after;
use crate::{Mode, PageSource, quick};

/// Granules and blocks that are carved at once, at most, and the granules of the chunks that are.
struct Batch {
    size: usize,
    blocks: usize,
    from: usize,
}

/// Bytes of a line of the cache, on most machines.
const LINE: usize = 64;
/// Such a part of a batch may be left out below it.
const LEFT_OUT: usize = 16;

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// General mode cuts batches off long chunks alone, so that small holes stay for the sizes they fit. A batch has a map entry's
    /// granules, so that a piece of half of it at most ends in the entry it starts in, or in the next, and needs no note.
    const BATCH: Batch = if M::BOUNDED {
        Batch { size: WORD_GRANULES, blocks: quick::BATCH, from: 16 * WORD_GRANULES }
    } else {
        Batch { size: 32 * WORD_GRANULES, blocks: 1024, from: 0 }
    };

    /// Whether a batch has two blocks of `size` granules at least, and none of them covers a map entry, which would need a note.
    #[inline(always)]
    pub(super) const fn may_be_carved(size: usize) -> bool {
        let half = Self::BATCH.size / 2;
        M::WAITS && size <= if half < WORD_GRANULES { half } else { WORD_GRANULES }
    }

    /// Whether a chunk is so long that blocks of `size` granules are carved off it.
    #[inline(always)]
    pub(super) const fn is_worth_a_batch(chunk_size: usize, size: usize) -> bool {
        chunk_size >= if Self::BATCH.from > 0 { Self::BATCH.from } else { 2 * size }
    }

    /// Hands out the first `size` granules of a free chunk, and lets the next few pieces of as many wait; what is left goes
    /// into a bin. Or, if many blocks wait in no list, one of those, and the chunk stays as it is. O(1), but where they are
    /// [gathered](Self::gather_if_many).
    ///
    /// # Safety
    /// The chunk is in no bin and has `chunk_size` granules, twice as many as `size` or more, which are half of a batch or
    /// less. The quick lists serve the size, and have room for a batch.
    #[inline(never)]
    pub(super) unsafe fn carve(
        &mut self,
        chunk: Position<Unit<S, M>>,
        chunk_size: usize,
        size: usize,
    ) -> NonNull<u8> {
        // SAFETY: the lists serve no size of 0. The chunk lies in a span of ours, and the pieces in the chunk.
        unsafe {
            core::hint::assert_unchecked(size != 0);
            let (base, bytes) = (self.base(), size * Self::GRANULE);
            if self.gather_if_many()
                && let Some(block) = self.take_waiting(bytes)
            {
                self.insert(chunk, chunk_size);
                return block;
            }
            let most = Self::BATCH.blocks.min(Self::BATCH.size / size);
            let count = self.quick.next_batch(bytes, most).min(chunk_size / size);
            let (chunk, chunk_size) = if M::BOUNDED {
                (chunk, chunk_size)
            } else {
                self.leave_out_below_line(chunk, chunk_size, size, count)
            };
            let span = self.span_of(chunk);
            let (block, at) = (chunk.address(base), chunk.granule(span.start()));
            if Self::COUNTS_HELD {
                span.hold();
            }
            span.map().take_many(at, size, count, |word, bits| {
                if !M::REMOTE {
                    span.marks().flip_many(word, bits);
                }
            });
            if count > 1 {
                self.quick.push_row(after(block, bytes), bytes, count - 1);
            }
            self.counts.count_in(count, count * size);
            self.put_rest(chunk, chunk_size, count * size);
            block
        }
    }

    /// What is left of a free chunk above the granules that are left out so that blocks of `size`, `count` of them, lie in no more
    /// lines of the cache than need be, if these are few; they stay free. O(1).
    ///
    /// # Safety
    /// The chunk is in no bin, has `chunk_size` granules, and room for the blocks.
    #[inline(always)]
    unsafe fn leave_out_below_line(
        &mut self,
        chunk: Position<Unit<S, M>>,
        chunk_size: usize,
        size: usize,
        count: usize,
    ) -> (Position<Unit<S, M>>, usize) {
        let all = count * size;
        // SAFETY: the granules left out are the chunk's.
        unsafe {
            let out = to_multiple::<Unit<S, M>>(chunk.address(self.base()), in_line(size * Self::GRANULE));
            if out == 0 || out > chunk_size - all || out * LEFT_OUT > all {
                return (chunk, chunk_size);
            }
            self.bins.insert(self.base(), chunk, out);
            (chunk.up(out), chunk_size - out)
        }
    }
}

/// What blocks of `bytes` bytes should be at multiples of, so that none lies in more lines of the cache than need be.
const fn in_line(bytes: usize) -> usize {
    let all = 1 << bytes.trailing_zeros();
    if all < LINE { all } else { LINE }
}
