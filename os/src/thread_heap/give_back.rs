//! What a heap has free goes back to the system: while a thread has it, and nobody came for it for a while, or others need it more;
//! and when no thread has it.

use core::cell::Cell;

use super::ThreadHeap;
use super::decay::Decay;
use super::longest::Longest;
use super::touched::Touched;
use crate::clock::{SECOND, milliseconds};
use crate::mapping::SLOT;
use crate::{heaps, huge, idle};

/// What a heap that no thread has may hold and yet be left as it is, for the next.
const KEPT: usize = 2 * SLOT;

/// A heap that no thread has is trimmed when it is so much larger than after the last time, a part of that or [`KEPT`],
const GROWN_PART: usize = 4;
/// or a second later, or once such a part of its blocks has come back.
const COME_BACK_PART: usize = 4;

/// Huge blocks that come to so many thirds of a heap have it looked through for what can go,
const THIRDS_OF_HEAP: usize = 2;
/// where both are to hold more than ever by such a part of that:
const PART_OF_PEAK: usize = 16;
/// regions and pieces of so many bytes and more: what goes is to take less than what comes.
const LONG: usize = 64 << 10;

/// What became idle so little ago, in milliseconds, does not make way for what a heap of several touches anew.
const RECENT: u64 = SECOND / 50;

/// What is noted of a heap, so that it is known when that is.
pub(super) struct GiveBack {
    /// Bytes that the thread has had mapped for huge blocks since it last made way for them.
    huge: Cell<usize>,
    /// Bytes that the heap and all huge blocks held when it last made way for them, or ever before.
    peak: Cell<usize>,
    trimmed: Trimmed,
    /// When it became idle, in milliseconds, if what is free in it still has its pages.
    idle_since: Cell<Option<u64>>,
    decay: Decay,
    touched: Touched,
    pub(super) longest: Longest,
}

impl GiveBack {
    pub(super) const fn new() -> Self {
        Self {
            huge: Cell::new(0),
            peak: Cell::new(0),
            trimmed: Trimmed::never(),
            idle_since: Cell::new(None),
            decay: Decay::new(),
            touched: Touched::new(),
            longest: Longest::new(),
        }
    }
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

impl ThreadHeap {
    /// Tells other threads what the heap holds, and gives back to the system what nobody came for.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    #[inline]
    pub(super) unsafe fn publish_and_give_back(&self) {
        // SAFETY: as the caller says.
        let local = unsafe { self.local() };
        let totals = local.totals_so_far();
        self.shared.totals.publish(totals);
        if self.give_back.decay.are_pages_due(totals.used(), milliseconds) {
            local.discard();
        }
        if let Some(touched) = self.give_back.touched.since(local.fresh().bytes())
            && idle::used() > 0
        {
            // Where threads follow one another, the next may come for what the last has just left.
            let recent = if heaps::are_several() { RECENT } else { 0 };
            idle::release_oldest(touched, milliseconds().saturating_sub(recent));
        }
        idle::release_old();
        heaps::reclaim_each_second();
    }

    /// Each second: puts in order what waits, and what has come back, if much has waited for that long.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    pub(super) unsafe fn tidy_each_second(&self) {
        if !self.give_back.decay.is_second_over(milliseconds()) {
            return;
        }
        // SAFETY: as the caller says.
        let local = unsafe { self.local() };
        local.take_in();
        if self.give_back.decay.are_blocks_due(local.waiting()) {
            local.tidy();
            self.give_back.decay.leave(local.waiting());
        }
    }

    /// Before `bytes` bytes are mapped for a huge block of the thread: gives what is free in long pieces back to the system, if
    /// the heap and all huge blocks are to hold much more than ever, so that this peak does not hold it too. As that takes a look at
    /// the whole heap, which may soon have to have the pages anew, it is done when huge blocks have come to a part of it.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    pub(crate) unsafe fn make_way(&self, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe {
            let held = self.local().totals_so_far().source();
            let all = held.saturating_add(huge::held()).saturating_add(bytes);
            let peak = self.give_back.peak.get();
            self.give_back.huge.set(self.give_back.huge.get().saturating_add(bytes));
            if held > SLOT
                && self.give_back.huge.get() >= held / 3 * THIRDS_OF_HEAP
                && all > peak.saturating_add(peak / PART_OF_PEAK)
            {
                self.give_back.huge.set(0);
                self.give_back.peak.set(all);
                self.local().trim_from(LONG);
            }
        }
    }

    /// Before the heap becomes idle: takes in what has come back, and gives what is free in whole regions to whoever comes next, if
    /// that may be much. Of what else is free the next thread may need the pages, if it is little: they stay for a second.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    pub(crate) unsafe fn settle(&self) {
        // SAFETY: as the caller says.
        unsafe {
            self.local().take_in();
            let (source, left) = (self.source(), self.give_back.trimmed.left.get());
            let has_grown = source >= left + KEPT.max(left / GROWN_PART);
            let mut has_pages = true;
            if source > KEPT && (has_grown || milliseconds() >= self.give_back.trimmed.at.get() + SECOND) {
                self.local().trim_from(SLOT);
                has_pages = self.source() <= KEPT;
                if !has_pages {
                    self.local().discard();
                }
                self.note_trimmed();
            }
            self.give_back.idle_since.set(has_pages.then(milliseconds));
            idle::release_much();
        }
    }

    /// While the heap is idle: takes in what has come back, and gives what is free to the system once that may be much, or it has
    /// been idle for a second.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    pub(crate) unsafe fn reclaim(&self) {
        let idle_since = &self.give_back.idle_since;
        let is_over = idle_since.get().is_some_and(|since| milliseconds() >= since + SECOND);
        if self.inbox().is_empty() && !is_over {
            return;
        }
        // SAFETY: as the caller says.
        unsafe {
            let come_back = self.give_back.trimmed.come_back.get() + self.local().take_in();
            self.give_back.trimmed.come_back.set(come_back);
            let has_much_back = come_back > self.local().totals_so_far().used_chunks() / COME_BACK_PART;
            if is_over || self.source() > KEPT && has_much_back {
                self.local().trim();
                self.note_trimmed();
            }
        }
    }

    /// Bytes that its source has lent.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    unsafe fn source(&self) -> usize {
        // SAFETY: as the caller says.
        unsafe { self.local() }.totals_so_far().source()
    }

    /// # Safety
    /// As for [`local`](Self::local).
    unsafe fn note_trimmed(&self) {
        // SAFETY: as the caller says.
        self.give_back.trimmed.left.set(unsafe { self.source() });
        self.give_back.trimmed.at.set(milliseconds());
        self.give_back.trimmed.come_back.set(0);
        self.give_back.idle_since.set(None);
    }
}

#[cfg(test)]
mod tests {
    use core::alloc::Layout;
    use core::mem::MaybeUninit;
    use core::ptr::NonNull;

    use super::*;
    use crate::table::Owner;

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
        heap.give_back.trimmed.at.set(u64::MAX - SECOND);
        assert!(waits_when_settled(heap, 0));
        assert!(!waits_when_settled(heap, KEPT));
        heap.give_back.trimmed.at.set(0);
        assert!(!waits_when_settled(heap, 0));
    }
}
