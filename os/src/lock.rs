//! A mutex that sleeps, and that is free in the child of a fork, whoever held it.
//!
//! A fork does not wait for it: while other handlers of the fork's wait for locks of the program's, a thread that holds one of
//! those may allocate. Instead the state of a lock that is held tells how many forks the process goes back to; where
//! that is not so many as there were, whoever held it is left behind, and what the lock guards may be half changed.
//! (The three states: Ulrich Drepper, "Futexes are tricky", 2011.)

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::futex::{self, Timespec};

/// Never locked so far: the hook is still to be called.
const NEW: u32 = 0;
const FREE: u32 = 1;
/// Held. The bits above are the [`FORKS`] at the time.
const HELD: u32 = 2;
/// Held, as before, and others may sleep until it is free.
const AWAITED: u32 = 3;

/// The bits of a state that tell which it is.
const WHICH: u32 = 3;

/// How many forks led from a first process to this one, in the bits above a state's.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// In the child of a fork, before anything is locked: whatever other threads held is free.
pub(crate) fn free_those_of_other_threads() {
    FORKS.fetch_add(WHICH + 1, Ordering::Relaxed);
}

/// A state since the last fork.
#[inline]
fn now(state: u32) -> u32 {
    FORKS.load(Ordering::Relaxed) | state
}

/// A sleep without a limit would go on after a signal's handler that forks, in the child too, where nobody ends it.
const LONG: Timespec = Timespec { tv_sec: 3600, tv_nsec: 0 };

/// How often a thread looks again before it sleeps: what is done under the lock is most often over by then.
const SPINS: u32 = 100;

/// A value that one thread at a time can reach.
pub(crate) struct Lock<T> {
    state: AtomicU32,
    before_first: fn(),
    repair: fn(&mut T),
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands the value from thread to thread, never to two at once.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// A free lock. It calls `before_first` once, before it is taken for the first time; the hook may take it. It calls
    /// `repair` with the value that a thread may have half changed which the process, the child of a fork, does not have.
    pub(crate) const fn new(value: T, before_first: fn(), repair: fn(&mut T)) -> Self {
        Self { state: AtomicU32::new(NEW), before_first, repair, value: UnsafeCell::new(value) }
    }

    /// Waits for the lock and takes it.
    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        if !self.try_take() {
            self.take_slowly();
        }
        Guard(self)
    }

    #[inline]
    fn try_take(&self) -> bool {
        self.state.compare_exchange(FREE, now(HELD), Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn take_slowly(&self) {
        if self.state.compare_exchange(NEW, FREE, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            (self.before_first)();
        }
        if self.spin() == FREE && self.try_take() {
            return;
        }
        // Who has slept cannot know whether others still do.
        loop {
            match self.state.swap(now(AWAITED), Ordering::Acquire) {
                FREE => return,
                held if held | AWAITED == now(AWAITED) => self.sleep(),
                _ => return self.repair(),
            }
        }
    }

    /// Repairs the value, where the thread that held the lock is left behind.
    fn repair(&self) {
        // SAFETY: the lock is this thread's now.
        (self.repair)(unsafe { &mut *self.value.get() });
    }

    /// Looks until the lock is free, others wait already, or it has taken long. The state last seen.
    fn spin(&self) -> u32 {
        let held = now(HELD);
        for _ in 0..SPINS {
            let state = self.state.load(Ordering::Relaxed);
            if state != held {
                return state;
            }
            core::hint::spin_loop();
        }
        held
    }

    /// Sleeps, unless the lock is no longer awaited. Any error means: look again.
    fn sleep(&self) {
        let _ = futex::wait(&self.state, futex::Flags::PRIVATE, now(AWAITED), Some(&LONG));
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
        if self.0.state.swap(FREE, Ordering::Release) & WHICH == AWAITED {
            self.0.wake_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::thread;
    use std::time::Duration;

    fn new<T>(value: T) -> Lock<T> {
        Lock::new(value, || (), |_| panic!("nothing is left behind"))
    }

    #[test]
    fn threads_take_turns() {
        let lock = new(0_usize);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20_000).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(*lock.lock(), 80_000);
    }

    #[test]
    fn sleepers_are_woken_one_after_the_other() {
        let lock = new(0);
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
        let lock = new(());
        let entered = AtomicBool::new(false);
        let held = lock.lock();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _guard = lock.lock();
                entered.store(true, Ordering::Relaxed);
            });
            thread::sleep(Duration::from_millis(20));
            assert!(!entered.load(Ordering::Relaxed));
            drop(held);
        });
        assert!(entered.load(Ordering::Relaxed));
    }

    /// The status of a child in which `body` has run, 0 if that was true.
    fn in_child(body: impl FnOnce() -> bool) -> i32 {
        let mut status = -1;
        // SAFETY: the child leaves without unwinding into the parent's frames, and is ended if it waits for ever.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::alarm(60);
                free_those_of_other_threads();
                libc::_exit(i32::from(!body()));
            }
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        }
        status
    }

    #[test]
    fn in_the_child_of_a_fork_a_lock_that_another_thread_held_is_free_and_its_value_repaired() {
        let held = Lock::new(1, || (), |value| *value = 100);
        let awaited = Lock::new(1, || (), |value| *value = 100);
        let free = Lock::new(1, || (), |value| *value = 100);
        let guards = (held.lock(), awaited.lock(), drop(free.lock()));
        thread::scope(|scope| {
            scope.spawn(|| drop(awaited.lock()));
            while awaited.state.load(Ordering::Relaxed) & WHICH != AWAITED {
                thread::sleep(Duration::from_millis(1));
            }
            let values = || [&held, &awaited, &free].map(|lock| *lock.lock());
            // Twice, as what is repaired is held and free as any lock from then on.
            let status =
                scope.spawn(move || in_child(|| values() == [100, 100, 1] && values() == [100, 100, 1]));
            assert_eq!(status.join().unwrap(), 0);
            drop(guards);
        });
    }

    #[test]
    fn a_lock_held_by_the_thread_that_forks_is_held_in_the_child_until_released() {
        let lock = new(1);
        let guard = lock.lock();
        let status = in_child(|| {
            drop(guard);
            *lock.lock() += 1;
            *lock.lock() == 2
        });
        assert_eq!(status, 0);
    }

    static CALLS: AtomicUsize = AtomicUsize::new(0);
    static HOOKED: Lock<usize> = Lock::new(0, hook, |_| ());

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
