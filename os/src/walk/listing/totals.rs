//! Sums, and what they are sums of.

use std::cmp::max;

use super::TimeStamp;

/// What something takes, or what several things take together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Bytes.
    pub size: u64,
    /// Bytes by the other measure, if [`Listing::both_sizes`](super::Listing::both_sizes).
    pub other: u64,
    /// Bytes of blocks that others use too, if [`Listing::shared`](super::Listing::shared).
    pub shared: u64,
    /// How many inodes.
    pub inodes: u64,
    /// The newest time.
    pub newest: TimeStamp,
}

impl Totals {
    /// Of nothing.
    pub const NONE: Self = Self { size: 0, other: 0, shared: 0, inodes: 0, newest: (i64::MIN, 0) };

    /// Adds what something else takes. Sums stop at the largest number.
    pub fn add(&mut self, other: &Self) {
        self.size = self.size.saturating_add(other.size);
        self.other = self.other.saturating_add(other.other);
        self.shared = self.shared.saturating_add(other.shared);
        self.inodes = self.inodes.saturating_add(other.inodes);
        self.newest = max(self.newest, other.newest);
    }

    /// Whether it is of nothing.
    pub(super) fn is_none(&self) -> bool {
        self.inodes == 0
    }
}
