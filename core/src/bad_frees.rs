//! Bad frees, where whoever frees takes no answer.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::FreeError;

/// Told of each bad free, or reallocation of what is no block: what is wrong, and where. It must not unwind, as frees do not.
pub type BadFree = fn(FreeError, *mut u8);

/// Counts bad frees and passes them on.
#[derive(Debug)]
pub(crate) struct BadFrees {
    count: AtomicUsize,
    on_bad_free: BadFree,
}

impl BadFrees {
    pub(crate) const fn new(on_bad_free: BadFree) -> Self {
        Self { count: AtomicUsize::new(0), on_bad_free }
    }

    /// How many there were so far.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    #[cold]
    pub(crate) fn tell(&self, error: FreeError, ptr: *mut u8) {
        #[cfg(target_has_atomic = "ptr")]
        self.count.fetch_add(1, Ordering::Relaxed);
        // Of two at the same time, one may not be counted.
        #[cfg(not(target_has_atomic = "ptr"))]
        self.count.store(self.count().wrapping_add(1), Ordering::Relaxed);
        (self.on_bad_free)(error, ptr);
    }
}
