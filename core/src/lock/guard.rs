//! A heap while it is locked.

use core::fmt;
use core::ops::Deref;

use lock_api::{MutexGuard, RawMutex};

use crate::{Heap, Mode, PageSource};

/// The heap of a [`LockedHeap`](crate::LockedHeap), locked while this lives: to be looked at, for its totals, a walk, the full
/// check. Nothing else may allocate or free in the same heap meanwhile.
///
/// To be looked at only: blocks may be in use, of boxes and collections, which a heap in its place would not have.
///
/// ```compile_fail,E0594
/// # use memalloc_core::{Heap, LockedHeap, PageSource};
/// fn replace<S: PageSource>(heap: &LockedHeap<spin::Mutex<()>, S>, source: S) {
///     *heap.lock() = Heap::new(source);
/// }
/// ```
pub struct HeapGuard<'lock, R: RawMutex, S: PageSource, M: Mode>(pub(super) MutexGuard<'lock, R, Heap<S, M>>);

impl<R: RawMutex, S: PageSource, M: Mode> HeapGuard<'_, R, S, M> {
    /// The heap, to be changed: for frees that are answered, a [`flush`](Heap::flush), more memory for its source.
    ///
    /// # Safety
    /// Nobody puts another heap in its place while blocks of it are in use.
    pub unsafe fn heap_mut(&mut self) -> &mut Heap<S, M> {
        &mut self.0
    }
}

impl<R: RawMutex, S: PageSource, M: Mode> Deref for HeapGuard<'_, R, S, M> {
    type Target = Heap<S, M>;

    fn deref(&self) -> &Heap<S, M> {
        &self.0
    }
}

impl<R: RawMutex, S: PageSource + fmt::Debug, M: Mode> fmt::Debug for HeapGuard<'_, R, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeapGuard").field(&**self).finish()
    }
}
