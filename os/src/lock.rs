//! A mutex that sleeps, and that a fork may hold.
//!
//! The standard one gives its lock back through a guard alone, which a handler of `pthread_atfork` has nowhere to keep.
//! (The three states: Ulrich Drepper, "Futexes are tricky", 2011.)

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::futex;

/// Never locked so far: the hook is still to be called.
const NEW: u32 = 0;
const FREE: u32 = 1;
const HELD: u32 = 2;
/// Held, and others may sleep until it is free.
const AWAITED: u32 = 3;

/// How often a thread looks again before it sleeps: what is done under the lock is most often over by then.
const SPINS: u32 = 100;

/// A value that one thread at a time can reach.
pub(crate) struct Lock<T> {
    state: AtomicU32,
    before_first: fn(),
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands the value from thread to thread, never to two at once.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// A free lock. It calls `before_first` once, before it is taken for the first time; the hook may take it.
    pub(crate) const fn new(value: T, before_first: fn()) -> Self {
        Self { state: AtomicU32::new(NEW), before_first, value: UnsafeCell::new(value) }
    }

    /// Waits for the lock and takes it.
    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        self.acquire();
        Guard(self)
    }

    /// Waits for the lock and takes it, until [`release`](Self::release).
    #[inline]
    pub(crate) fn acquire(&self) {
        if self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.acquire_slowly();
        }
    }

    /// Gives the lock back.
    ///
    /// # Safety
    /// The caller holds it, by [`acquire`](Self::acquire): in the thread that did, or in a child forked from it.
    #[inline]
    pub(crate) unsafe fn release(&self) {
        if self.state.swap(FREE, Ordering::Release) == AWAITED {
            self.wake_one();
        }
    }

    #[cold]
    fn acquire_slowly(&self) {
        if self.state.compare_exchange(NEW, FREE, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            (self.before_first)();
        }
        if self.spin() == FREE
            && self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
        {
            return;
        }
        // Who has slept cannot know whether others still do.
        while self.state.swap(AWAITED, Ordering::Acquire) != FREE {
            self.sleep();
        }
    }

    /// Looks until the lock is free, others wait already, or it has taken long. The state last seen.
    fn spin(&self) -> u32 {
        for _ in 0..SPINS {
            let state = self.state.load(Ordering::Relaxed);
            if state != HELD {
                return state;
            }
            core::hint::spin_loop();
        }
        HELD
    }

    /// Sleeps, unless the lock is no longer awaited. Any error means: look again.
    fn sleep(&self) {
        let _ = futex::wait(&self.state, futex::Flags::PRIVATE, AWAITED, None);
    }

    #[cold]
    fn wake_one(&self) {
        let _ = futex::wake(&self.state, futex::Flags::PRIVATE, 1);
    }
}

/// The value of a [`Lock`], held.
pub(crate) struct Guard<'lock, T>(&'lock Lock<T>);

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock, and is borrowed for as long as the reference lives.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the guard was made by taking the lock.
        unsafe { self.0.release() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn threads_take_turns() {
        let lock = Lock::new(0_usize, || ());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20_000).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(*lock.lock(), 80_000);
    }

    #[test]
    fn sleepers_are_woken_one_after_the_other() {
        let lock = Lock::new(0, || ());
        let held = lock.lock();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| *lock.lock() += 1);
            }
            while lock.state.load(Ordering::Relaxed) != AWAITED {
                thread::sleep(Duration::from_millis(1));
            }
            drop(held);
        });
        assert_eq!(*lock.lock(), 3);
    }

    #[test]
    fn a_held_lock_keeps_others_out_until_released() {
        let lock = Lock::new((), || ());
        let entered = AtomicBool::new(false);
        lock.acquire();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _guard = lock.lock();
                entered.store(true, Ordering::Relaxed);
            });
            thread::sleep(Duration::from_millis(20));
            assert!(!entered.load(Ordering::Relaxed));
            // SAFETY: acquired above.
            unsafe { lock.release() };
        });
        assert!(entered.load(Ordering::Relaxed));
    }

    static CALLS: AtomicUsize = AtomicUsize::new(0);
    static HOOKED: Lock<usize> = Lock::new(0, hook);

    fn hook() {
        CALLS.fetch_add(1, Ordering::Relaxed);
        *HOOKED.lock() += 10;
    }

    #[test]
    fn the_hook_runs_once_before_the_first_and_may_lock() {
        assert_eq!(*HOOKED.lock(), 10);
        assert_eq!(*HOOKED.lock(), 10);
        assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    }
}
