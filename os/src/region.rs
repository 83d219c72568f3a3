//! Where threads' heaps have their memory from: regions of one slot each, all in one table.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use memalloc_core::{Granule, PageSource};

use crate::clock::{SECOND, milliseconds};
use crate::heaps;
use crate::idle;
use crate::mapping::{SLOT, give_back_pages, map_aligned, unmap};
use crate::near::{Near, Start};
use crate::table::{Owner, Table};

/// All blocks of the process: the regions of its threads' heaps, and huge blocks.
pub(crate) static TABLE: Table = Table::new();

/// Bytes of all heaps' regions.
static LENT: AtomicUsize = AtomicUsize::new(0);

/// Where the next mapping should end: below the last one. Mappings side by side are one to the kernel.
static NEXT_END: AtomicUsize = AtomicUsize::new(0);

/// Bytes of all heaps' regions.
pub(crate) fn lent() -> usize {
    LENT.load(Ordering::Relaxed)
}

/// Maps `size` bytes of zeros, a multiple of a slot, once all that is idle has made way. `None` if there is no memory.
pub(crate) fn map_slots(size: usize) -> Option<NonNull<u8>> {
    idle::release();
    idle::note_mapped(size);
    map_beside_idle(size)
}

/// [`map_slots`], of which nothing makes way.
pub(crate) fn map_beside_idle(size: usize) -> Option<NonNull<u8>> {
    let start = map_aligned(NEXT_END.load(Ordering::Relaxed).saturating_sub(size), size)?;
    NEXT_END.store(start.addr().get(), Ordering::Relaxed);
    Some(start)
}

/// Unmaps what [`map_slots`] mapped, so that the next mapping may take its place.
///
/// # Safety
/// The memory has this size, is in no table, and nobody uses it any more.
pub(crate) unsafe fn unmap_below_next(start: NonNull<u8>, size: usize) {
    next_takes_place_of(start, size);
    // SAFETY: as the caller says.
    unsafe { unmap(start, size) };
}

/// Has the next mapping take the place of `size` bytes at `start`, which are mapped no more.
pub(crate) fn next_takes_place_of(start: NonNull<u8>, size: usize) {
    NEXT_END.store(start.addr().get() + size, Ordering::Relaxed);
}

/// Has a region [kept](idle), if there is room for it in the table of what may be.
///
/// # Safety
/// As for [`unmap_below_next`].
unsafe fn give_up(region: NonNull<u8>, keep: impl FnOnce(NonNull<u8>)) {
    if idle::enter(region, SLOT) {
        keep(region);
    } else {
        // SAFETY: as the caller says.
        unsafe { unmap_below_next(region, SLOT) };
    }
}

/// The start of the slot that holds `ptr`.
#[inline(always)]
pub(crate) fn slot_of(ptr: NonNull<u8>) -> NonNull<u8> {
    let start = ptr.as_ptr().map_addr(|address| address & !(SLOT - 1));
    // SAFETY: asked only where a slot is in the table; none is at address 0.
    unsafe { NonNull::new_unchecked(start) }
}

/// The regions of one heap.
#[derive(Debug)]
pub(crate) struct RegionSource {
    owner: Owner,
    near: Near,
    /// How many it has lent,
    lent: usize,
    /// and had at once, at most.
    most: usize,
    /// Whether the last one was idle memory, which holds what it held.
    was_idle: bool,
    /// When one was last given back that may be asked for again, in milliseconds.
    given_back: u64,
    /// Until when the heap had better keep what it has.
    kept_until: u64,
}

/// A heap that asks for a region so soon after it gave one back would have done better not to,
const SOON: u64 = SECOND / 10;
/// and does not for so long.
const KEPT_FOR: u64 = SECOND;

impl RegionSource {
    pub(crate) const fn new(owner: Owner) -> Self {
        Self { owner, near: Near::new(), lent: 0, most: 0, was_idle: false, given_back: 0, kept_until: 0 }
    }

    /// Whether a granule of a region of this source starts there, as far as those near at hand tell.
    #[inline(always)]
    pub(crate) fn has_near(&self, start: Start) -> bool {
        self.near.has(start)
    }

    /// Has a region no longer.
    fn forget(&mut self, region: NonNull<[u8]>) {
        self.lent -= 1;
        LENT.fetch_sub(SLOT, Ordering::Relaxed);
        self.near.forget(region.addr().get());
        TABLE.remove(region.cast(), SLOT);
    }

    /// Has a region of this source near at hand. Whether it was not.
    pub(crate) fn bring_near(&self, region: NonNull<u8>) -> bool {
        self.near.enter(region.addr().get())
    }
}

