//! A thread's heap, and what other threads may know of it.

use core::alloc::Layout;
use core::cell::{Cell, UnsafeCell};
use core::ptr::{NonNull, null};
use core::sync::atomic::{AtomicUsize, Ordering};

use memalloc_core::remote::Inbox;
use memalloc_core::{GranuleAt, LocalHeap, Totals};

use crate::bad_free::abort_on_bad_free;
use crate::clock::{SECOND, milliseconds};
use crate::decay::Decay;
use crate::heaps;
use crate::huge;
use crate::idle;
use crate::longest::Longest;
use crate::mapping::{SLOT, give_back_pages};
use crate::region::RegionSource;
use crate::table::Owner;
use crate::touched::Touched;

/// What a region of a heap serves: the size and the alignment together. Larger blocks are huge.
pub(crate) const LARGEST: usize = SLOT / 2;

/// Of so many allocations that do not take what waits, the first tells other threads what the heap holds.
const PUBLISH_EACH: u8 = 16;
/// Of so many, the first sees whether a second is over.
const SECOND_EACH: u8 = 128;

/// What a heap that no thread has may hold and yet be left as it is, for the next.
const KEPT: usize = 2 * SLOT;

/// A heap that no thread has is trimmed when it is so much larger than after the last time, a part of that or [`KEPT`],
const GROWN_PART: usize = 4;
/// or a second later, or once such a part of its blocks has come back.
const COME_BACK_PART: usize = 4;

/// Huge blocks that come to such a part of a heap have it looked through for what can go,
const PART_OF_HEAP: usize = 4;
/// regions and pieces of so many bytes and more: what goes is to take less than what comes.
const LONG: usize = 64 << 10;

/// A thread's heap.
#[repr(C, align(128))]
pub(crate) struct ThreadHeap {
    local: UnsafeCell<LocalHeap<'static, RegionSource>>,
    owner: Owner,
    /// The next idle heap.
    next: Cell<*const ThreadHeap>,
    /// How often other threads might have been told what the heap holds.
    ticks: Cell<u8>,
    /// Bytes that the thread has had mapped for huge blocks since it last made way for them.
    huge: Cell<usize>,
    /// Bytes that the heap and all huge blocks held when it last made way for them, or ever before.
    peak: Cell<usize>,
    /// Blocks of others' heaps that its thread has freed while some heap was idle.
    freed_elsewhere: Cell<usize>,
    /// How often its thread's end was put off.
    rounds: Cell<u8>,
    trimmed: Trimmed,
    decay: Decay,
    longest: Longest,
    touched: Touched,
    shared: Shared,
}

/// When a heap that no thread had was last trimmed, and what has been since: to trim it takes a look at all of it.
struct Trimmed {
    /// In milliseconds.
    at: Cell<u64>,
    /// Bytes that the source then had lent.
    left: Cell<usize>,
    /// Blocks that have come back since, while no thread had it.
    come_back: Cell<usize>,
}

impl Trimmed {
    const fn never() -> Self {
        Self { at: Cell::new(0), left: Cell::new(0), come_back: Cell::new(0) }
    }
}

/// What a thread has that has no heap yet: it has nothing, and owns nothing.
pub(crate) static NONE: ThreadHeap = ThreadHeap::nobodys();

/// What a thread has that is ending and has given its heap up.
pub(crate) static ENDED: ThreadHeap = ThreadHeap::nobodys();

/// Where nothing comes back to.
static NO_INBOX: Inbox = Inbox::new();

/// What other threads look at and write to: on cache lines of its own.
#[repr(C, align(128))]
struct Shared {
    inbox: Inbox,
    totals: Published,
}

// SAFETY: the thread that has the heap, or holds the lock under which it lies, alone touches all but what is shared.
unsafe impl Sync for ThreadHeap {}

