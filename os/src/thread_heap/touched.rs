//! How much a heap touches anew: pages that it had none of before, in the region that came last.

use core::cell::Cell;

/// So many bytes are worth a call to the system.
const FROM: usize = 256 << 10;

/// What was not touched yet when the heap was last looked at.
pub(crate) struct Touched {
    left: Cell<usize>,
}

impl Touched {
    pub(crate) const fn new() -> Self {
        Self { left: Cell::new(0) }
    }

    /// Told now and then how many bytes of the newest region are not touched yet: how many were since it last said, if they are
    /// many.
    #[inline]
    pub(crate) fn since(&self, left: usize) -> Option<usize> {
        // A new region has more left than the last.
        let touched = self.left.get().saturating_sub(left);
        let are_many = touched >= FROM;
        if are_many || left > self.left.get() {
            self.left.set(left);
        }
        are_many.then_some(touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_is_told_once_it_is_much_and_of_one_region_alone() {
        let touched = Touched::new();
        let told = [4000, 3900, 3745, 3744, 3600, 3000, 4000, 3744, 0, 100, 0]
            .map(|kib| touched.since(kib << 10).map(|bytes| bytes >> 10));
        let none = None;
        assert_eq!(
            told,
            [none, none, none, Some(256), none, Some(744), none, Some(256), Some(3744), none, none]
        );
    }
}
