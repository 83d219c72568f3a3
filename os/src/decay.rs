//! When the pages of what a thread's heap has free go back to the system, though its regions stay: once it has had much less in
//! use for a second than it had before. What is free for less long is soon asked for again, and would have to be had anew.
//!
//! (Memory that decays while nobody comes for it: Evans, "jemalloc", its `dirty_decay_ms`, 2016; here by the most that was in
//! use, as no chunk knows how long it has been free.)

use core::cell::Cell;

use crate::clock::SECOND;
use crate::mapping::SLOT;

/// Much less is less by such a part of the most, or by a slot.
const PART: usize = 4;

/// No moment.
const NEVER: u64 = u64::MAX;

/// What was in use, as far as it tells which pages the system gave and nobody needs.
pub(crate) struct Decay {
    /// The most bytes in use since pages last went back.
    most: Cell<usize>,
    /// Since when much less is, in milliseconds.
    low_since: Cell<u64>,
}

impl Decay {
    pub(crate) const fn new() -> Self {
        Self { most: Cell::new(0), low_since: Cell::new(NEVER) }
    }

    /// Told now and then how many bytes are in use: whether pages are to go back, which they then do. `now` is in milliseconds.
    #[inline]
    pub(crate) fn is_due(&self, used: usize, now: impl FnOnce() -> u64) -> bool {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 100 * SLOT;
    const MUCH_LESS: usize = 75 * SLOT;

    #[test]
    fn pages_go_back_once_when_much_less_has_been_in_use_for_a_second() {
        let decay = Decay::new();
        let at = |time, used| decay.is_due(used, || time);
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
                assert!(!decay.is_due(used, || time));
            }
        }
    }

    #[test]
    fn of_less_than_a_slot_nothing_goes_back() {
        let decay = Decay::new();
        assert!(!decay.is_due(SLOT - 1, || 0));
        assert!((0..5).all(|second| !decay.is_due(0, || second * SECOND)));
    }
}
