//! Memory that huge blocks and regions have left, kept for a short while: whoever gets it next need not have its pages anew.
//!
//! ```text
//!   │ huge block │ idle extent │ region │ idle extent             │ …
//!                 ▲ take_at: the block grows   ▲ take: a new block or region, off the start
//! ```
//!
//! What is larger than all that was freed before goes back to the system at once: a program that needs such a block just once
//! should not hold it beside what it does next. From then on as much is kept, as long as all that is idle does not come to more than
//! what huge blocks in use take, and a part of the regions, or a little; or to more than the program has just [missed]. (glibc's
//! threshold for mappings follows what was freed, too.)
//!
//! It is in no table, and zeros are promised only of what nothing was written to. It goes back to the system when it has not been
//! used for a second, as far as the program calls again; all of it at once before anything is mapped that takes none of it in,
//! and, but for what is kept for now, as much as a heap touches anew of what it has, so that a peak holds none; and when the
//! program asks.

mod extents;
mod missed;

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use extents::{Extent, Idle};
use missed::Missed;

use crate::clock::{SECOND, milliseconds};
use crate::huge;
use crate::limit;
use crate::lock::Lock;
use crate::mapping::{PAGE, SLOT, give_back_pages};
use crate::region::{self, unmap_below_next};

/// Bytes that are kept at once, unless it is [for now](keep_for_now): whole slots, so many,
const MOST_BYTES: usize = 32 << 20;
/// or as many as huge blocks in use have, and such a part of all regions,
const PART_OF_REGIONS: usize = 2;
/// and no more than such a part of an address space that is limited.
const PART_OF_LIMIT: u64 = 8;

static IDLE: Lock<Idle> = Lock::new(Idle::new(), || (), |idle| *idle = Idle::new());

/// Bytes of all extents, to be read without the lock.
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// When the first of them became idle, to be read without the lock: in milliseconds.
static OLDEST: AtomicU64 = AtomicU64::new(u64::MAX);

/// Bytes that are idle.
#[inline]
pub(crate) fn bytes() -> usize {
    BYTES.load(Relaxed)
}

/// What was given back beyond [what is kept](most_bytes), and mapped again.
static MISSED: Missed = Missed::new();

/// The largest that was freed.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// Changes what is idle.
fn change<T>(how: impl FnOnce(&mut Idle) -> T) -> T {
    let mut idle = IDLE.lock();
    let result = how(&mut idle);
    BYTES.store(idle.bytes(), Relaxed);
    OLDEST.store(idle.oldest(), Relaxed);
    result
}

/// Bytes that are kept at once: whole slots.
fn most_bytes() -> usize {
    let in_use = huge::mapped() + region::lent() / PART_OF_REGIONS;
    let most = in_use.max(MOST_BYTES + MISSED.bytes(milliseconds()));
    usize::try_from(limit::last() / PART_OF_LIMIT).map_or(most, |of_limit| most.min(of_limit)) / SLOT * SLOT
}

/// Told that so many bytes are mapped, as nothing idle served.
pub(crate) fn note_mapped(bytes: usize) {
    MISSED.map(bytes, milliseconds());
}

/// Keeps `size` bytes at `start`, or gives back to the system what is more than enough, and all that is more by itself, or larger
/// than what was freed before.
///
/// # Safety
/// They are mapped, whole slots, in no table, and nobody uses them any more. Nothing was written beyond the first `used`.
pub(crate) unsafe fn keep(start: NonNull<u8>, size: usize, used: usize) {
    let is_largest = LARGEST.fetch_max(size, Relaxed) < size;
    let most = most_bytes();
    // SAFETY: as the caller says.
    let kept = unsafe { keep_within(if is_largest { 0 } else { most }, start, size, used, false) };
    let beyond = if is_largest { 0 } else { size - kept };
    MISSED.give(beyond + release_beyond(most), milliseconds());
}

/// [`keep`], however much that is, and all of it used: of what may be asked for again at once.
///
/// # Safety
/// As there.
pub(crate) unsafe fn keep_for_now(start: NonNull<u8>, size: usize) {
    // SAFETY: as the caller says.
    unsafe { keep_within(usize::MAX, start, size, size, true) };
}

