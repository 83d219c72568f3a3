//! What a heap holds, for other threads to read.

use core::sync::atomic::{AtomicUsize, Ordering};

use memalloc_core::Totals;

/// Totals as of some moment not long ago, each on its own.
pub(super) struct Published([AtomicUsize; 5]);

impl Published {
    pub(super) const fn nothing() -> Self {
        Self([const { AtomicUsize::new(0) }; 5])
    }

    #[inline]
    pub(super) fn publish(&self, totals: Totals) {
        for (place, number) in self.0.iter().zip(totals.to_numbers()) {
            place.store(number, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Totals {
        Totals::from_numbers(self.0.each_ref().map(|number| number.load(Ordering::Relaxed)))
    }
}
