//! What was idle, and is somebody's now.

use core::ops::Range;
use core::ptr::NonNull;

/// So many pieces that are zeros are told apart.
const MOST: usize = 8;

/// Memory that was idle: whole units, and which of them are surely zeros, without pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) start: NonNull<u8>,
    pub(crate) size: usize,
    /// In address order. Those that are not needed are empty.
    zeros: [Range<usize>; MOST],
}

impl Taken {
    /// Memory of which nothing is known to be zeros.
    pub(super) const fn new(start: NonNull<u8>, size: usize) -> Self {
        Self { start, size, zeros: [const { 0..0 }; MOST] }
    }

    /// Memory that is all zeros.
    pub(super) fn zeros_at(start: NonNull<u8>, size: usize) -> Self {
        let mut taken = Self::new(start, size);
        taken.add_zeros(0..size);
        taken
    }

    /// Has another piece be zeros, above the others, if there is room to tell.
    pub(super) fn add_zeros(&mut self, piece: Range<usize>) {
        if let Some(place) = self.zeros.iter_mut().find(|place| Range::is_empty(place)) {
            *place = piece;
        }
    }

    /// The pieces that are zeros, to be made shorter.
    pub(crate) fn zeros(&mut self) -> &mut [Range<usize>] {
        &mut self.zeros
    }

    /// Bytes that are surely zeros.
    pub(crate) fn zero_bytes(&self) -> usize {
        self.zeros.iter().map(Range::len).sum()
    }

    /// Whether any of it may have pages.
    pub(crate) fn has_pages(&self) -> bool {
        self.zero_bytes() < self.size
    }

    /// Has the first `bytes` be zeros: those that may not be are cleared.
    ///
    /// # Safety
    /// The memory is the caller's, and as it was taken.
    pub(crate) unsafe fn clear(&self, bytes: usize) {
        let mut from = 0;
        let end = self.size..self.size;
        for piece in self.zeros.iter().filter(|piece| !Range::is_empty(piece)).chain([&end]) {
            let to = piece.start.min(bytes);
            if from < to {
                // SAFETY: as the caller says.
                unsafe { self.start.add(from).write_bytes(0, to - from) };
            }
            from = piece.end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_zeros_is_cleared_and_no_more() {
        let mut memory = std::vec![7_u8; 100];
        let mut taken = Taken::new(NonNull::new(memory.as_mut_ptr()).unwrap(), 100);
        assert_eq!((taken.zero_bytes(), taken.has_pages()), (0, true));
        for piece in [10..20, 40..60] {
            taken.add_zeros(piece);
        }
        assert_eq!(taken.zero_bytes(), 30);
        // SAFETY: the memory has these bytes.
        unsafe { taken.clear(80) };
        let is_cleared =
            |at: usize| (0..10).contains(&at) || (20..40).contains(&at) || (60..80).contains(&at);
        assert!((0..100).all(|at| (memory[at] == 0) == is_cleared(at)), "{memory:?}");
        assert_eq!(Taken::zeros_at(taken.start, 100).zero_bytes(), 100);
    }

    #[test]
    fn pieces_beyond_those_that_are_told_apart_are_cleared() {
        let mut memory = std::vec![7_u8; 100];
        let mut taken = Taken::new(NonNull::new(memory.as_mut_ptr()).unwrap(), 100);
        for piece in 0..MOST + 2 {
            taken.add_zeros(4 * piece..4 * piece + 1);
        }
        assert_eq!(taken.zero_bytes(), MOST);
        // SAFETY: the memory has these bytes.
        unsafe { taken.clear(100) };
        assert_eq!(memory.iter().filter(|&&byte| byte == 7).count(), MOST);
    }
}