/// [`keep`], up to `most` bytes in all. How many of these are kept.
///
/// # Safety
/// As there.
unsafe fn keep_within(most: usize, start: NonNull<u8>, size: usize, used: usize, for_now: bool) -> usize {
    let kept = change(|idle| {
        let kept = if size > most { 0 } else { size.min(most.saturating_sub(idle.bytes())) };
        // Whole pages, as who writes a little too far does so behind the end of what is used.
        let used = used.next_multiple_of(PAGE).min(kept);
        let extent = Extent { start, size: kept, used, since: milliseconds(), for_now };
        if kept > 0 && idle.keep(extent) { kept } else { 0 }
    });
    if kept < size {
        // SAFETY: as the caller says.
        unsafe { unmap_below_next(start.add(kept), size - kept) };
    }
    release_old();
    kept
}

/// `size` bytes, whole slots, that were idle, and how many of them, from the start on, may hold what they held.
pub(crate) fn take(size: usize) -> Option<(NonNull<u8>, usize)> {
    if bytes() < size { None } else { change(|idle| idle.take(size)) }
}

/// Takes the `size` bytes from `start` on, whole slots, if they are idle. They may hold what they held.
pub(crate) fn take_at(start: NonNull<u8>, size: usize) -> bool {
    bytes() >= size && change(|idle| idle.take_at(start, size))
}

/// Gives what has been idle for long back to the system.
#[inline]
pub(crate) fn release_old() {
    // What another thread has just kept may be later.
    let is_old = |since: u64, now: u64| now.saturating_sub(since) >= SECOND;
    if bytes() > 0 && is_old(OLDEST.load(Relaxed), milliseconds()) {
        release_if(|extent, now| is_old(extent.since, now));
    }
}

/// Gives all that is idle back to the system, if that is more than is kept at once: nobody may come for it, as a thread is ending.
pub(crate) fn release_much() {
    if bytes() > most_bytes() {
        release();
    }
}

/// Gives what is idle beyond `most` bytes, whole slots, back to the system, that which is idle for longest first, but for what is kept
/// for now. How many bytes.
fn release_beyond(most: usize) -> usize {
    let mut released = 0;
    // The lock is not held while the system takes it.
    while bytes() > most
        && let Some((start, size)) = change(|idle| idle.cut_beyond(most))
    {
        // SAFETY: the memory was idle, and is in no list any more.
        unsafe { unmap_below_next(start, size) };
        released += size;
    }
    released
}

/// Gives so many bytes of what is idle back to the system, that which is idle for longest first, but for what is kept for now: a heap
/// has touched as many anew.
#[cold]
pub(crate) fn release_some(bytes: usize) {
    let mut left = bytes.next_multiple_of(PAGE);
    // The lock is not held while the system takes it.
    while left > 0
        && let Some(extent) = change(Idle::remove_oldest)
    {
        let going = left.min(extent.used);
        left -= going;
        // SAFETY: the memory was idle, and is in no list any more.
        unsafe {
            let rest = Extent { used: extent.used - going, ..extent };
            let is_kept = rest.used > 0
                && give_back_pages(rest.start.add(rest.used), going)
                && change(|idle| idle.keep(rest));
            if !is_kept {
                unmap_below_next(extent.start, extent.size);
            }
        }
    }
}

/// Gives all that is idle back to the system. Its bytes.
pub(crate) fn release() -> usize {
    if bytes() > 0 { release_if(|_, _| true) } else { 0 }
}

#[cold]
fn release_if(goes: impl Fn(&Extent, u64) -> bool) -> usize {
    let (now, mut released) = (milliseconds(), 0);
    // The system takes its time, so the lock is not held meanwhile.
    while let Some(extent) = change(|idle| idle.remove(|extent| goes(extent, now))) {
        // SAFETY: the memory was idle, and is in no list any more.
        unsafe { unmap_below_next(extent.start, extent.size) };
        released += extent.size;
    }
    released
}
