//! Which thread has which heap, and where heaps are while no thread has them.
//!
//! A heap is made when a thread first allocates and no idle one is left. When the thread ends, the heap becomes idle, with
//! all its blocks, and the next thread takes it over as it is. Blocks that others free meanwhile are marked in its maps, and
//! taken in before memory is mapped, or after a second. Heaps are never unmade: whoever has a block of one finds it by its
//! [`Owner`].
//!
//! Where the program's address space has a limit, and many threads, those that would take too much of it with regions of
//! their own have one heap together, by turns. So has a thread that is ending, once its own is given up.
//!
//! The child of a fork has one thread, with that one's heap. Others' are left alone, whatever their threads were about, and so
//! are the idle ones, or the shared one, if a thread was at work on them.

use core::alloc::Layout;
use core::ffi::c_void;
use core::ptr::{self, NonNull, null, null_mut};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use memalloc_core::{GRANULE, Totals};

use crate::clock::{SECOND, milliseconds};
use crate::limit;
use crate::lock::{self, Lock};
use crate::mapping::{SLOT, map};
use crate::table::Owner;
use crate::thread_heap::{ENDED, NONE, ThreadHeap};
use crate::tls::{current, set_current};

/// Heaps that are mapped at once.
const AT_ONCE: usize = 64;
/// Pieces of so many heaps each. The last owner of all has the huge blocks.
static PIECES: [AtomicPtr<ThreadHeap>; (Owner::COUNT - 1) / AT_ONCE] =
    [const { AtomicPtr::new(null_mut()) }; (Owner::COUNT - 1) / AT_ONCE];

/// At so many calls of its key's destructor a heap is given up. A destructor that sets its key again is called four times at
/// least, by POSIX; a thread may have its first heap only when they are called for the second time.
const ROUNDS: u8 = 2;

/// Refusals of a heap by the limit of address space as it was last read, until it is read anew.
const REFUSED_BY_LAST: usize = 1000;

/// Fewer heaps take little of any address space.
const HARDLY_ANY: usize = 8;

/// Blocks of others' heaps that a thread frees before it has a look at the idle ones.
const FREED_ELSEWHERE: usize = 2048;

/// Heaps that a look at the idle ones for each mapping comes to, on average, at most.
const LOOKED_AT: usize = 16;

/// Heaps as a whole.
struct Heaps {
    /// How many there are.
    count: AtomicUsize,
    idle: *const ThreadHeap,
    /// Mappings since the idle ones were last looked at.
    mappings: usize,
    /// How often a thread was refused a heap of its own since the limit was read.
    refused: usize,
    /// The key whose destructor gives a thread's heap up.
    exit: Option<libc::pthread_key_t>,
}

// SAFETY: heaps are for any thread, each in its turn.
unsafe impl Send for Heaps {}

/// Held by whoever looks at idle heaps, too.
static HEAPS: Lock<Heaps> = Lock::new(Heaps::none(), prepare, Heaps::forget_idle);

/// Whether there are idle ones, to be read without the lock.
static SOME_IDLE: AtomicBool = AtomicBool::new(false);

/// Whether there are two or more, to be read without the lock.
static ARE_SEVERAL: AtomicBool = AtomicBool::new(false);

/// When the idle ones were last looked at, in milliseconds.
static LOOKED_AT_IDLE: AtomicU64 = AtomicU64::new(0);

/// The heap of those threads that have none of their own, to be used while this is held. It is taken before [`HEAPS`].
static SHARED: Lock<Option<&'static ThreadHeap>> = Lock::new(None, || (), |shared| *shared = None);

/// The calling thread's heap, if it has one.
#[inline(always)]
pub(crate) fn mine() -> Option<&'static ThreadHeap> {
    let heap = current();
    if heap.owner() == Owner::NOBODY { None } else { Some(heap) }
}

/// The calling thread's heap: an idle one or a new one, if it has had none. `None` when there is no memory for one, or the
/// thread is ending.
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
    if ptr::eq(current(), &ENDED) {
        return None;
    }
    let (heap, exit) = {
        let mut heaps = HEAPS.lock();
        (heaps.take_idle().or_else(|| heaps.make_one_more())?, heaps.exit)
    };
    heap.rounds().set(0);
    set_current(heap);
    if let Some(key) = exit {
        // May allocate, from the heap that is the thread's already. A refusal loses the heap when the thread ends.
        // SAFETY: the key was made, and is there for ever.
        unsafe { libc::pthread_setspecific(key, ptr::from_ref(heap).cast()) };
    }
    Some(heap)
}

