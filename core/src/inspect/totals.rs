//! What a heap holds, as it is told.

use crate::Mode;
use crate::quick::{Blocks, Quick};

/// What a heap holds and what of it is in use. Read in O(1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub(crate) used: usize,
    pub(crate) used_chunks: usize,
    pub(crate) capacity: usize,
    pub(crate) spans: usize,
    pub(crate) source: usize,
    pub(crate) waiting: usize,
    pub(crate) waiting_chunks: usize,
}

impl Totals {
    pub(crate) const NONE: Self =
        Self { used: 0, used_chunks: 0, capacity: 0, spans: 0, source: 0, waiting: 0, waiting_chunks: 0 };

    /// What `count` blocks of a source hold, each with one chunk in use: bytes of the blocks, of those that chunks can be
    /// made of, and of the chunks.
    pub const fn of(count: usize, source: usize, capacity: usize, used: usize) -> Self {
        Self::from_numbers([used, count, capacity, count, source])
    }

    /// As numbers, to be handed to another thread: nothing waiting is told apart.
    pub const fn to_numbers(self) -> [usize; 5] {
        [self.used, self.used_chunks, self.capacity, self.spans, self.source]
    }

    /// What [`to_numbers`](Self::to_numbers) gave.
    pub const fn from_numbers([used, used_chunks, capacity, spans, source]: [usize; 5]) -> Self {
        // Numbers that were read one after the other, while others changed them, may not fit together.
        let capacity = if capacity < source { capacity } else { source };
        let used = if used < capacity { used } else { capacity };
        Self { used, used_chunks, capacity, spans, source, ..Self::NONE }
    }

    /// With the blocks that wait, which are counted as in use so far, told apart.
    pub(crate) fn with_waiting<M: Mode>(self, quick: &Quick<M>) -> Self {
        let Blocks { count, bytes } = quick.waiting();
        Self {
            used: self.used - bytes,
            used_chunks: self.used_chunks - count,
            waiting: bytes,
            waiting_chunks: count,
            ..self
        }
    }

    /// Bytes in chunks in use.
    pub const fn used(&self) -> usize {
        self.used
    }

    /// Chunks in use.
    pub const fn used_chunks(&self) -> usize {
        self.used_chunks
    }

    /// Bytes in freed blocks that wait in quick lists. They count as free.
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Freed blocks that wait in quick lists.
    pub const fn waiting_chunks(&self) -> usize {
        self.waiting_chunks
    }

    /// Bytes in free chunks and blocks that wait.
    pub const fn free(&self) -> usize {
        self.capacity - self.used
    }

    /// Bytes that headers, maps and bins take.
    pub const fn overhead(&self) -> usize {
        self.source - self.capacity
    }

    /// Bytes held from the source.
    pub const fn source(&self) -> usize {
        self.source
    }

    /// Spans, one in each block of the source.
    pub const fn spans(&self) -> usize {
        self.spans
    }
}

impl core::ops::Add for Totals {
    type Output = Self;

    /// What two heaps hold together.
    fn add(self, other: Self) -> Self {
        Self {
            used: self.used.saturating_add(other.used),
            used_chunks: self.used_chunks.saturating_add(other.used_chunks),
            capacity: self.capacity.saturating_add(other.capacity),
            spans: self.spans.saturating_add(other.spans),
            source: self.source.saturating_add(other.source),
            waiting: self.waiting.saturating_add(other.waiting),
            waiting_chunks: self.waiting_chunks.saturating_add(other.waiting_chunks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_do_not_fit_together_add_up_to_the_most_there_is() {
        let most = Totals::from_numbers([usize::MAX; 5]);
        let sum = most + most;
        assert_eq!((sum.used(), sum.used_chunks(), sum.spans()), (usize::MAX, usize::MAX, usize::MAX));
        assert_eq!((sum.free(), sum.overhead()), (0, 0));
    }
}
