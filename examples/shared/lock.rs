//! A mutex for one processor: whoever has it is not interrupted.

use core::sync::atomic::{AtomicBool, Ordering};

use lock_api::{GuardNoSend, RawMutex};

use crate::interrupts;

/// Disables interrupts while it is locked, and leaves them as they were then.
pub struct InterruptLock {
    locked: AtomicBool,
    /// Whether interrupts were enabled when it was locked.
    were_enabled: AtomicBool,
}

// SAFETY: with interrupts disabled, nothing else runs on the one processor; an exception that does finds it locked.
unsafe impl RawMutex for InterruptLock {
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: Self = Self { locked: AtomicBool::new(false), were_enabled: AtomicBool::new(false) };
    type GuardMarker = GuardNoSend;

    fn lock(&self) {
        // Only by one and the same does it find itself locked: it would wait for ever.
        assert!(self.try_lock(), "the heap is locked already");
    }

    fn try_lock(&self) -> bool {
        let were_enabled = interrupts::disable();
        if self.locked.load(Ordering::Relaxed) {
            interrupts::restore(were_enabled);
            return false;
        }
        self.locked.store(true, Ordering::Relaxed);
        self.were_enabled.store(were_enabled, Ordering::Relaxed);
        true
    }

    unsafe fn unlock(&self) {
        let were_enabled = self.were_enabled.load(Ordering::Relaxed);
        self.locked.store(false, Ordering::Relaxed);
        interrupts::restore(were_enabled);
    }
}
