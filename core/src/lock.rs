//! A heap behind a lock, as a [`GlobalAlloc`].

mod guard;

pub use guard::HeapGuard;

use core::alloc::{GlobalAlloc, Layout};
use core::fmt;
use core::ptr::{NonNull, null_mut};

use lock_api::{Mutex, RawMutex};

use crate::bad_frees::BadFrees;
use crate::inspect::Fault;
use crate::shared::Shared;
use crate::{BadFree, General, Heap, Mode, PageSource, Totals};

/// A heap behind a mutex of your choice, for kernels and firmware.
///
/// Choose a mutex that saves and disables interrupts where an interrupt handler may allocate or free: with one that
/// spins, a handler which runs while the lock is held waits for ever.
///
/// With the feature `allocator-api2`, or `nightly` where the compiler takes unstable features, it is an `Allocator` too, as
/// `CellHeap` is.
///
/// ```
/// use core::mem::MaybeUninit;
/// use memalloc_core::{ArenaSource, Heap, LockedHeap};
///
/// # type RawMutex = spin::Mutex<()>;
/// static mut ARENA: [MaybeUninit<u8>; 1 << 20] = [MaybeUninit::uninit(); 1 << 20];
///
/// #[global_allocator]
/// static HEAP: LockedHeap<RawMutex, ArenaSource> =
///     // SAFETY: nothing else uses the arena.
///     LockedHeap::new(Heap::new(ArenaSource::new(unsafe { &mut *&raw mut ARENA })));
///
/// let numbers: Vec<u32> = (0..1000).collect();
/// assert!(HEAP.totals().used() >= 4000);
/// # drop(numbers);
/// ```
pub struct LockedHeap<R: RawMutex, S: PageSource, M: Mode = General> {
    heap: Mutex<R, Heap<S, M>>,
    bad_frees: BadFrees,
}

impl<R: RawMutex, S: PageSource, M: Mode> LockedHeap<R, S, M> {
    /// `heap` behind a mutex. Bad frees are counted, and otherwise left alone.
    pub const fn new(heap: Heap<S, M>) -> Self {
        Self::with_bad_free(heap, |_, _| ())
    }

    /// `heap` behind a mutex. Bad frees are counted and passed on to `on_bad_free`, outside the lock.
    pub const fn with_bad_free(heap: Heap<S, M>, on_bad_free: BadFree) -> Self {
        Self { heap: Mutex::new(heap), bad_frees: BadFrees::new(on_bad_free) }
    }

    /// The heap, locked, to be looked at. Who allocates from it before the guard is gone waits for ever: a guard that a statement
    /// makes lives to its end, though that be `println!` of what the heap [holds](Self::totals).
    pub fn lock(&self) -> HeapGuard<'_, R, S, M> {
        HeapGuard(self.heap.lock())
    }

    /// Gives every span that is entirely free back to the source: see [`Heap::trim`]. The bytes given back.
    pub fn trim(&self) -> usize {
        self.heap.lock().trim()
    }

    /// What the heap holds: see [`Heap::totals`].
    pub fn totals(&self) -> Totals {
        self.heap.lock().totals()
    }

    /// Checks the heap: see [`Heap::check`].
    ///
    /// # Errors
    /// As there.
    pub fn check(&self) -> Result<(), Fault> {
        self.heap.lock().check()
    }

    /// How many frees, and reallocations, were bad so far; about, where processors have no atomic addition.
    pub fn bad_frees(&self) -> usize {
        self.bad_frees.count()
    }
}

impl<R: RawMutex, S: PageSource, M: Mode> fmt::Debug for LockedHeap<R, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedHeap").field("bad_frees", &self.bad_frees()).finish_non_exhaustive()
    }
}

impl<R: RawMutex, S: PageSource, M: Mode> Shared for LockedHeap<R, S, M> {
    type Source = S;
    type Mode = M;

    fn with<T>(&self, act: impl FnOnce(&mut Heap<S, M>) -> T) -> Option<T> {
        Some(act(&mut self.heap.lock()))
    }

    fn told(&self) -> &BadFrees {
        &self.bad_frees
    }
}

// SAFETY: the heap hands out memory that is valid, unshared, and as large and as aligned as asked; it stays in its place, so
// that the memory stays valid; the lock keeps threads apart; nothing unwinds.
unsafe impl<R: RawMutex, S: PageSource, M: Mode> GlobalAlloc for LockedHeap<R, S, M> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.allocate_shared(layout).map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let Some(block) = NonNull::new(ptr) else { return };
        // SAFETY: the caller gives the block up.
        unsafe { self.deallocate_shared(block, layout) };
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.allocate_shared_zeroed(layout).map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(block) = NonNull::new(ptr) else { return null_mut() };
        let Ok(new) = Layout::from_size_align(new_size, layout.align()) else { return null_mut() };
        // SAFETY: the caller gives the block up if another is returned.
        let moved = unsafe { self.reallocate_shared(block, layout, new) };
        moved.map_or(null_mut(), NonNull::as_ptr)
    }
}