impl ThreadHeap {
    /// Whose the heap's regions are in the table.
    #[inline(always)]
    pub(crate) const fn owner(&self) -> Owner {
        self.owner
    }

    /// The heap itself.
    ///
    /// # Safety
    /// The calling thread has it, or it is an idle one, or the shared one, and the calling thread holds the lock of those;
    /// nothing else that this returned is in use.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "a thread's own heap, by the contract")]
    pub(crate) unsafe fn local(&self) -> &mut LocalHeap<'static, RegionSource> {
        // SAFETY: as the caller says.
        unsafe { &mut *self.local.get() }
    }

    /// Where blocks of the heap come back to.
    pub(crate) const fn inbox(&self) -> &Inbox {
        &self.shared.inbox
    }

    /// Blocks of others' heaps that its thread has freed while some heap was idle.
    pub(crate) const fn freed_elsewhere(&self) -> &Cell<usize> {
        &self.freed_elsewhere
    }

    /// How often its thread's end was put off.
    pub(crate) const fn rounds(&self) -> &Cell<u8> {
        &self.rounds
    }

    /// The next idle heap.
    pub(crate) const fn next(&self) -> *const Self {
        self.next.get()
    }

    /// Has `next` as the next idle heap.
    pub(crate) fn set_next(&self, next: *const Self) {
        self.next.set(next);
    }

    /// What the heap holds, as other threads were last told.
    pub(crate) fn published(&self) -> Totals {
        self.shared.totals.read()
    }

    /// Tells other threads what the heap holds once all that has come back is taken in.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    pub(crate) unsafe fn take_in_and_publish(&self) {
        // SAFETY: as the caller says.
        let local = unsafe { self.local() };
        local.take_in();
        self.shared.totals.publish(local.totals());
    }

    /// A block for `layout`, where none waits. Now and then other threads are told what the heap holds, and what nobody came for
    /// goes back to the system.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    #[inline]
    pub(crate) unsafe fn allocate(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says.
        unsafe {
            self.ticks.set(self.ticks.get().wrapping_add(1));
            if self.ticks.get().is_multiple_of(PUBLISH_EACH) || self.local().may_tidy() {
                return self.allocate_and_look_round(layout);
            }
            self.local().allocate_taking_in(layout)
        }
    }

    /// [`allocate`](Self::allocate), when others are told, and it is seen what may go back.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    #[cold]
    #[inline(never)]
    unsafe fn allocate_and_look_round(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says.
        unsafe {
            let may_tidy = self.local().may_tidy();
            let block = self.local().allocate_taking_in(layout);
            self.publish_and_give_back();
            if self.ticks.get().is_multiple_of(SECOND_EACH) || may_tidy {
                self.tidy_each_second();
            }
            block
        }
    }

    /// Frees the block that starts at a granule, of `bytes` bytes, which is too long to wait.
    ///
    /// # Safety
    /// As for [`local`](Self::local), and as for [`LocalHeap::deallocate_long`].
    #[inline]
    pub(crate) unsafe fn deallocate_long(&self, at: GranuleAt, bytes: usize) {
        // SAFETY: as the caller says: nobody uses the block any more.
        unsafe {
            if self.longest.is_passed_by(bytes) {
                give_back_pages(at.ptr, bytes);
            }
            self.local().deallocate_long(at);
        }
    }

    /// Tells other threads what the heap holds, and gives back to the system what nobody came for.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    #[inline]
    unsafe fn publish_and_give_back(&self) {
        // SAFETY: as the caller says.
        let local = unsafe { self.local() };
        let totals = local.totals_so_far();
        self.shared.totals.publish(totals);
        if self.decay.are_pages_due(totals.used(), milliseconds) {
            local.discard();
        }
        if let Some(touched) = self.touched.since(local.fresh().bytes())
            && idle::bytes() > 0
        {
            idle::release_some(touched);
        }
        idle::release_old();
        heaps::reclaim_each_second();
    }

    /// Each second: puts in order what waits, and what has come back, if much has waited for that long.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    unsafe fn tidy_each_second(&self) {
        if !self.decay.is_second_over(milliseconds()) {
            return;
        }
        // SAFETY: as the caller says.
        let local = unsafe { self.local() };
        local.take_in();
        if self.decay.are_blocks_due(local.waiting()) {
            local.tidy();
            self.decay.leave(local.waiting());
        }
    }

    /// Before `bytes` bytes are mapped for a huge block of the thread: gives what is free in long pieces back to the system, if
    /// the heap and all huge blocks are to hold more than ever, so that this peak does not hold it too. As that takes a look at the
    /// whole heap, it is done when huge blocks have come to a part of it.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    pub(crate) unsafe fn make_way(&self, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe {
            let held = self.local().totals_so_far().source();
            let all = held.saturating_add(huge::mapped()).saturating_add(bytes);
            self.huge.set(self.huge.get().saturating_add(bytes));
            if held > SLOT && self.huge.get() >= held / PART_OF_HEAP && all > self.peak.get() {
                self.huge.set(0);
                self.peak.set(all);
                self.local().trim_from(LONG);
            }
        }
    }

    /// Before the heap becomes idle: takes in what has come back, and gives what is free to the system, as nobody may come for
    /// it, if that may be much.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    pub(crate) unsafe fn settle(&self) {
        // SAFETY: as the caller says.
        unsafe {
            self.local().take_in();
            let (source, left) = (self.local().totals_so_far().source(), self.trimmed.left.get());
            let has_grown = source >= left + KEPT.max(left / GROWN_PART);
            if source > KEPT && (has_grown || milliseconds() >= self.trimmed.at.get() + SECOND) {
                self.trim();
            }
            idle::release_much();
        }
    }

    /// While the heap is idle: takes in what has come back, and gives what is free to the system once that may be much.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    pub(crate) unsafe fn reclaim(&self) {
        if self.inbox().is_empty() {
            return;
        }
        // SAFETY: as the caller says.
        unsafe {
            let come_back = self.trimmed.come_back.get() + self.local().take_in();
            self.trimmed.come_back.set(come_back);
            let totals = self.local().totals_so_far();
            if totals.source() > KEPT && come_back > totals.used_chunks() / COME_BACK_PART {
                self.trim();
            }
        }
    }

    /// # Safety
    /// As for [`local`](Self::local).
    unsafe fn trim(&self) {
        // SAFETY: as the caller says.
        let local = unsafe { self.local() };
        local.trim();
        self.trimmed.at.set(milliseconds());
        self.trimmed.left.set(local.totals_so_far().source());
        self.trimmed.come_back.set(0);
    }

    /// A heap that never has memory.
    pub(crate) const fn nobodys() -> Self {
        let source = RegionSource::new(Owner::NOBODY);
        Self {
            // SAFETY: nothing ever comes to the inbox, as the heap has no block.
            local: UnsafeCell::new(unsafe { LocalHeap::new(source, &NO_INBOX, |_, _| {}) }),
            owner: Owner::NOBODY,
            next: Cell::new(null()),
            ticks: Cell::new(0),
            huge: Cell::new(0),
            peak: Cell::new(0),
            freed_elsewhere: Cell::new(0),
            rounds: Cell::new(0),
            trimmed: Trimmed::never(),
            decay: Decay::new(),
            longest: Longest::new(),
            touched: Touched::new(),
            shared: Shared { inbox: Inbox::new(), totals: Published::nothing() },
        }
    }

    /// Makes a heap at `at`.
    ///
    /// # Safety
    /// The memory is there for ever, and unused.
    pub(crate) unsafe fn make(at: NonNull<Self>, owner: Owner) -> &'static Self {
        // SAFETY: the memory is the heap's. The inbox is made first and stays where it is.
        unsafe {
            let shared = &raw mut (*at.as_ptr()).shared;
            shared.write(Shared { inbox: Inbox::new(), totals: Published::nothing() });
            let local = LocalHeap::new(RegionSource::new(owner), &(*shared).inbox, |error, ptr| {
                abort_on_bad_free(error, ptr.as_ptr())
            });
            (&raw mut (*at.as_ptr()).local).write(UnsafeCell::new(local));
            (&raw mut (*at.as_ptr()).owner).write(owner);
            (&raw mut (*at.as_ptr()).next).write(Cell::new(null()));
            (&raw mut (*at.as_ptr()).ticks).write(Cell::new(PUBLISH_EACH - 1));
            (&raw mut (*at.as_ptr()).huge).write(Cell::new(0));
            (&raw mut (*at.as_ptr()).peak).write(Cell::new(0));
            (&raw mut (*at.as_ptr()).freed_elsewhere).write(Cell::new(0));
            (&raw mut (*at.as_ptr()).rounds).write(Cell::new(0));
            (&raw mut (*at.as_ptr()).trimmed).write(Trimmed::never());
            (&raw mut (*at.as_ptr()).decay).write(Decay::new());
            (&raw mut (*at.as_ptr()).longest).write(Longest::new());
            (&raw mut (*at.as_ptr()).touched).write(Touched::new());
            at.as_ref()
        }
    }
}

