//! Atomics and cells that several threads share; portable-atomic's where the target has no compare-and-swap, or loom's where
//! that checks what they do.

pub(crate) use core::sync::atomic::Ordering;

#[cfg(not(any(loom, feature = "portable-atomic")))]
pub(crate) use core::sync::atomic::{AtomicPtr, AtomicUsize};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicUsize};
#[cfg(all(not(loom), feature = "portable-atomic"))]
pub(crate) use portable_atomic::{AtomicPtr, AtomicUsize};

#[cfg(not(loom))]
use core::cell::UnsafeCell;
#[cfg(loom)]
use loom::cell::UnsafeCell;

/// A value that is read and written by those who may, each in turn.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct SharedCell<T>(UnsafeCell<T>);

impl<T: Copy> SharedCell<T> {
    #[inline(always)]
    pub(crate) fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// # Safety
    /// Nobody writes meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn get(&self) -> T {
        #[cfg(not(loom))]
        let at = self.0.get();
        #[cfg(not(loom))]
        // SAFETY: as the caller says.
        return unsafe { at.read() };
        #[cfg(loom)]
        // SAFETY: as the caller says.
        return self.0.with(|at| unsafe { at.read() });
    }

    /// # Safety
    /// Nobody reads or writes meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn set(&self, value: T) {
        #[cfg(not(loom))]
        let at = self.0.get();
        #[cfg(not(loom))]
        // SAFETY: as the caller says.
        return unsafe { at.write(value) };
        #[cfg(loom)]
        // SAFETY: as the caller says.
        return self.0.with_mut(|at| unsafe { at.write(value) });
    }
}
