//! When what a thread's heap has free goes back to the system, though nobody asks for that and the heap needs no memory:
//!
//! - blocks that wait are coalesced once many have waited for a second;
//! - whole pages of free chunks go back once much less has been in use for a second than before. What is free for less long is
//!   soon asked for again, and would have to be had anew.
//!
//! (Memory that decays while nobody comes for it: Evans, "jemalloc", its `dirty_decay_ms`, 2016; here by how much was in use, or
//! waited, as neither chunks nor blocks know for how long they have been free.)

use core::cell::Cell;

use crate::clock::SECOND;
use crate::mapping::SLOT;

/// Much less is less by such a part of the most, or by a slot.
const PART: usize = 4;

/// So few blocks may wait for however long.
const FEW: usize = 8192;
/// So do those that were left when blocks were last coalesced, until they are so many times as many.
const TIMES: usize = 2;

/// No moment.
const NEVER: u64 = u64::MAX;

/// What was in use, and waited, as far as it tells what nobody needs.
pub(crate) struct Decay {
    /// The most bytes in use since pages last went back.
    most: Cell<usize>,
    /// Since when much less is, in milliseconds.
    low_since: Cell<u64>,
    /// When the last second began.
    second: Cell<u64>,
    /// How many blocks waited then,
    waited: Cell<usize>,
    /// and when they were last coalesced, or fewer since.
    left: Cell<usize>,
}

impl Decay {
    pub(crate) const fn new() -> Self {
        Self {
            most: Cell::new(0),
            low_since: Cell::new(NEVER),
            second: Cell::new(0),
            waited: Cell::new(0),
            left: Cell::new(0),
        }
    }

    /// Told now and then how many bytes are in use: whether pages are to go back, which they then do. `now` is in milliseconds.
    #[inline]
    pub(crate) fn are_pages_due(&self, used: usize, now: impl FnOnce() -> u64) -> bool {
        let most = self.most.get().max(used);
        self.most.set(most);
        let is_low = most - used >= SLOT.max(most / PART);
        if !is_low {
            self.low_since.set(NEVER);
        }
        is_low && self.has_been_low(used, now())
    }

    /// Whether little has been in use for a second.
    fn has_been_low(&self, used: usize, now: u64) -> bool {
        let since = self.low_since.get().min(now);
        let is_due = now - since >= SECOND;
        self.low_since.set(if is_due { NEVER } else { since });
        if is_due {
            self.most.set(used);
        }
        is_due
    }

    /// Whether a second is over, and the next begins `now`.
    pub(crate) fn is_second_over(&self, now: u64) -> bool {
        let is_over = now >= self.second.get() + SECOND;
        if is_over {
            self.second.set(now);
        }
        is_over
    }

    /// Told each second how many blocks wait: whether they are to be coalesced.
    pub(crate) fn are_blocks_due(&self, waiting: usize) -> bool {
        self.left.set(self.left.get().min(waiting));
        waiting.min(self.waited.replace(waiting)) > FEW.max(TIMES * self.left.get())
    }

    /// Told how many are left once that is done.
    pub(crate) fn leave(&self, waiting: usize) {
        self.waited.set(waiting);
        self.left.set(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 100 * SLOT;
    const MUCH_LESS: usize = 75 * SLOT;

    #[test]
    fn pages_go_back_once_when_much_less_has_been_in_use_for_a_second() {
        let decay = Decay::new();
        let at = |time, used| decay.are_pages_due(used, || time);
        assert!(!at(5, MOST) && !at(5, MUCH_LESS) && !at(4 + SECOND, MUCH_LESS));
        assert!(at(5 + SECOND, MUCH_LESS - SLOT));
        assert!((6..9).all(|second| !at(second * SECOND, MUCH_LESS - SLOT)), "there is nothing more to go");
        assert!(!at(9 * SECOND, 40 * SLOT) && at(10 * SECOND, 40 * SLOT));
    }

    #[test]
    fn what_is_needed_again_within_a_second_stays() {
        let decay = Decay::new();
        for time in (0..10 * SECOND).step_by(400) {
            for used in [MOST, 0, MUCH_LESS + 1] {
                assert!(!decay.are_pages_due(used, || time));
            }
        }
    }

    #[test]
    fn of_less_than_a_slot_nothing_goes_back() {
        let decay = Decay::new();
        assert!(!decay.are_pages_due(SLOT - 1, || 0));
        assert!((0..5).all(|second| !decay.are_pages_due(0, || second * SECOND)));
    }

    #[test]
    fn seconds_begin_where_they_are_looked_for() {
        let decay = Decay::new();
        let over: std::vec::Vec<_> =
            [1000, 1999, 2500, 3499, 3500, 9000].map(|now| decay.is_second_over(now)).into();
        assert_eq!(over, [true, false, true, false, true, true]);
    }

    #[test]
    fn blocks_are_due_when_many_have_waited_for_a_second_and_more_than_were_left() {
        let decay = Decay::new();
        assert!(!decay.are_blocks_due(FEW + 1), "they have only come");
        assert!(decay.are_blocks_due(FEW + 1));
        decay.leave(FEW);
        assert!(!decay.are_blocks_due(3 * FEW) && decay.are_blocks_due(3 * FEW), "many more");
        decay.leave(2 * FEW);
        assert!(
            !decay.are_blocks_due(4 * FEW) && !decay.are_blocks_due(4 * FEW),
            "not many more than were left"
        );
        assert!(!decay.are_blocks_due(FEW) && !decay.are_blocks_due(3 * FEW), "some were needed");
        assert!(decay.are_blocks_due(3 * FEW), "and fewer were left by that");
    }
}
