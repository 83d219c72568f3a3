//! A heap for each thread, and where heaps are while no thread has them.
//!
//! A heap is made when a thread first allocates and no idle one is left. When the thread ends, the heap becomes idle, with
//! all its blocks, and the next thread takes it over as it is. Blocks that others free meanwhile are marked in its maps. Heaps
//! are never unmade: whoever has a block of one finds it by its [`Owner`].
//!
//! Where the program's address space has a limit, and many threads, those that would take too much of it with regions of
//! their own have one heap together, by turns.

use core::alloc::Layout;
use core::cell::{Cell, UnsafeCell};
use core::ffi::c_void;
use core::ptr::{self, NonNull, null, null_mut};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use memalloc_core::remote::Inbox;
use memalloc_core::{GRANULE, LocalHeap, Totals};

use crate::bad_free::abort_on_bad_free;
use crate::idle;
use crate::limit;
use crate::lock::{Guard, Lock};
use crate::mapping::{SLOT, map};
use crate::region::RegionSource;
use crate::table::Owner;
use crate::tls::{current, set_current};

/// What a region of a heap serves: the size and the alignment together. Larger blocks are huge.
pub(crate) const LARGEST: usize = SLOT / 2;

/// Of so many allocations that do not take what waits, the first tells other threads what the heap holds.
const PUBLISH_EACH: u8 = 16;

/// Huge blocks that come to such a part of a heap have it looked through for what can go.
const PART_OF_HEAP: usize = 4;

/// Heaps that are mapped at once.
const AT_ONCE: usize = 64;
/// Pieces of so many heaps each. The last owner of all has the huge blocks.
static PIECES: [AtomicPtr<ThreadHeap>; (Owner::COUNT - 1) / AT_ONCE] =
    [const { AtomicPtr::new(null_mut()) }; (Owner::COUNT - 1) / AT_ONCE];

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
    shared: Shared,
}

/// What a thread has that has no heap: it has nothing, and owns nothing.
pub(crate) static NONE: ThreadHeap = ThreadHeap::nobodys();

/// Where nothing comes back to.
static NO_INBOX: Inbox = Inbox::new();

/// What other threads look at and write to: on cache lines of its own.
#[repr(C, align(128))]
struct Shared {
    inbox: Inbox,
    totals: Published,
}

// SAFETY: the thread that has the heap, or holds the idle ones' lock, alone touches all but what is shared.
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
    /// The calling thread has it, or holds the idle ones' lock and it is idle; nothing else that this returned is in use.
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

    /// A block for `layout`, where none waits; other threads are told now and then what the heap holds.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    #[inline]
    pub(crate) unsafe fn allocate(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says.
        unsafe {
            let block = self.local().allocate_taking_in(layout);
            self.ticks.set(self.ticks.get().wrapping_add(1));
            if self.ticks.get().is_multiple_of(PUBLISH_EACH) {
                self.shared.totals.publish(self.local().totals_so_far());
                idle::release_old();
            }
            block
        }
    }

    /// Before `bytes` bytes are mapped for a huge block of the thread: gives regions that are entirely free back to the
    /// system, so that a peak does not hold them too. As that takes a look at the whole heap, it is done when huge blocks
    /// have come to a part of it.
    ///
    /// # Safety
    /// As for [`local`](Self::local).
    pub(crate) unsafe fn make_way(&self, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe {
            let held = self.local().totals_so_far().source();
            self.huge.set(self.huge.get().saturating_add(bytes));
            if held > SLOT && self.huge.get() >= held / PART_OF_HEAP {
                self.huge.set(0);
                self.local().trim();
            }
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
            ticks: Cell::new(0),
            huge: Cell::new(0),
            shared: Shared { inbox: Inbox::new(), totals: Published::nothing() },
        }
    }

    /// Makes a heap at `at`.
    ///
    /// # Safety
    /// The memory is there for ever, and unused.
    unsafe fn make(at: NonNull<Self>, owner: Owner) -> &'static Self {
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

/// All heaps.
pub(crate) struct Heaps {
    /// How many there are.
    count: usize,
    idle: *const ThreadHeap,
    exit: Option<libc::pthread_key_t>,
    /// The heap of those threads that have none of their own.
    shared: Option<&'static ThreadHeap>,
}

// SAFETY: heaps are for any thread, each in its turn.
unsafe impl Send for Heaps {}