/// Makes the heap of a thread that ends idle, when all other keys' destructors have most likely been called. What they do after
/// this they do without one.
unsafe extern "C" fn give_up(heap: *mut c_void) {
    let mine = current();
    if !ptr::eq(mine, heap.cast()) || ends_later(mine) {
        return;
    }
    // SAFETY: the heap is the calling thread's.
    unsafe { mine.settle() };
    set_current(&ENDED);
    HEAPS.lock().put_idle(mine);
}

/// Whether the destructor that gives the heap up is called once more.
fn ends_later(heap: &'static ThreadHeap) -> bool {
    let rounds = heap.rounds().get() + 1;
    heap.rounds().set(rounds);
    // SAFETY: the key was made, and is there for ever.
    let set_again = |key| unsafe { libc::pthread_setspecific(key, ptr::from_ref(heap).cast()) } == 0;
    let exit = HEAPS.lock().exit;
    rounds < ROUNDS && exit.is_some_and(set_again)
}

/// A block of the heap that threads without one of their own have together.
#[cold]
pub(crate) fn allocate_shared(layout: Layout) -> Option<NonNull<u8>> {
    let mut shared = SHARED.lock();
    *shared = shared.or_else(|| HEAPS.lock().make());
    let heap = (*shared)?;
    // SAFETY: the shared heap is this thread's as long as it holds the lock.
    unsafe {
        let waiting = layout.align() <= GRANULE;
        let waiting = if waiting { heap.local().allocate_waiting(layout.size()) } else { None };
        waiting.or_else(|| heap.allocate(layout, true))
    }
}

/// The heap whose regions are `owner`'s.
#[inline]
pub(crate) fn heap_of(owner: Owner) -> &'static ThreadHeap {
    let piece = PIECES.get(owner.index() / AT_ONCE).map(|piece| piece.load(Ordering::Acquire));
    // SAFETY: the table has the owner, so that its heap was made; the last of all owners, of huge blocks, has none.
    piece.map_or(&NONE, |piece| unsafe { &*piece.add(owner.index() % AT_ONCE) })
}

