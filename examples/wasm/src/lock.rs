//! A mutex for a module of one thread.

use core::sync::atomic::{AtomicBool, Ordering};

use lock_api::{GuardNoSend, RawMutex};

/// Nobody else is there to wait for: whoever finds it locked has locked it already.
pub struct OneThread(AtomicBool);

// SAFETY: whoever turns the flag on has the lock until it is off again.
unsafe impl RawMutex for OneThread {
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: Self = Self(AtomicBool::new(false));
    type GuardMarker = GuardNoSend;

    fn lock(&self) {
        assert!(self.try_lock(), "the heap is locked already");
    }

    fn try_lock(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