// SAFETY: a region is a mapping of its own, at a multiple of a slot, of one slot; the table has it for this owner as long
// as it is out.
unsafe impl PageSource for RegionSource {
    const ALIGN: usize = SLOT;
    const ZEROED: bool = true;

    fn largest(&self) -> usize {
        SLOT
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        if min > SLOT {
            return None;
        }
        let idle = idle::take(SLOT, SLOT).or_else(|| {
            heaps::reclaim();
            idle::take(SLOT, SLOT)
        });
        // What is idle in pieces serves it, too.
        let idle = idle.or_else(|| if idle::used() > 0 { idle::map_and_take(SLOT, SLOT) } else { None });
        let (start, has_pages) = match idle {
            Some(taken) => (taken.start, taken.has_pages()),
            None => (map_slots(SLOT)?, false),
        };
        if !TABLE.insert(start, SLOT, self.owner) {
            // SAFETY: the memory was just mapped, or idle, and is unused.
            unsafe { unmap_below_next(start, SLOT) };
            return None;
        }
        self.near.enter(start.addr().get());
        let now = milliseconds();
        if now < self.given_back + SOON {
            self.kept_until = now + KEPT_FOR;
        }
        if self.most == 0 {
            idle::prepare();
        }
        // A thread's first region may well be its last, and hold little: without pages that others have left, if the heap's threads
        // never had more.
        let may_be_last = self.lent == 0 && self.most <= 1;
        // SAFETY: the memory is unused, and whole pages.
        let is_zero = !has_pages || may_be_last && unsafe { give_back_pages(start, SLOT) };
        self.was_idle = !is_zero;
        self.lent += 1;
        self.most = self.most.max(self.lent);
        LENT.fetch_add(SLOT, Ordering::Relaxed);
        Some(NonNull::slice_from_raw_parts(start, SLOT))
    }

    fn last_is_zeroed(&self) -> bool {
        !self.was_idle
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        self.forget(block);
        // SAFETY: as the caller says; the table has it no more.
        unsafe { give_up(block.cast(), |start| idle::keep(start, SLOT)) };
    }

    fn wants_back(&self) -> bool {
        milliseconds() >= self.kept_until
    }

    unsafe fn release_for_now(&mut self, block: NonNull<[u8]>) {
        self.forget(block);
        self.given_back = milliseconds();
        // SAFETY: as the caller says; the table has it no more.
        unsafe { give_up(block.cast(), |start| idle::keep_for_now(start, SLOT)) };
    }

    unsafe fn discard(&mut self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: as the caller says.
        let _are_given = unsafe { give_back_pages(start, bytes) };
    }

    unsafe fn discard_for_now(&mut self, start: NonNull<u8>, bytes: usize) {
        // Where no other thread needs them, pages had better stay for what this one does next.
        if heaps::are_several() {
            // SAFETY: as the caller says.
            unsafe { self.discard(start, bytes) };
        }
    }

    #[inline(always)]
    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        let is_ours = TABLE.is_first_of(self.owner, address);
        if is_ours {
            NonNull::new(core::ptr::with_exposed_provenance_mut(address & !(SLOT - 1)))
        } else {
            None
        }
    }

    #[inline(always)]
    fn granule_at<G: Granule>(&self, address: usize) -> Option<(NonNull<u8>, usize)> {
        let block = self.block_of(address)?;
        let offset = address % SLOT;
        offset.is_multiple_of(G::BYTES).then_some((block, offset / G::BYTES))
    }

    #[inline(always)]
    unsafe fn block_of_own(&self, address: usize) -> NonNull<u8> {
        // SAFETY: a region holds the address, and none is at address 0.
        unsafe { NonNull::new_unchecked(core::ptr::with_exposed_provenance_mut(address & !(SLOT - 1))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_again_soon_had_better_stay() {
        let mut source = RegionSource::new(Owner::new(Owner::COUNT - 3).unwrap());
        // SAFETY: nobody uses the regions.
        unsafe {
            let before = milliseconds();
            let [first, second] = [SLOT, SLOT].map(|size| source.request(size).unwrap());
            assert_eq!(source.kept_until, 0, "it only grows");
            source.release_for_now(first);
            assert!(source.given_back >= before && source.wants_back(), "it may not need it again");
            source.given_back = milliseconds() - SOON;
            let later = source.request(SLOT).unwrap();
            assert_eq!(source.kept_until, 0, "it did without for a while");
            // As if no time went by.
            source.given_back = u64::MAX - SOON;
            let again = source.request(SLOT).unwrap();
            assert!(source.kept_until >= before + KEPT_FOR);
            for (until, wants_back) in [(u64::MAX, false), (milliseconds(), true)] {
                source.kept_until = until;
                assert_eq!(source.wants_back(), wants_back);
            }
            for region in [second, again, later] {
                source.release(region);
            }
        }
    }
}
