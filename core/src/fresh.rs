//! What no block has covered yet: memory that a source gave as zeros, and that need not be zeroed once more.

use core::ptr::NonNull;

use crate::granule::GRANULE;

/// What a free chunk keeps of itself at its start: less than two granules.
const HEAD: usize = 2 * GRANULE;
/// What it keeps at its end.
const FOOTER: usize = GRANULE;

/// The end of a heap's newest span that no block has covered yet, `[from, to)`, by addresses: zeros, but for the head of a
/// free chunk at `from` and a footer at `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh {
    from: usize,
    to: usize,
}

impl Fresh {
    /// Nothing.
    pub(crate) const NONE: Self = Self { from: 0, to: 0 };

    /// All of a new span's one free chunk, of `bytes` bytes at `chunk`.
    pub(crate) fn whole(chunk: NonNull<u8>, bytes: usize) -> Self {
        let from = chunk.addr().get();
        Self { from, to: from + bytes }
    }

    /// How many bytes it has. O(1).
    #[inline]
    pub const fn bytes(self) -> usize {
        self.to - self.from
    }

    /// Whether it ends at `end`, if there is any. O(1).
    #[inline(always)]
    pub(crate) fn ends_at(self, end: NonNull<u8>) -> bool {
        end.addr().get() == self.to
    }

    /// Whether there is none. O(1).
    #[inline(always)]
    pub(crate) const fn is_empty(self) -> bool {
        self.from == self.to
    }

    /// A block covers what lies below `end`, if that lies here. O(1).
    #[inline(always)]
    pub(crate) fn cover(&mut self, end: NonNull<u8>) {
        let end = end.addr().get();
        if end.wrapping_sub(self.from) <= self.to.wrapping_sub(self.from) {
            self.from = end;
        }
    }

    /// What of `[block, end)` was fresh before it was handed out: this was then, `now` is after.
    fn before(self, now: Self, block: usize, end: usize) -> Self {
        if self.to == now.to {
            self
        } else if now.from == end {
            // A new span came, and the block is the first in it.
            Self { from: block, to: now.to }
        } else {
            Self::NONE
        }
    }

    /// Zeroes the `size` bytes of a block, but for those that are zero since the source gave them. This is what was fresh
    /// before the block was allocated, `now` what is after.
    ///
    /// # Safety
    /// The block has as many bytes, rounded up to granules, and they are the caller's. The two are of the heap that it was
    /// then allocated from, or of one that it does not lie in.
    pub(crate) unsafe fn clear(self, now: Self, block: NonNull<u8>, size: usize) {
        let start = block.addr().get();
        let end = start + size.next_multiple_of(GRANULE);
        let Self { from, to } = self.before(now, start, end);
        let clear = |at: usize, end: usize| {
            // SAFETY: both ends lie in the block.
            unsafe { block.add(at).write_bytes(0, end - at) };
        };
        if end <= from || end > to {
            return clear(0, size);
        }
        clear(0, size.min(from.saturating_sub(start) + HEAD));
        clear((end - start).saturating_sub(FOOTER).min(size), size);
    }
}

#[cfg(test)]
mod tests;
