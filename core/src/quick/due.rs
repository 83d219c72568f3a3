//! What is counted, so that what takes long is done seldom: when all that waits is coalesced, when it is looked how many blocks
//! wait, when spans with nothing in use are looked for, and what may be spent on the search for a witness. And what is noted from
//! one look to the next: the witness, and the sizes that were asked for.

use core::ptr::NonNull;

use super::{Lists, Quick};
use crate::Mode;
use crate::raw::holds;

/// To look through so many map entries for blocks that wait takes as long as to coalesce one by itself.
pub(super) const ENTRIES_A_BLOCK: usize = 8;

/// Requests for short blocks until it is seen whether it is time to look how many wait.
pub(super) const UNTIL_SEEN: usize = 1 << 9;
/// Frees until it is looked for spans with nothing in use, at least.
pub(super) const FREES: isize = 1 << 11;
/// Map entries that may be looked at, in the end, for each free,
pub(super) const EARNED_A_FREE: usize = 2;
/// and each time that the heap grew by one,
pub(super) const EARNED_AN_ENTRY: usize = 4;
/// and at once.
pub(super) const EARNED_AT_MOST: usize = 1 << 22;

/// What a heap counts and notes in which any number of blocks may wait.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// The sizes that were asked for where none waited, since lists of others were closed: a bit each.
    pub(super) asked: usize,
    /// Requests until it is time to see whether it is time to look how many blocks wait.
    until_seen: usize,
    /// How many more wait than when the fewest did, when that was last seen, as far as the owner's frees and requests tell.
    rise: isize,
    /// Frees of blocks that wait since then, and those that `until_release` tells
    freed: isize,
    /// from this on.
    freed_from: isize,
    /// Frees until it is time to look for spans with nothing in use: it is, as long as there are none.
    until_release: isize,
    /// The address of a block in use, none at address 0, whose free is to be noticed.
    witness: usize,
    /// Map entries that may be looked at for another.
    credit: usize,
}

impl Due {
    pub(super) const NONE: Self = Self {
        asked: 0,
        until_seen: UNTIL_SEEN,
        rise: 0,
        freed: 0,
        freed_from: FREES,
        until_release: FREES,
        witness: 0,
        credit: 0,
    };

    /// Sets the frees until it is time to look for spans with nothing in use; those so far are counted.
    fn set_until_release(&mut self, frees: isize) {
        self.freed += self.freed_from.wrapping_sub(self.until_release);
        (self.until_release, self.freed_from) = (frees, frees);
    }

    /// How many blocks that wait were freed since it was last asked.
    fn take_freed(&mut self) -> isize {
        self.set_until_release(self.until_release);
        core::mem::take(&mut self.freed)
    }

    /// Lets as many map entries more be looked at for a witness.
    fn earn(&mut self, entries: usize) {
        self.credit = (self.credit + entries).min(EARNED_AT_MOST);
    }
}

impl<M: Mode> Quick<M> {
    /// Counts blocks that were coalesced one at a time.
    pub fn count_coalesced(&mut self, blocks: usize) {
        if let Some(terms) = self.lists.terms_mut() {
            terms.coalesced += blocks;
        }
    }

    /// Whether so many were that all may as well be at once, in a heap whose maps have `entries` entries. (Which of two ways is
    /// cheaper is not known before: by the time that the one has cost as much as the other would, at most twice as much was
    /// spent. Karlin, Manasse, Rudolph and Sleator, "Competitive snoopy caching", 1988.)
    pub fn is_time_to_sweep(&self, entries: usize) -> bool {
        M::WAITS && self.lists.terms().coalesced >= (entries / ENTRIES_A_BLOCK).max(1)
    }

    /// Counts a request for a short block. Whether it is time to see whether it is time to look how many wait.
    #[inline(always)]
    pub fn count_request(&mut self) -> bool {
        self.lists.due_mut().is_some_and(|due| {
            due.until_seen = due.until_seen.wrapping_sub(1);
            due.until_seen == 0
        })
    }

    /// Whether it is: so the next request may put in order what waits.
    #[inline(always)]
    pub fn may_tidy(&self) -> bool {
        self.lists.due().until_seen == 0
    }

    /// Whether it is time to look how many wait: `many` more do than when the fewest did, since all lists were empty or [it was
    /// looked](Self::look_again). It is seen again after some requests.
    pub fn is_time_to_look(&mut self, many: usize) -> bool {
        self.lists.due_mut().is_some_and(|due| {
            due.until_seen = UNTIL_SEEN;
            due.rise = (due.rise + due.take_freed() - UNTIL_SEEN.cast_signed()).max(0);
            due.rise.cast_unsigned() >= many
        })
    }

    /// Has it be time to look once many more wait than now.
    pub fn look_again(&mut self) {
        if let Some(due) = self.lists.due_mut() {
            due.take_freed();
            due.rise = 0;
        }
    }

    /// Counts a free that takes as long as `frees` of blocks that wait in lists. Whether there were so many that it is time to look
    /// for spans with nothing in use.
    #[inline(always)]
    pub fn count_free(&mut self, frees: isize) -> bool {
        self.lists.due_mut().is_some_and(|due| {
            due.until_release = due.until_release.wrapping_sub(frees);
            if frees > 1 {
                // Such a block waits in no list.
                due.freed -= frees;
            }
            due.until_release < 0
        })
    }

    /// Whether it is.
    #[inline(always)]
    pub fn is_time_to_release(&self) -> bool {
        self.lists.due().until_release < 0
    }

    /// Has it be time after so many frees, or a few more: as many as map entries were looked at, so that this takes a small part of
    /// what they take.
    pub fn release_after(&mut self, frees: usize) {
        if let Some(due) = self.lists.due_mut() {
            due.set_until_release(FREES.max(frees.cast_signed()));
            due.earn(due.until_release.cast_unsigned() * EARNED_A_FREE);
        }
    }

    /// Counts map entries that the heap has more.
    pub fn earn_by_growth(&mut self, entries: usize) {
        if let Some(due) = self.lists.due_mut() {
            due.earn(entries * EARNED_AN_ENTRY);
        }
    }

    /// Whether a block is the one whose free is to be noticed.
    #[inline(always)]
    pub fn is_witness(&self, block: NonNull<u8>) -> bool {
        self.lists.due().witness == block.addr().get()
    }

    /// Its address, or 0.
    pub fn witness(&self) -> usize {
        self.lists.due().witness
    }

    /// Has this one be it, or none.
    pub fn set_witness(&mut self, block: Option<NonNull<u8>>) {
        if let Some(due) = self.lists.due_mut() {
            due.witness = block.map_or(0, |block| block.addr().get());
        }
    }

    /// Has none, if it lies there.
    pub fn forget_witness_in(&mut self, block: NonNull<[u8]>) {
        if holds(block, self.witness()) {
            self.set_witness(None);
        }
    }

    /// Spends as many looks at map entries, of those that frees have paid for. Whether there are any left.
    pub fn spend(&mut self, entries: usize) -> bool {
        self.lists.due_mut().is_some_and(|due| {
            due.credit = due.credit.saturating_sub(entries);
            due.credit > 0
        })
    }
}