/// Totals for other threads to read: as of some moment not long ago, each on its own.
struct Published([AtomicUsize; 5]);

impl Published {
    const fn nothing() -> Self {
        Self([const { AtomicUsize::new(0) }; 5])
    }

    #[inline]
    fn publish(&self, totals: Totals) {
        for (place, number) in self.0.iter().zip(totals.to_numbers()) {
            place.store(number, Ordering::Relaxed);
        }
    }

    fn read(&self) -> Totals {
        Totals::from_numbers(self.0.each_ref().map(|number| number.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::MaybeUninit;

    const LAYOUT: Layout = Layout::new::<[u8; 256]>();

    fn new_heap() -> &'static ThreadHeap {
        let memory = std::boxed::Box::leak(std::boxed::Box::new(MaybeUninit::<ThreadHeap>::uninit()));
        let owner = Owner::new(Owner::COUNT - 2).unwrap();
        // SAFETY: the memory is the heap's for ever, and no other heap has this owner.
        unsafe { ThreadHeap::make(NonNull::from(memory).cast(), owner) }
    }

    /// Adds `bytes` bytes of blocks to the heap, frees the last few, which then wait, and settles it. Whether they still wait.
    fn waits_when_settled(heap: &ThreadHeap, bytes: usize) -> bool {
        // SAFETY: the heap is this thread's alone, and nobody uses a block.
        unsafe {
            let blocks: std::vec::Vec<_> =
                (0..bytes / LAYOUT.size() + 10).map(|_| heap.local().allocate(LAYOUT).unwrap()).collect();
            for &block in blocks.iter().rev().take(10) {
                assert_eq!(heap.local().deallocate_sized(block, LAYOUT), Ok(()));
            }
            heap.settle();
            let block = heap.local().allocate_waiting(LAYOUT.size());
            block.is_some_and(|block| heap.local().deallocate_sized(block, LAYOUT).is_ok())
        }
    }

    #[test]
    fn a_heap_is_trimmed_when_it_has_grown_or_some_time_later_and_not_for_each_thread_that_ends() {
        let heap = new_heap();
        assert!(waits_when_settled(heap, SLOT), "what is small is left as it is");
        assert!(!waits_when_settled(heap, 2 * KEPT));
        // As if no time went by, or much.
        heap.trimmed.at.set(u64::MAX - SECOND);
        assert!(waits_when_settled(heap, 0));
        assert!(!waits_when_settled(heap, KEPT));
        heap.trimmed.at.set(0);
        assert!(!waits_when_settled(heap, 0));
    }
}
