//! How long a block is to become.

/// Such a part of a block is what it may have too much, once it grew or shrank by less.
const PART: usize = 8;
/// Granules that are room enough.
const MOST_ROOM: usize = 2048;
/// Granules that a block which is given room grew by at most. Who adds more than that at a time spends more on what is added than on
/// the call, and room for it would be much memory.
const LONGEST_STEP: usize = 8;

/// How many granules a block is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length {
    /// At least so many.
    pub(super) least: usize,
    /// More than these are of no use.
    pub(super) most: usize,
}

impl Length {
    /// So many, and no others.
    pub(super) const fn exactly(size: usize) -> Self {
        Self { least: size, most: size }
    }

    /// So many or more, of a block that has `old`: one that grows by a little will soon grow again, and then be copied each
    /// time, or cut what is free above it.
    pub(super) fn about(size: usize, old: usize) -> Self {
        let (room, step) = (room(old), size.wrapping_sub(old));
        let most = if Self::is_about(size, old) {
            old
        } else if step < room && step <= LONGEST_STEP {
            old + room
        } else {
            size
        };
        Self { least: size, most }
    }

    /// Whether a block that has `old` is as it is to be for so many or more.
    #[inline(always)]
    pub(crate) fn is_about(size: usize, old: usize) -> bool {
        old.wrapping_sub(size) < room(old)
    }

    /// How many granules more than `size` a block may have, and yet [be about](Self::is_about) as long.
    #[inline(always)]
    pub(super) fn spare(size: usize) -> usize {
        room(size) - 1
    }

    /// Whether that is half of what a block has that has `old`, or less.
    pub(super) const fn is_much_shorter(self, old: usize) -> bool {
        self.most <= old / 2
    }

    /// Whether one number alone will do.
    pub(super) const fn is_exact(self) -> bool {
        self.least == self.most
    }

    /// Of a block that may have as many as `up_to`: so many. `None` if that is not enough.
    pub(super) fn within(self, up_to: usize) -> Option<usize> {
        (self.least <= up_to).then_some(self.most.min(up_to))
    }
}

/// By less than this more, one at least, a block of so many may have too much.
#[inline(always)]
fn room(size: usize) -> usize {
    (size / PART).clamp(1, MOST_ROOM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_what_may_be_to_spare_a_block_is_about_as_long() {
        for size in (0..5000).chain([1 << 20]) {
            assert!((0..=Length::spare(size)).all(|more| Length::is_about(size, size + more)), "{size}");
        }
        assert_eq!([0, 7, 8, 160, 1 << 20].map(Length::spare), [0, 0, 0, 19, MOST_ROOM - 1]);
    }
}