static HEAPS: Lock<Heaps> = Lock::new(Heaps { count: 0, idle: null(), exit: None, shared: None }, prepare);

/// Whether a thread ever freed a block of another's heap.
static SOME_FREED_ELSEWHERE: AtomicBool = AtomicBool::new(false);

/// Notes that a thread is about to free a block of another's heap.
#[inline(always)]
pub(crate) fn note_free_elsewhere() {
    if !SOME_FREED_ELSEWHERE.load(Ordering::Relaxed) {
        SOME_FREED_ELSEWHERE.store(true, Ordering::Relaxed);
    }
}

/// Held by whoever uses the shared heap.
static TURN: Lock<()> = Lock::new((), || ());

/// All heaps, of which the idle ones stay idle as long as this is held.
pub(crate) fn heaps() -> Guard<'static, Heaps> {
    HEAPS.lock()
}

/// The calling thread's heap, if it has one.
#[inline(always)]
pub(crate) fn mine() -> Option<&'static ThreadHeap> {
    let heap = current();
    if ptr::eq(heap, &NONE) { None } else { Some(heap) }
}

/// A block of the heap that threads without one of their own have together.
#[cold]
pub(crate) fn allocate_shared(layout: Layout) -> Option<NonNull<u8>> {
    let heap = heaps().shared_or_make()?;
    let _turn = TURN.lock();
    // SAFETY: it is this thread's turn.
    unsafe {
        let waiting = layout.align() <= GRANULE;
        let waiting = if waiting { heap.local().allocate_waiting(layout.size()) } else { None };
        waiting.or_else(|| heap.allocate(layout))
    }
}

/// The calling thread's heap: an idle one or a new one, if it has none. `None` when there is no memory for one.
#[inline]
pub(crate) fn mine_or_idle() -> Option<&'static ThreadHeap> {
    match mine() {
        Some(heap) => Some(heap),
        None => take_over(),
    }
}

#[cold]
#[inline(never)]
fn take_over() -> Option<&'static ThreadHeap> {
    let (heap, exit) = {
        let mut heaps = heaps();
        (heaps.take_idle().or_else(|| heaps.make_one_more())?, heaps.exit)
    };
    set_current(heap);
    if let Some(key) = exit {
        // May allocate, from the heap that is the thread's already. A refusal loses the heap when the thread ends.
        // SAFETY: the key was made, and is there for ever.
        unsafe { libc::pthread_setspecific(key, core::ptr::from_ref(heap).cast()) };
    }
    Some(heap)
}

/// What the heap of a thread that ends may hold and yet be left as it is, for the next.
const KEPT: usize = 2 * SLOT;

/// Makes the heap of a thread that ends idle. If the thread allocates after this, it takes over a heap once more.
extern "C" fn give_up(heap: *mut c_void) {
    let mine = current();
    if !ptr::eq(mine, heap.cast()) {
        return;
    }
    // SAFETY: the heap is the calling thread's.
    let local = unsafe { mine.local() };
    local.take_in();
    if local.totals_so_far().source() > KEPT {
        // Nobody may come for what it has free.
        local.trim();
    }
    set_current(&NONE);
    let mut heaps = heaps();
    mine.next.set(heaps.idle);
    heaps.idle = mine;
}

