//! Whether the pages of a long block go back to the system as it is freed.
//!
//! What grows by doubling leaves a hole of each length that it had. Together they are as long as it is, and a program that has
//! little else may hold most of its memory there. So the pages of a block go back at once if it is longer, by an eighth,
//! than all for which that was done: each length costs it once, and blocks that come and go keep theirs. What is huge goes back
//! so too: see [`idle`](crate::idle).
//!
//! (After glibc's `M_MMAP_THRESHOLD`, which follows the longest block that was freed: mallopt(3).)

use core::cell::Cell;

/// A block of so many bytes is a long one.
const FROM: usize = 128 << 10;
/// The next is longer by such a part.
const PART: usize = 8;

/// How long the next block has to be whose pages go back as it is freed.
pub(crate) struct Longest {
    next: Cell<usize>,
}

impl Longest {
    pub(crate) const fn new() -> Self {
        Self { next: Cell::new(FROM) }
    }

    /// Told the bytes of a block that is freed: whether its pages are to go back, which they then do.
    #[inline]
    pub(crate) fn is_passed_by(&self, bytes: usize) -> bool {
        let is_passed = bytes >= self.next.get();
        if is_passed {
            self.next.set(bytes + bytes / PART);
        }
        is_passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_passes_once() {
        let longest = Longest::new();
        let passed: std::vec::Vec<_> =
            [FROM - 1, FROM, FROM, FROM * 9 / 8 - 1, FROM * 9 / 8, 1 << 20, 2 << 20, 1 << 20]
                .map(|bytes| longest.is_passed_by(bytes))
                .into();
        assert_eq!(passed, [false, true, false, false, true, true, true, false]);
    }
}
