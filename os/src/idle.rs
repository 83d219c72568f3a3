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

mod missed;

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use missed::Missed;

use crate::clock::{SECOND, milliseconds};
use crate::huge;
use crate::limit;
use crate::lock::Lock;
use crate::mapping::{PAGE, SLOT, give_back_pages};
use crate::region::{self, unmap_below_next};

/// Extents that are kept at once.
const MOST: usize = 64;
/// Bytes that are kept at once, unless it is [for now](keep_for_now): whole slots, so many,
const MOST_BYTES: usize = 32 << 20;
/// or as many as huge blocks in use have, and such a part of all regions,
const PART_OF_REGIONS: usize = 2;
/// and no more than such a part of an address space that is limited.
const PART_OF_LIMIT: u64 = 8;

/// Idle memory: whole slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    start: NonNull<u8>,
    size: usize,
    /// Bytes from the start on that may hold what they held: those beyond are zeros, and have no pages.
    used: usize,
    /// When it became idle, or the latest piece of it did: in milliseconds.
    since: u64,
    /// Whether some of it is kept [for now](keep_for_now).
    for_now: bool,
}

impl Extent {
    /// It and another one, if that starts at its end.
    fn joined(self, upper: Self) -> Option<Self> {
        let touch = self.start.addr().get() + self.size == upper.start.addr().get();
        touch.then(|| Self {
            size: self.size + upper.size,
            used: if upper.used > 0 { self.size + upper.used } else { self.used },
            since: self.since.max(upper.since),
            for_now: self.for_now || upper.for_now,
            ..self
        })
    }
}

/// The extents, in no order. No two touch.
struct Idle {
    extents: [Option<Extent>; MOST],
}

// SAFETY: the memory is nobody's.
unsafe impl Send for Idle {}

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

impl Idle {
    const fn new() -> Self {
        Self { extents: [None; MOST] }
    }

    fn bytes(&self) -> usize {
        self.extents.iter().flatten().map(|extent| extent.size).sum()
    }

    fn oldest(&self) -> u64 {
        self.extents.iter().flatten().map(|extent| extent.since).min().unwrap_or(u64::MAX)
    }

    /// Adds an extent, one with those that it touches. Whether there is room for it.
    fn keep(&mut self, mut extent: Extent) -> bool {
        for place in &mut self.extents {
            if let Some(joined) =
                place.and_then(|there| there.joined(extent).or_else(|| extent.joined(there)))
            {
                extent = joined;
                *place = None;
            }
        }
        let room = self.extents.iter_mut().find(|place| place.is_none());
        room.map(|place| *place = Some(extent)).is_some()
    }

    /// Takes `size` bytes off the smallest extent that has them. They, and how many of them may hold what they held.
    fn take(&mut self, size: usize) -> Option<(NonNull<u8>, usize)> {
        let extents = self.extents.iter_mut().filter(|place| place.is_some_and(|extent| extent.size >= size));
        let place = extents.min_by_key(|place| place.map(|extent| extent.size))?;
        Self::cut(place, size)
    }

    fn take_at(&mut self, start: NonNull<u8>, size: usize) -> bool {
        let fits = |extent: Extent| extent.start == start && extent.size >= size;
        let place = self.extents.iter_mut().find(|place| place.is_some_and(fits));
        place.is_some_and(|place| Self::cut(place, size).is_some())
    }

    /// Cuts `size` bytes off the start of an extent that has them.
    fn cut(place: &mut Option<Extent>, size: usize) -> Option<(NonNull<u8>, usize)> {
        let extent = place.take()?;
        if extent.size > size {
            // SAFETY: the rest lies in the extent.
            let start = unsafe { extent.start.add(size) };
            let used = extent.used.saturating_sub(size);
            *place = Some(Extent { start, size: extent.size - size, used, ..extent });
        }
        Some((extent.start, extent.used.min(size)))
    }

    /// Where that stands which is idle for longest, of what is not kept for now.
    fn oldest_place(&mut self) -> Option<&mut Option<Extent>> {
        let extents = self.extents.iter_mut().filter(|place| place.is_some_and(|extent| !extent.for_now));
        extents.min_by_key(|place| place.map(|extent| extent.since))
    }

    /// Takes out what is idle for longest, of what is not kept for now.
    fn remove_oldest(&mut self) -> Option<Extent> {
        self.oldest_place()?.take()
    }

    /// Cuts what is more than `most` bytes, whole slots, off what is idle for longest, of what is not kept for now, or takes out all of
    /// that. Where it starts, and its bytes.
    fn cut_beyond(&mut self, most: usize) -> Option<(NonNull<u8>, usize)> {
        let excess = self.bytes().checked_sub(most)?;
        let place = self.oldest_place()?;
        let size = place.map(|extent| extent.size.min(excess)).filter(|&size| size > 0)?;
        Self::cut(place, size).map(|(start, _)| (start, size))
    }

