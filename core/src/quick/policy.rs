//! What may wait: how large a block, and how many of a size.

use super::List;
use super::sizes::Sizes;
use crate::granule::GRANULE;
use crate::map::WORD_GRANULES;

/// From a source of this size on, blocks may wait: marks and lists take 1 % of it.
pub(super) const FROM: usize = 32 << 10;
/// From a source of this size on, a heap of one thread or processor has much memory to come.
const MUCH_FROM: usize = 2 << 20;
/// Where blocks of up to `n` granules may wait, and two of each size do, they are about `n * n` granules: such a part of a
/// source.
const PART: usize = 64;
/// Such a part of a source may wait of each size.
const SHARE: usize = 8;
/// Blocks of a size that are put into a list before it begins anew: so few are in the cache.
pub(super) const DEEPEST: usize = 1 << 12;
/// The granules of the largest block that may wait, at most.
const LONGEST: usize = 256;
/// Blocks that are carved at once when a size is first asked for, where any number may wait.
const FIRST_BATCH: usize = 4;

/// What may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The largest block, in bytes.
    pub(super) limit: usize,
    /// Bytes of a size that may wait, at most.
    bytes: usize,
    /// Blocks of a size that are put into a list, at most; where any number may, those that are carved at once at first.
    depth: usize,
    /// The largest block, in bytes, of those too long for a list that may wait.
    pub(super) longest: usize,
}

const _: () = assert!(Policy::PER_THREAD.longest / GRANULE <= Sizes::MOST);

impl Policy {
    /// Nothing waits.
    pub const OFF: Self = Self { limit: 0, bytes: 0, depth: 0, longest: 0 };

    /// What may wait in a heap whose source has blocks of up to `largest` bytes.
    pub const fn scaled_to(largest: usize) -> Self {
        if largest < FROM {
            return Self::OFF;
        }
        let limit = lesser(LONGEST, 1 << ((largest / GRANULE / PART).ilog2() / 2));
        Self { limit: limit * GRANULE, bytes: largest / SHARE, depth: DEEPEST, longest: 0 }
    }

    /// What may wait in a heap that has much memory to come: a kibibyte (on 64 bits) and less, so that a word of the map
    /// shows all of a block, and a few of up to 32.
    pub(super) const PER_THREAD: Self = Self {
        limit: WORD_GRANULES * GRANULE,
        bytes: usize::MAX,
        depth: FIRST_BATCH,
        longest: 2048 * GRANULE,
    };

    /// What may wait in a heap of one thread or processor, one of many, whose source has blocks of up to `largest` bytes.
    pub const fn of_one_of_many(largest: usize) -> Self {
        if largest >= MUCH_FROM {
            Self::PER_THREAD
        } else {
            Self { depth: FIRST_BATCH, ..Self::scaled_to(largest) }
        }
    }

    /// Whether any block may wait.
    pub const fn is_on(self) -> bool {
        self.limit > 0
    }

    /// How many blocks of `bytes` bytes may be put into a list.
    pub(super) const fn depth_of(self, bytes: usize) -> usize {
        lesser(self.depth, self.bytes / if bytes > 0 { bytes } else { 1 })
    }

    /// Whether that is fewer than may wait.
    pub(super) const fn is_deepest(self, bytes: usize) -> bool {
        self.depth_of(bytes) == self.depth
    }

    /// Bytes that the lists take in a span, that of no bytes among them.
    pub const fn bytes(self) -> usize {
        if self.is_on() { (self.limit / GRANULE + 1) * size_of::<List>() } else { 0 }
    }
}

const fn lesser(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::super::BATCH;
    use super::*;

    #[test]
    fn an_eighth_of_the_memory_may_wait_of_each_size_a_batch_at_least_and_so_many_in_a_list_at_most() {
        for memory in (15..=30).map(|bits| 1 << bits) {
            let policy = Policy::scaled_to(memory);
            for bytes in (1..=policy.limit / GRANULE).map(|size| size * GRANULE) {
                let depth = policy.depth_of(bytes);
                assert!(depth >= BATCH && depth * bytes <= memory / 8, "{depth} of {bytes}");
                assert_eq!(policy.is_deepest(bytes), depth == DEEPEST);
                assert!(depth == DEEPEST || (depth + 1) * bytes > memory / 8);
            }
        }
    }

    #[test]
    fn the_lists_of_one_of_many_heaps_reach_as_far_as_a_map_entry_at_most() {
        let limit = |memory| Policy::of_one_of_many(memory).limit;
        for memory in [0, FROM, 1 << 20, MUCH_FROM - 1, MUCH_FROM, 1 << 30] {
            assert!(limit(memory) <= WORD_GRANULES * GRANULE, "{memory}");
        }
        assert_eq!((limit(0), limit(MUCH_FROM)), (0, WORD_GRANULES * GRANULE));
    }
}
