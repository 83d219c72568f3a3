//! Lists that begin anew when they are as deep as they are to be, and how many blocks wait in all.

use super::due::ENTRIES_A_BLOCK;
use super::{Lists, Quick};
use crate::Mode;

/// Some of the blocks that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// How many.
    pub count: usize,
    /// Their bytes.
    pub bytes: usize,
}

impl Blocks {
    /// None.
    pub(super) const NONE: Self = Self { count: 0, bytes: 0 };

    /// With `count` more of `bytes` bytes each, or fewer.
    const fn and(self, count: isize, bytes: usize) -> Self {
        Self {
            count: self.count.wrapping_add_signed(count),
            bytes: self.bytes.wrapping_add_signed(count * bytes.cast_signed()),
        }
    }
}

impl<M: Mode> Quick<M> {
    /// Whether lists begin anew. What sees to blocks in none is much code.
    const UNLISTS: bool = M::WAITS && M::BOUNDED && !cfg!(for_size);

    /// Has room for blocks of `bytes` bytes, of which none more may wait: their list begins anew, and what was in it waits on in none.
    /// Whether that is done: only where more may wait than are to be in a list. O(1).
    ///
    /// # Safety
    /// The lists serve the size.
    pub unsafe fn unlist(&mut self, bytes: usize) -> bool {
        let may_be_unlisted = Self::UNLISTS && self.policy().is_deepest(bytes);
        if may_be_unlisted {
            // SAFETY: as the caller says.
            unsafe { self.list(bytes).as_mut() }.head = None;
            let count = self.make_room_for(bytes);
            if let Some(terms) = self.lists.terms_mut() {
                terms.unlisted = terms.unlisted.wrapping_add_signed(count);
            }
        }
        may_be_unlisted
    }

    /// Whether one more block of `bytes` bytes may be put into their list, which if need be [begins anew](Self::unlist). O(1).
    ///
    /// # Safety
    /// The lists serve the size.
    #[inline(always)]
    pub unsafe fn has_or_makes_room(&mut self, bytes: usize) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.has_room(bytes) || self.unlist(bytes) }
    }

    /// Told that all that waits was put into lists. One that is not much deeper than it is to be has all its room, so that as many
    /// are freed until it begins anew; one that is has no bounds until as many were taken.
    pub fn note_gathered(&mut self) {
        for bytes in self.sizes() {
            let depth = self.policy().depth_of(bytes).cast_signed();
            if self.told_by_room(bytes) < 2 * depth {
                self.make_room_for(bytes);
            }
        }
    }

    /// Has room for as many more blocks of `bytes` bytes as where none waits. How many of them the list's room told of.
    fn make_room_for(&mut self, bytes: usize) -> isize {
        let count = self.told_by_room(bytes);
        // SAFETY: asked only about sizes that are served.
        unsafe { self.list(bytes).as_mut() }.room += count;
        if let Some(terms) = self.lists.terms_mut() {
            terms.beyond = terms.beyond.and(count, bytes);
        }
        count
    }

    /// How many blocks of `bytes` bytes were put into their list since it had all its room; below 0 if more were taken.
    fn told_by_room(&self, bytes: usize) -> isize {
        // SAFETY: asked only about sizes that are served.
        let room = unsafe { self.list(bytes).as_ref() }.room;
        self.policy().depth_of(bytes).cast_signed() - room
    }

    /// Those that wait. O(lists), if their number is bounded.
    pub fn waiting(&self) -> Blocks {
        let count = |bytes| {
            if M::BOUNDED { self.told_by_room(bytes) } else { self.blocks(bytes).count().cast_signed() }
        };
        let beyond = if M::WAITS { self.lists.terms().beyond } else { Blocks::NONE };
        let short = self.sizes().map(|bytes| (count(bytes), bytes));
        let long = self.long_blocks().map(|(_, bytes)| (1, bytes));
        short.chain(long).fold(beyond, |all, (count, bytes)| all.and(count, bytes))
    }

    /// Whether any block waits in no list.
    #[inline(always)]
    pub fn has_unlisted(&self) -> bool {
        Self::UNLISTS && self.lists.terms().unlisted > 0
    }

    /// Whether so many do, in a heap whose maps have `entries` entries, that all that waits may as well be put into lists.
    #[inline(always)]
    pub fn has_many_unlisted(&self, entries: usize) -> bool {
        let is_part_of = |all| self.lists.terms().unlisted >= all / ENTRIES_A_BLOCK;
        self.has_unlisted() && is_part_of(entries) && is_part_of(self.waiting().count)
    }
}
