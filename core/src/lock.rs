//! A heap behind a lock, as a [`GlobalAlloc`].

use core::alloc::{GlobalAlloc, Layout};
use core::fmt;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicUsize, Ordering};

use lock_api::{Mutex, MutexGuard, RawMutex};

use crate::{FreeError, General, Heap, Mode, PageSource};

/// Told of each bad free: what is wrong, and where. It must not allocate from the same heap.
pub type BadFree = fn(FreeError, *mut u8);

/// A heap behind a mutex of your choice, for kernels and firmware.
///
/// Choose a mutex that saves and disables interrupts where an interrupt handler may allocate or free: with one that
/// spins, a handler which runs while the lock is held waits for ever.
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
/// assert!(HEAP.lock().totals().used() >= 4000);
/// # drop(numbers);
/// ```
pub struct LockedHeap<R: RawMutex, S: PageSource, M: Mode = General> {
    heap: Mutex<R, Heap<S, M>>,
    bad_frees: AtomicUsize,
    on_bad_free: BadFree,
}

impl<R: RawMutex, S: PageSource, M: Mode> LockedHeap<R, S, M> {
    /// `heap` behind a mutex. Bad frees are counted, and otherwise left alone.
    pub const fn new(heap: Heap<S, M>) -> Self {
        Self::with_bad_free(heap, |_, _| ())
    }

    /// `heap` behind a mutex. Bad frees are counted and passed on to `on_bad_free`, outside the lock.
    pub const fn with_bad_free(heap: Heap<S, M>, on_bad_free: BadFree) -> Self {
        Self { heap: Mutex::new(heap), bad_frees: AtomicUsize::new(0), on_bad_free }
    }

    /// The heap, locked.
    pub fn lock(&self) -> MutexGuard<'_, R, Heap<S, M>> {
        self.heap.lock()
    }

    /// How many frees were bad so far.
    pub fn bad_frees(&self) -> usize {
        self.bad_frees.load(Ordering::Relaxed)
    }

    #[cold]
    fn bad_free(&self, error: FreeError, ptr: *mut u8) {
        // Not an add: there are targets without a read-modify-write.
        self.bad_frees.store(self.bad_frees().wrapping_add(1), Ordering::Relaxed);
        (self.on_bad_free)(error, ptr);
    }
}

impl<R: RawMutex, S: PageSource, M: Mode> fmt::Debug for LockedHeap<R, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedHeap").field("bad_frees", &self.bad_frees).finish_non_exhaustive()
    }
}

// SAFETY: the heap hands out memory that is valid, unshared, and as large and as aligned as asked; the lock keeps
// threads apart; nothing unwinds.
unsafe impl<R: RawMutex, S: PageSource, M: Mode> GlobalAlloc for LockedHeap<R, S, M> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.lock().allocate(layout).map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let Some(block) = NonNull::new(ptr) else { return };
        // SAFETY: the caller gives the block up.
        let freed = unsafe { self.lock().deallocate_sized(block, layout) };
        if let Err(error) = freed {
            self.bad_free(error, ptr);
        }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(block) = NonNull::new(ptr) else { return null_mut() };
        // SAFETY: the caller gives the block up if another is returned.
        let moved = unsafe { self.lock().reallocate(block, layout, new_size) };
        moved.map_or(null_mut(), NonNull::as_ptr)
    }
}
