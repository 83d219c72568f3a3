//! A thread's heap, and what other threads may know of it.

mod decay;
mod give_back;
mod longest;
mod published;
mod touched;

use core::alloc::Layout;
use core::cell::{Cell, UnsafeCell};
use core::ptr::{NonNull, null};

use give_back::GiveBack;
use memalloc_core::remote::Inbox;
use memalloc_core::{GranuleAt, LocalHeap, Totals};
use published::Published;

use crate::bad_free::abort_on_bad_free;
use crate::mapping::{SLOT, give_back_pages};
use crate::region::RegionSource;
use crate::table::Owner;

/// What a region of a heap serves: the size and the alignment together. Larger blocks are huge.
pub(crate) const LARGEST: usize = SLOT / 4 * 3;

/// After so many allocations that do not take what waits, it is time to look round: other threads are told what the heap holds.
const LOOK_EACH: u8 = 16;
/// Of so many looks, the first sees whether a second is over.
const SECOND_EACH: u8 = 8;

/// A thread's heap.
#[repr(C, align(128))]
pub(crate) struct ThreadHeap {
    local: UnsafeCell<LocalHeap<'static, RegionSource>>,
    owner: Owner,
    /// The next idle heap.
    next: Cell<*const ThreadHeap>,
    /// Allocations until it is time to look round,
    until_look: Cell<u8>,
    /// and how often it was.
    looks: Cell<u8>,
    /// Blocks of others' heaps that its thread has freed while some heap was idle.
    freed_elsewhere: Cell<usize>,
    /// How often its thread's end was put off.
    rounds: Cell<u8>,
    give_back: GiveBack,
    shared: Shared,
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

    /// A block for `layout`, where none waits, whose size is said later, or not. Now and then other threads are told what the heap
    /// holds, and what nobody came for goes back to the system.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    #[inline]
    pub(crate) unsafe fn allocate(&self, layout: Layout, is_said: bool) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says.
        unsafe {
            self.until_look.set(self.until_look.get().wrapping_sub(1));
            if self.until_look.get() == 0 || self.local().may_tidy() {
                return self.allocate_and_look_round(layout);
            }
            self.local().allocate_taking_in(layout, is_said)
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
            let block = self.local().allocate_taking_in(layout, true);
            self.publish_and_give_back();
            self.until_look.set(LOOK_EACH);
            self.looks.set(self.looks.get().wrapping_add(1));
            if self.looks.get().is_multiple_of(SECOND_EACH) || may_tidy {
                self.tidy_each_second();
            }
            block
        }
    }

    /// Frees the block that starts at a granule, of `bytes` bytes, which may not wait.
    ///
    /// # Safety
    /// As for [`local`](Self::local), and as for [`LocalHeap::deallocate_known`].
    #[inline]
    pub(crate) unsafe fn deallocate_known(&self, at: GranuleAt, bytes: usize) {
        // SAFETY: as the caller says: nobody uses the block any more.
        unsafe {
            if self.give_back.longest.is_passed_by(bytes) {
                give_back_pages(at.ptr, bytes);
            }
            self.local().deallocate_known(at, bytes);
        }
    }

    /// A heap that never has memory.
    pub(crate) const fn nobodys() -> Self {
        let source = RegionSource::new(Owner::NOBODY);
        Self {
            // SAFETY: nothing ever comes to the inbox, as the heap has no block.
            local: UnsafeCell::new(unsafe { LocalHeap::new(source, &NO_INBOX, |_, _| {}) }),
            owner: Owner::NOBODY,
            next: Cell::new(null()),
            until_look: Cell::new(1),
            looks: Cell::new(0),
            freed_elsewhere: Cell::new(0),
            rounds: Cell::new(0),
            give_back: GiveBack::new(),
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
            (&raw mut (*at.as_ptr()).until_look).write(Cell::new(1));
            (&raw mut (*at.as_ptr()).looks).write(Cell::new(0));
            (&raw mut (*at.as_ptr()).freed_elsewhere).write(Cell::new(0));
            (&raw mut (*at.as_ptr()).rounds).write(Cell::new(0));
            (&raw mut (*at.as_ptr()).give_back).write(GiveBack::new());
            at.as_ref()
        }
    }
}