impl Heaps {
    /// The heap whose regions are `owner`'s.
    #[inline]
    pub(crate) fn of(owner: Owner) -> &'static ThreadHeap {
        let piece = PIECES.get(owner.index() / AT_ONCE).map(|piece| piece.load(Ordering::Acquire));
        // SAFETY: the table has the owner, so that its heap was made; the last of all owners, of huge blocks, has none.
        piece.map_or(&NONE, |piece| unsafe { &*piece.add(owner.index() % AT_ONCE) })
    }

    fn take_idle(&mut self) -> Option<&'static ThreadHeap> {
        // SAFETY: an idle heap is there for ever.
        let heap = unsafe { self.idle.as_ref() }?;
        self.idle = heap.next.get();
        Some(heap)
    }

    /// Makes a heap, unless regions take a large part of a limited address space already.
    fn make_one_more(&mut self) -> Option<&'static ThreadHeap> {
        let is_too_much = (self.count as u64 + 1).saturating_mul(SLOT as u64) > limit::read() / 4;
        if is_too_much { None } else { self.make() }
    }

    fn shared_or_make(&mut self) -> Option<&'static ThreadHeap> {
        self.shared = self.shared.or_else(|| self.make());
        self.shared
    }

    fn make(&mut self) -> Option<&'static ThreadHeap> {
        let owner = Owner::new(self.count)?;
        let place = PIECES.get(self.count / AT_ONCE)?;
        if place.load(Ordering::Relaxed).is_null() {
            let memory = map(0, AT_ONCE * size_of::<ThreadHeap>())?;
            place.store(memory.as_ptr().cast(), Ordering::Release);
        }
        let piece = place.load(Ordering::Relaxed);
        // SAFETY: the piece has room for it, and stays mapped.
        let heap = unsafe { ThreadHeap::make(NonNull::new(piece.add(self.count % AT_ONCE))?, owner) };
        self.count += 1;
        Some(heap)
    }

    /// Calls `look` with each heap that the calling thread may look at: its own, the idle ones, the shared one.
    pub(crate) fn each<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &'static ThreadHeap>) -> T) -> T {
        let _turn = TURN.lock();
        look(&mut self.idle().chain(mine()).chain(self.shared))
    }

    /// The idle heaps.
    fn idle(&self) -> impl Iterator<Item = &'static ThreadHeap> {
        // SAFETY: idle heaps are there for ever, and linked as long as the lock is held.
        let heap = |at: *const ThreadHeap| unsafe { at.as_ref() };
        core::iter::successors(heap(self.idle), move |idle| heap(idle.next.get()))
    }

    /// What every heap holds, the idle ones as they are now. Blocks on their way to other threads' heaps, and what waits
    /// in them, count as in use.
    pub(crate) fn totals(&self) -> Totals {
        self.each(|heaps| {
            heaps.for_each(|heap| {
                // SAFETY: the calling thread may look at the heap.
                unsafe {
                    heap.local().take_in();
                    heap.shared.totals.publish(heap.local().totals());
                }
            });
        });
        let heaps = (0..self.count).filter_map(Owner::new).map(Self::of);
        heaps.fold(Totals::default(), |sum, heap| sum + heap.shared.totals.read())
    }

    /// Gives what is entirely free to the system, but for what other threads have. Returns its bytes.
    pub(crate) fn trim(&self) -> usize {
        // SAFETY: the calling thread may look at the heaps.
        self.each(|heaps| heaps.map(|heap| unsafe { heap.local().trim() }).sum())
    }
}

/// Takes the lock once while the program is loaded, before it has threads: all is prepared, then, before any thread can
/// fork while another holds the lock for the first time.
#[used]
#[unsafe(link_section = ".init_array")]
static LOCK_AT_START: extern "C" fn() = {
    extern "C" fn lock_once() {
        drop(heaps());
    }
    lock_once
};

/// Before the first heap: has each fork done with the lock held, as a child must not come into being while another
/// thread, which it will not have, holds it; and has threads give up their heaps when they end.
fn prepare() {
    let mut key = 0;
    // SAFETY: the functions live as long as the program. A refusal, for lack of memory, leaves forks as they were, or
    // loses heaps of threads that end.
    unsafe {
        libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(after_fork_in_child));
        if libc::pthread_key_create(&raw mut key, Some(give_up_key)) == 0 {
            heaps().exit = Some(key);
        }
    }
}

unsafe extern "C" fn give_up_key(heap: *mut c_void) {
    give_up(heap);
}

unsafe extern "C" fn before_fork() {
    HEAPS.acquire();
    TURN.acquire();
    idle::before_fork();
}

/// Runs in the parent and in the child.
unsafe extern "C" fn after_fork() {
    // SAFETY: `before_fork` has run in this thread, or in the one that this is the child of.
    unsafe {
        idle::after_fork();
        TURN.release();
        HEAPS.release();
    }
}

/// Other threads may have vanished in the middle of a free.
unsafe extern "C" fn after_fork_in_child() {
    // SAFETY: as in the parent; the child has one thread so far, whose heap and turn it is.
    unsafe {
        after_fork();
        let heaps = heaps();
        if SOME_FREED_ELSEWHERE.load(Ordering::Relaxed) {
            heaps.each(|heaps| {
                for heap in heaps {
                    heap.local().take_in_all();
                }
            });
        }
    }
}