/// Calls `look` with each heap that the calling thread may look at: its own, the idle ones, the shared one.
pub(crate) fn each<T>(look: impl FnOnce(&mut dyn Iterator<Item = &'static ThreadHeap>) -> T) -> T {
    let shared = SHARED.lock();
    let heaps = HEAPS.lock();
    look(&mut heaps.idle().chain(mine()).chain(*shared))
}

/// Whether there are two or more heaps, of threads that have ended too.
pub(crate) fn are_several() -> bool {
    ARE_SEVERAL.load(Ordering::Relaxed)
}

/// What every heap holds, the idle ones as they are now. Blocks on their way to other threads' heaps, and what waits
/// in them, count as in use.
pub(crate) fn totals() -> Totals {
    // SAFETY: the calling thread may look at the heaps.
    each(|heaps| heaps.for_each(|heap| unsafe { heap.take_in_and_publish() }));
    let count = HEAPS.lock().count.load(Ordering::Relaxed);
    let heaps = (0..count).filter_map(Owner::new).map(heap_of);
    heaps.fold(Totals::default(), |sum, heap| sum + heap.published())
}

/// Gives what is entirely free to the system, but for what other threads have. Returns its bytes.
pub(crate) fn trim() -> usize {
    // SAFETY: the calling thread may look at the heaps.
    each(|heaps| heaps.map(|heap| unsafe { heap.local().trim() }).sum())
}

/// Before memory is mapped: takes in what has come back to idle heaps, so that it may be had instead.
pub(crate) fn reclaim() {
    if SOME_IDLE.load(Ordering::Relaxed) {
        HEAPS.lock().reclaim_now_and_then();
    }
}

/// After the calling thread has freed a block of another's heap: after many, takes in what has come back to idle ones, as nobody
/// else may come for it.
#[inline(always)]
pub(crate) fn count_free_elsewhere() {
    if SOME_IDLE.load(Ordering::Relaxed) {
        count_free_while_some_are_idle();
    }
}

#[inline(never)]
fn count_free_while_some_are_idle() {
    let Some(heap) = mine() else { return };
    let count = heap.freed_elsewhere().get().wrapping_add(1);
    heap.freed_elsewhere().set(count);
    if count.is_multiple_of(FREED_ELSEWHERE) {
        HEAPS.lock().reclaim();
    }
}

/// [`reclaim`], where nothing is mapped: once a second.
#[inline]
pub(crate) fn reclaim_each_second() {
    let is_time = || milliseconds() >= LOOKED_AT_IDLE.load(Ordering::Relaxed) + SECOND;
    if SOME_IDLE.load(Ordering::Relaxed) && is_time() {
        HEAPS.lock().reclaim();
    }
}

impl Heaps {
    const fn none() -> Self {
        Self { count: AtomicUsize::new(0), idle: null(), mappings: 0, refused: 0, exit: None }
    }

    fn reclaim_now_and_then(&mut self) {
        self.mappings += 1;
        if self.mappings * LOOKED_AT >= *self.count.get_mut() {
            self.mappings = 0;
            self.reclaim();
        }
    }

    fn reclaim(&self) {
        LOOKED_AT_IDLE.store(milliseconds(), Ordering::Relaxed);
        for heap in self.idle() {
            // SAFETY: it is idle as long as the lock is held.
            unsafe { heap.reclaim() };
        }
    }

    fn put_idle(&mut self, heap: &'static ThreadHeap) {
        heap.set_next(self.idle);
        self.idle = heap;
        SOME_IDLE.store(true, Ordering::Relaxed);
    }

    fn take_idle(&mut self) -> Option<&'static ThreadHeap> {
        let heap = self.idle().next()?;
        self.idle = heap.next();
        SOME_IDLE.store(!self.idle.is_null(), Ordering::Relaxed);
        Some(heap)
    }

    /// The idle heaps.
    fn idle(&self) -> impl Iterator<Item = &'static ThreadHeap> {
        // SAFETY: idle heaps are there for ever, and linked as long as the lock is held.
        let heap = |at: *const ThreadHeap| unsafe { at.as_ref() };
        core::iter::successors(heap(self.idle), move |idle| heap(idle.next()))
    }

    fn forget_idle(&mut self) {
        self.idle = null();
        SOME_IDLE.store(false, Ordering::Relaxed);
    }

    /// Makes a heap, unless regions take a large part of a limited address space already.
    fn make_one_more(&mut self) -> Option<&'static ThreadHeap> {
        let count = *self.count.get_mut() + 1;
        if (count as u64).saturating_mul(SLOT as u64) > self.limit_for(count) / 4 {
            self.refused += 1;
            return None;
        }
        self.make()
    }

    /// The limit of address space, which a program may set itself. It is read for some numbers of heaps, and when many were refused: each
    /// allocation of a thread that is refused asks.
    fn limit_for(&mut self, count: usize) -> u64 {
        if self.refused < REFUSED_BY_LAST && (count < HARDLY_ANY || !count.is_power_of_two()) {
            return limit::last();
        }
        self.refused = 0;
        limit::read()
    }

    fn make(&mut self) -> Option<&'static ThreadHeap> {
        let number = *self.count.get_mut();
        let owner = Owner::new(number)?;
        let place = PIECES.get(number / AT_ONCE)?;
        if place.load(Ordering::Relaxed).is_null() {
            let memory = map(0, AT_ONCE * size_of::<ThreadHeap>())?;
            place.store(memory.as_ptr().cast(), Ordering::Release);
        }
        let piece = place.load(Ordering::Relaxed);
        // SAFETY: the piece has room for it, and stays mapped.
        let heap = unsafe { ThreadHeap::make(NonNull::new(piece.add(number % AT_ONCE))?, owner) };
        // Whenever a fork comes, its child has no heap counted that is not made.
        self.count.store(number + 1, Ordering::Release);
        ARE_SEVERAL.store(number > 0, Ordering::Relaxed);
        Some(heap)
    }
}

/// Takes the lock once while the program is loaded, before it has threads: all is prepared, then, before any thread can
/// fork while another holds the lock for the first time.
#[used]
#[unsafe(link_section = ".init_array")]
static LOCK_AT_START: extern "C" fn() = {
    extern "C" fn lock_once() {
        drop(HEAPS.lock());
    }
    lock_once
};

/// Before the first heap: has the child of each fork know that it is one, and threads give up their heaps when they end; and reads what
/// limits there are, which a sandbox may forbid later on.
fn prepare() {
    let mut key = 0;
    limit::read();
    // SAFETY: the functions live as long as the program. A refusal, for lack of memory, leaves locks held in the children of
    // forks, or loses heaps of threads that end.
    unsafe {
        libc::pthread_atfork(None, None, Some(after_fork_in_child));
        if libc::pthread_key_create(&raw mut key, Some(give_up)) == 0 {
            HEAPS.lock().exit = Some(key);
        }
    }
}

unsafe extern "C" fn after_fork_in_child() {
    lock::free_those_of_other_threads();
}
