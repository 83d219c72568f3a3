//! A heap that several parts of one thread share.

use core::cell::{Ref, RefCell};
use core::fmt;

use crate::bad_frees::BadFrees;
use crate::shared::Shared;
use crate::{BadFree, General, Heap, Mode, PageSource};

/// A heap behind a shared reference, for one thread: an arena for collections, which get a reference to it, or the heap
/// itself.
///
/// With the feature `allocator-api2` it is an `Allocator` of that crate, for its collections, hashbrown's and others'; with
/// `nightly`, where the compiler takes unstable features, one of `core`, for the standard ones. Nothing is locked: a request
/// that comes while the heap is [borrowed](Self::heap), from its own source say, is refused, and what is freed meanwhile
/// stays in use.
///
/// ```
/// # #[cfg(feature = "allocator-api2")] {
/// use core::mem::MaybeUninit;
/// use allocator_api2::vec::Vec;
/// use memalloc_core::{ArenaSource, CellHeap, Heap};
///
/// let arena = Box::leak(Box::new([MaybeUninit::uninit(); 16 << 10]));
/// let heap = CellHeap::new(Heap::new(ArenaSource::new(arena)));
/// let mut numbers = Vec::new_in(&heap);
/// numbers.extend(0..1000_u32);
/// assert!(numbers.try_reserve(4000).is_err(), "the arena has no more");
/// assert!(heap.heap().is_some_and(|heap| heap.totals().used() >= 4000));
/// # }
/// ```
pub struct CellHeap<S: PageSource, M: Mode = General> {
    heap: RefCell<Heap<S, M>>,
    bad_frees: BadFrees,
}

impl<S: PageSource, M: Mode> CellHeap<S, M> {
    /// `heap` behind a shared reference. Bad frees are counted, and otherwise left alone.
    pub const fn new(heap: Heap<S, M>) -> Self {
        Self::with_bad_free(heap, |_, _| ())
    }

    /// `heap` behind a shared reference. Bad frees are counted and passed on to `on_bad_free`.
    pub const fn with_bad_free(heap: Heap<S, M>, on_bad_free: BadFree) -> Self {
        Self { heap: RefCell::new(heap), bad_frees: BadFrees::new(on_bad_free) }
    }

    /// The heap, to be looked at: for its totals, a walk, the full check. `None` in the middle of a request.
    pub fn heap(&self) -> Option<Ref<'_, Heap<S, M>>> {
        self.heap.try_borrow().ok()
    }

    /// Gives every span that is entirely free back to the source: see [`Heap::trim`]. The bytes given back; 0 while the heap
    /// is borrowed.
    pub fn trim(&self) -> usize {
        self.with(Heap::trim).unwrap_or(0)
    }

    /// How many frees, and reallocations, were bad so far.
    pub fn bad_frees(&self) -> usize {
        self.bad_frees.count()
    }
}

impl<S: PageSource, M: Mode> fmt::Debug for CellHeap<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CellHeap").field("bad_frees", &self.bad_frees()).finish_non_exhaustive()
    }
}

impl<S: PageSource, M: Mode> Shared for CellHeap<S, M> {
    type Source = S;
    type Mode = M;

    fn with<T>(&self, act: impl FnOnce(&mut Heap<S, M>) -> T) -> Option<T> {
        self.heap.try_borrow_mut().ok().map(|mut heap| act(&mut heap))
    }

    fn told(&self) -> &BadFrees {
        &self.bad_frees
    }
}
