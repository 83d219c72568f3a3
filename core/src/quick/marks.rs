//! What tells soon of most blocks that they do not wait.
//!
//! A **mark** is a bit that granules share: with 512 marks, granules 3, 515, 1027 and so on of a span have one. It is set while
//! a block that starts there waits. So a block whose mark is clear does not wait; of one whose mark is set its list tells. A
//! block whose mark another has is coalesced instead, so that each that waits has one to itself. As there are eight or more for each
//! block that may wait, few meet; and they are few beside the granules. (A direct-mapped cache has one place for many
//! addresses in the same way.)

use core::ptr::NonNull;

use super::{Lists, Quick};
use crate::Mode;
use crate::map::{Bits, WORD_GRANULES};

/// # Safety of its methods
/// All that are unsafe are so for one reason: blocks must be such that may wait now.
impl<M: Mode> Quick<M> {
    /// Whether the block that starts at granule `g` of its span may wait: if its mark is not set, it does not. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn is_marked(&self, g: usize) -> bool {
        // SAFETY: where blocks may wait, there are marks.
        unsafe { self.marks().is_set(self.place_of_mark(g)) }
    }

    /// Sets or clears the mark of the block that starts at granule `g` of its span. O(1).
    ///
    /// # Safety
    /// As for the type; none that waits has it, or the block does.
    #[inline(always)]
    pub unsafe fn flip_mark(&mut self, g: usize) {
        // SAFETY: where blocks may wait, there are marks.
        unsafe { self.marks().flip(self.place_of_mark(g)) };
    }

    /// Whether marks of granules are set, given the index of the granules' map entry, and a bit for each. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn are_some_marked(&self, index: usize, bits: usize) -> bool {
        // SAFETY: where blocks may wait, there are marks.
        unsafe { self.marks().word_at(self.word_of_marks(index)) & bits != 0 }
    }

    /// Sets marks of granules, given the index of the granules' map entry, and a bit for each. O(1).
    ///
    /// # Safety
    /// As for the type; none that waits has any of them.
    #[inline(always)]
    pub unsafe fn mark_many(&mut self, index: usize, bits: usize) {
        // SAFETY: where blocks may wait, there are marks.
        unsafe { self.marks().flip_many(self.word_of_marks(index), bits) };
    }

    /// Whether the block of `bytes` bytes at `block`, which starts at granule `g` of its span, waits. O(1), if the number that do is
    /// bounded.
    ///
    /// # Safety
    /// As for the type, but for the size.
    #[inline(always)]
    pub unsafe fn holds(&self, block: NonNull<u8>, g: usize, bytes: usize) -> bool {
        // SAFETY: as the caller says.
        self.serves(bytes) && unsafe { self.is_marked(g) } && self.lists_it(block, bytes)
    }

    /// Whether the list of blocks of `bytes` bytes, of which there is one, has that at `block`. O(1), if the number that wait is
    /// bounded.
    pub(crate) fn lists_it(&self, block: NonNull<u8>, bytes: usize) -> bool {
        self.blocks(bytes).any(|there| there == block)
    }

    /// How many marks are set. For the full check.
    pub(crate) fn count_marks(&self) -> usize {
        // SAFETY: where there are lists, there are marks.
        if self.are_there() { unsafe { self.marks().count(self.lists.last_mark() + 1) } } else { 0 }
    }

    #[inline(always)]
    fn marks(&self) -> Bits {
        Bits::at(self.lists.marks(), 1)
    }

    #[inline(always)]
    fn place_of_mark(&self, g: usize) -> usize {
        g & self.lists.last_mark()
    }

    #[inline(always)]
    fn word_of_marks(&self, index: usize) -> usize {
        index & (self.lists.last_mark() / WORD_GRANULES)
    }
}
