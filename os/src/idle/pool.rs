//! All that is idle, under one lock.

use core::mem;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::extent::Extent;
use super::extents::Idle;
use super::taken::Taken;
use crate::lock::Lock;
use crate::mapping::map_anew;

static IDLE: Lock<Idle> = Lock::new(Idle::new(), || (), forget);

/// Bytes of all extents, and of them those that may have pages, to be read without the lock.
static BYTES: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicUsize = AtomicUsize::new(0);

/// When the first of them became idle that may have pages, to be read without the lock: in milliseconds.
static OLDEST: AtomicU64 = AtomicU64::new(u64::MAX);

/// Has nothing idle, where it is not known what was.
fn forget(idle: &mut Idle) {
    mem::forget(mem::replace(idle, Idle::new()));
}

/// Bytes that are idle.
#[inline]
pub(crate) fn bytes() -> usize {
    BYTES.load(Relaxed)
}

/// Bytes that are idle and may have pages.
#[inline]
pub(crate) fn used() -> usize {
    USED.load(Relaxed)
}

/// When the first of what is idle became so that may have pages: in milliseconds.
#[inline]
pub(super) fn oldest() -> u64 {
    OLDEST.load(Relaxed)
}

/// Changes what is idle.
pub(super) fn change<T>(how: impl FnOnce(&mut Idle) -> T) -> T {
    let mut idle = IDLE.lock();
    let result = how(&mut idle);
    BYTES.store(idle.bytes(), Relaxed);
    USED.store(idle.used(), Relaxed);
    OLDEST.store(idle.oldest(), Relaxed);
    result
}

/// Has room to note what is idle, before all memory may be in use.
pub(crate) fn prepare() {
    change(Idle::prepare);
}

/// Adds an extent, if it has any bytes. Where there is no room to note it, its pages go back to the system, and its place is lost.
///
/// # Safety
/// As for [`keep`](super::keep).
pub(super) unsafe fn add(extent: Extent) {
    if extent.size > 0 && !change(|idle| idle.keep(extent)) {
        // SAFETY: as the caller says.
        let _is_anew = unsafe { map_anew(extent.start, extent.size) };
    }
}

/// `size` bytes, whole units, that were idle, aligned to `align`, a unit at least.
pub(crate) fn take(size: usize, align: usize) -> Option<Taken> {
    if bytes() < size { None } else { change(|idle| idle.take(size, align)) }
}

/// The `size` bytes from `start` on, whole units, if they are idle.
pub(crate) fn take_at(start: NonNull<u8>, size: usize) -> Option<Taken> {
    if bytes() < size { None } else { change(|idle| idle.take_at(start, size)) }
}

/// `most` bytes, whole units, that are idle and may have pages, or fewer.
pub(crate) fn take_used(most: usize) -> Option<Taken> {
    if used() == 0 { None } else { change(|idle| idle.take_used(most)) }
}
