//! Memory that huge blocks and regions have left, kept for a short while: whoever gets it next need not have its pages anew.
//!
//! ```text
//!   slots   │                 │                 │                 │
//!           │ huge block │ idle │ huge block  │ idle              │ region
//!                        ▲ take_at: the block below grows         ▲ take: a block or region, off the end
//! ```
//!
//! What is larger than all that was freed before goes back to the system at once: a program that needs such a block just once
//! should not hold it beside what it does next. From then on as much is kept, as long as all that is idle does not come to more than
//! what huge blocks in use take, and a part of the regions, or a little; or to more than the program has just [missed]. (glibc's
//! threshold for mappings follows what was freed, too.)
//!
//! Slots that are idle, or partly, are in the table as huge blocks' are. Whatever is mapped gets their [pages](fill). They go back
//! to the system when they have not been used for a second, as far as the program calls again; as much, but for what is kept for
//! now, or has only just become idle where there are several heaps, as a heap touches anew of what it has, so that a peak holds
//! none; and when the program asks. Of slots that huge blocks lie in too the pages go, and what they leave is zeros.

mod extent;
mod extents;
mod fill;
mod missed;
mod pool;
mod slots;
mod taken;

use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use extent::Extent;
pub(crate) use fill::{filled, map_and_take};
use missed::Missed;
use pool::{add, change, oldest};
pub(crate) use pool::{bytes, prepare, take, take_at, take_used, used};
use slots::give_back;
pub(crate) use slots::{enter, enter_again, keep_place, leave, map_above, map_to_grow, withdraw};
pub(crate) use taken::Taken;

use crate::clock::{SECOND, milliseconds};
use crate::huge;
use crate::limit;
use crate::mapping::{SLOT, UNIT};
use crate::region;

/// Bytes that are kept at once, unless it is [for now](keep_for_now): whole units, so many,
const MOST_BYTES: usize = 32 << 20;
/// or as many as huge blocks in use have, and such a part of all regions,
const PART_OF_REGIONS: usize = 2;
/// and no more than such a part of an address space that is limited.
const PART_OF_LIMIT: u64 = 8;

/// What was given back beyond [what is kept](most_bytes), and mapped again.
static MISSED: Missed = Missed::new();

/// The largest that was freed, in bytes of whole slots.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// Bytes that are kept at once: whole units.
fn most_bytes() -> usize {
    let in_use = huge::held() + region::lent() / PART_OF_REGIONS;
    let most = in_use.max(MOST_BYTES + MISSED.bytes(milliseconds()));
    usize::try_from(limit::last() / PART_OF_LIMIT).map_or(most, |of_limit| most.min(of_limit)) / UNIT * UNIT
}

/// Told that so many bytes are had anew, as nothing idle served.
pub(crate) fn note_mapped(bytes: usize) {
    MISSED.map(bytes, milliseconds());
}

/// Keeps `size` bytes at `start`, or gives back to the system what is more than enough, and all that is more by itself, or larger
/// than what was freed before.
///
/// # Safety
/// They are mapped, whole units, in slots that were [entered](enter), and nobody uses them any more.
pub(crate) unsafe fn keep(start: NonNull<u8>, size: usize) {
    let in_slots = size.next_multiple_of(SLOT);
    let is_largest = LARGEST.fetch_max(in_slots, Relaxed) < in_slots;
    let most = most_bytes();
    // SAFETY: as the caller says.
    let kept = unsafe { keep_within(if is_largest { 0 } else { most }, start, size, false) };
    let beyond = if is_largest { 0 } else { size - kept };
    let released = release_oldest(used().saturating_sub(most), u64::MAX);
    MISSED.give(beyond + released, milliseconds());
}

/// [`keep`], however much that is: of what may be asked for again at once.
///
/// # Safety
/// As there.
pub(crate) unsafe fn keep_for_now(start: NonNull<u8>, size: usize) {
    // SAFETY: as the caller says.
    unsafe { keep_within(usize::MAX, start, size, true) };
}

/// [`keep`], up to `most` bytes in all. How many of these are kept.
///
/// # Safety
/// As there.
unsafe fn keep_within(most: usize, start: NonNull<u8>, size: usize, for_now: bool) -> usize {
    let kept = if size > most { 0 } else { size.min(most.saturating_sub(used())) };
    let extent = Extent { for_now, ..Extent::left(start, size) };
    // SAFETY: as the caller says.
    unsafe {
        give_back(extent.part(kept, size - kept));
        add(extent.part(0, kept));
    }
    release_old();
    kept
}

/// Gives what has been idle for long back to the system.
#[inline]
pub(crate) fn release_old() {
    // What another thread has just kept may be later.
    let is_old = |since: u64, now: u64| now.saturating_sub(since) >= SECOND;
    if bytes() > 0 && is_old(oldest(), milliseconds()) {
        release_if(|extent, now| is_old(extent.since, now));
    }
}

/// Gives all that is idle back to the system, if that is more than is kept at once: nobody may come for it, as a thread is ending.
pub(crate) fn release_much() {
    if used() > most_bytes() {
        release();
    }
}

/// Gives the pages of so many bytes of what is idle back to the system, that which is idle for longest first, but for what is kept for
/// now, or became idle after `until`. How many bytes had any.
#[cold]
pub(crate) fn release_oldest(bytes: usize, until: u64) -> usize {
    let mut released = 0;
    // The lock is not held while the system takes it.
    while released < bytes
        && let Some(extent) = change(|idle| idle.remove_oldest(until))
    {
        let going = (bytes - released).next_multiple_of(UNIT).min(extent.size);
        released += going;
        // SAFETY: the memory was idle, and is in no list any more.
        unsafe {
            add(extent.part(going, extent.size - going));
            give_back(extent.part(0, going));
        }
    }
    released
}

/// Gives all that is idle back to the system. How many bytes may have had pages.
pub(crate) fn release() -> usize {
    if bytes() > 0 { release_if(|_, _| true) } else { 0 }
}

#[cold]
fn release_if(goes: impl Fn(&Extent, u64) -> bool) -> usize {
    let (now, mut released) = (milliseconds(), 0);
    // The system takes its time, so the lock is not held meanwhile.
    while let Some(extent) = change(|idle| idle.remove(|extent| goes(extent, now))) {
        // SAFETY: the memory was idle, and is in no list any more.
        unsafe { give_back(extent) };
        released += extent.size;
    }
    released
}