    fn remove(&mut self, goes: impl Fn(&Extent) -> bool) -> Option<Extent> {
        let place = self.extents.iter_mut().find(|place| place.as_ref().is_some_and(&goes))?;
        place.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: usize) -> NonNull<u8> {
        NonNull::new(core::ptr::without_provenance_mut(number * SLOT)).unwrap()
    }

    fn extent(number: usize, slots: usize, since: u64) -> Extent {
        Extent { start: slot(number), size: slots * SLOT, used: slots * SLOT, since, for_now: false }
    }

    fn used(number: usize, slots: usize, used: usize) -> Extent {
        Extent { used, ..extent(number, slots, 0) }
    }

    fn all(idle: &Idle) -> std::vec::Vec<Extent> {
        let mut extents: std::vec::Vec<_> = idle.extents.iter().copied().flatten().collect();
        extents.sort_by_key(|extent| extent.start);
        extents
    }

    #[test]
    fn extents_that_touch_are_one_and_are_taken_by_size_or_place() {
        let mut idle = Idle::new();
        for (number, slots) in [(10, 2), (20, 1), (14, 1), (12, 2)] {
            assert!(idle.keep(extent(number, slots, number as u64)));
        }
        assert_eq!(all(&idle), [extent(10, 5, 14), extent(20, 1, 20)]);
        assert_eq!(idle.take(6 * SLOT), None);
        assert_eq!(idle.take(SLOT), Some((slot(20), SLOT)));
        assert_eq!(idle.take(SLOT), Some((slot(10), SLOT)));
        assert!(!idle.take_at(slot(12), SLOT) && !idle.take_at(slot(11), 5 * SLOT));
        assert!(idle.take_at(slot(11), 3 * SLOT));
        assert_eq!(all(&idle), [extent(14, 1, 14)]);
        assert!(idle.take_at(slot(14), SLOT) && all(&idle).is_empty());
        assert_eq!(idle.remove(|_| true), None);
    }

    #[test]
    fn what_nothing_was_written_to_is_known_at_the_end_of_an_extent() {
        let mut idle = Idle::new();
        assert!(idle.keep(used(10, 2, SLOT + 100)) && idle.keep(used(12, 2, 0)));
        assert_eq!(all(&idle), [used(10, 4, SLOT + 100)]);
        assert!(idle.keep(used(14, 1, 7)));
        assert_eq!(all(&idle), [used(10, 5, 4 * SLOT + 7)]);
        assert_eq!(idle.take(4 * SLOT), Some((slot(10), 4 * SLOT)));
        assert_eq!(idle.take(SLOT), Some((slot(14), 7)));
        assert!(idle.keep(used(20, 3, 9)));
        assert_eq!((idle.take(2 * SLOT), all(&idle)), (Some((slot(20), 9)), std::vec![used(22, 1, 0)]));
    }

    #[test]
    fn what_is_kept_for_now_does_not_make_way() {
        let mut idle = Idle::new();
        let for_now = |number, since| Extent { for_now: true, ..extent(number, 1, since) };
        let kept = [extent(10, 1, 7), for_now(20, 1), extent(30, 1, 5), extent(40, 1, 3), for_now(41, 9)];
        assert!(kept.into_iter().all(|extent| idle.keep(extent)));
        assert_eq!(idle.remove_oldest(), Some(extent(30, 1, 5)));
        assert_eq!(idle.remove_oldest(), Some(extent(10, 1, 7)));
        assert_eq!((idle.remove_oldest(), idle.bytes()), (None, 3 * SLOT));
    }

    #[test]
    fn what_is_too_much_is_cut_off_the_oldest_first() {
        let mut idle = Idle::new();
        let for_now = Extent { for_now: true, ..extent(30, 2, 0) };
        let kept = [extent(10, 3, 7), extent(20, 2, 5), for_now];
        assert!(kept.into_iter().all(|extent| idle.keep(extent)));
        assert_eq!((idle.cut_beyond(8 * SLOT), idle.cut_beyond(7 * SLOT)), (None, None));
        assert_eq!(idle.cut_beyond(4 * SLOT), Some((slot(20), 2 * SLOT)));
        assert_eq!(idle.cut_beyond(4 * SLOT), Some((slot(10), SLOT)));
        assert_eq!(all(&idle), [extent(11, 2, 7), for_now]);
        assert_eq!((idle.cut_beyond(0), idle.cut_beyond(0)), (Some((slot(11), 2 * SLOT)), None));
    }

    #[test]
    fn no_more_extents_are_kept_than_there_is_room_for() {
        let mut idle = Idle::new();
        let kept = (0..2 * MOST).filter(|number| idle.keep(extent(10 + 2 * number, 1, 0))).count();
        assert_eq!((kept, all(&idle).len()), (MOST, MOST));
        // One that joins two makes room.
        assert!(idle.keep(extent(11, 1, 0)) && idle.keep(extent(1000, 1, 0)));
        assert_eq!(idle.remove(|extent| extent.start == slot(10)), Some(extent(10, 3, 0)));
    }
}
