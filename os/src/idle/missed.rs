//! Memory that was given back as there was enough, and soon after mapped anew: a program that does so would have been better off had
//! more been kept, and for a while more is.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU64, AtomicUsize};

use crate::clock::SECOND;

/// What is mapped so soon after as much was given back was missed.
const SOON: u64 = SECOND / 10;
/// Where that comes to so many bytes, it has cost enough time,
const LEAST: usize = 64 << 20;
/// and as much more is kept, up to so many,
const MOST: usize = 256 << 20;
/// until so long after the last of it.
const KEPT_FOR: u64 = SECOND;

/// Bytes that were given back and missed.
pub(super) struct Missed {
    given: Recent,
    missed: Recent,
}

/// Bytes, and when the last of them were added, in milliseconds.
struct Recent {
    bytes: AtomicUsize,
    at: AtomicU64,
}

impl Recent {
    const fn new() -> Self {
        Self { bytes: AtomicUsize::new(0), at: AtomicU64::new(0) }
    }

    /// Adds bytes to those of the last `time`.
    fn add(&self, bytes: usize, time: u64, now: u64) {
        self.bytes.store(self.get(time, now).saturating_add(bytes), Relaxed);
        self.at.store(now, Relaxed);
    }

    /// The bytes, unless the last were added `time` ago.
    fn get(&self, time: u64, now: u64) -> usize {
        if now.saturating_sub(self.at.load(Relaxed)) < time { self.bytes.load(Relaxed) } else { 0 }
    }
}

/// What several threads tell at the same moment may be lost.
impl Missed {
    pub(super) const fn new() -> Self {
        Self { given: Recent::new(), missed: Recent::new() }
    }

    /// Told that so many bytes were given back as there was enough.
    pub(super) fn give(&self, bytes: usize, now: u64) {
        self.given.add(bytes, SOON, now);
    }

    /// Told that so many bytes are mapped.
    pub(super) fn map(&self, bytes: usize, now: u64) {
        let given = self.given.get(SOON, now);
        let missed = bytes.min(given);
        if missed > 0 {
            self.given.bytes.store(given - missed, Relaxed);
            self.missed.add(missed, KEPT_FOR, now);
        }
    }

    /// How many bytes more are to be kept now.
    pub(super) fn bytes(&self, now: u64) -> usize {
        let missed = self.missed.get(KEPT_FOR, now);
        if missed < LEAST { 0 } else { missed.min(MOST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = LEAST / 2;

    #[test]
    fn what_is_mapped_soon_after_it_was_given_back_is_kept_for_a_while() {
        let (missed, now) = (Missed::new(), 5 * SECOND);
        missed.map(BYTES, now);
        assert_eq!(missed.bytes(now), 0, "nothing was given back");
        missed.give(2 * BYTES, now);
        missed.give(BYTES, now + SOON - 1);
        missed.map(2 * BYTES - 1, now + SOON);
        assert_eq!(missed.bytes(now + SOON), 0, "it is little");
        missed.map(1, now + SOON);
        assert_eq!(missed.bytes(now + SOON), 2 * BYTES);
        missed.map(2 * BYTES, now + SOON);
        assert_eq!(missed.bytes(now + SOON + KEPT_FOR - 1), 3 * BYTES, "no more than was given back");
        assert_eq!(missed.bytes(now + SOON + KEPT_FOR), 0);
    }

    #[test]
    fn what_is_mapped_later_was_not_missed_and_no_more_is_kept_than_a_limit() {
        let (missed, now) = (Missed::new(), 5 * SECOND);
        missed.give(2 * BYTES, now);
        missed.map(2 * BYTES, now + SOON);
        assert_eq!(missed.bytes(now + SOON), 0);
        missed.give(2 * MOST, now + SOON);
        missed.map(2 * MOST, now + SOON);
        assert_eq!(missed.bytes(now + SOON), MOST);
    }
}
