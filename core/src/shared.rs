//! What is common to heaps behind shared references.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::bad_frees::BadFrees;
use crate::granule::{Granule, granules};
use crate::{FreeError, Heap, Mode, PageSource};

/// A heap behind a shared reference.
pub(crate) trait Shared {
    type Source: PageSource;
    type Mode: Mode;

    /// What `act` makes of the heap; `None` where nobody can get at it, and then nothing is done.
    fn with<T>(&self, act: impl FnOnce(&mut Heap<Self::Source, Self::Mode>) -> T) -> Option<T>;

    /// Who is told of bad frees.
    fn told(&self) -> &BadFrees;

    /// [`Heap::allocate`].
    fn allocate_shared(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.with(|heap| heap.allocate(layout)).flatten()
    }

    /// [`Heap::allocate_zeroed`].
    fn allocate_shared_zeroed(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.with(|heap| heap.allocate_zeroed(layout)).flatten()
    }

    /// [`Heap::deallocate_sized`]. A bad free is told when the heap is at hand again.
    ///
    /// # Safety
    /// As there.
    unsafe fn deallocate_shared(&self, ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: as the caller says.
        if let Some(Err(error)) = self.with(|heap| unsafe { heap.deallocate_sized(ptr, layout) }) {
            self.told().tell(error, ptr.as_ptr());
        }
    }

    /// [`Heap::reallocate`], to another alignment too. That of what is no block for `old` is told as a bad free.
    ///
    /// # Safety
    /// As there.
    unsafe fn reallocate_shared(&self, ptr: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<u8>> {
        let (block, refused) = self.with(|heap| {
            // SAFETY: as the caller says.
            let block = unsafe { reallocate(heap, ptr, old, new) };
            (block, if block.is_none() { find(heap, ptr, old) } else { Ok(()) })
        })?;
        if let Err(error) = refused {
            self.told().tell(error, ptr.as_ptr());
        }
        block
    }
}

/// Whether a block in use for `layout` starts at `ptr`.
fn find<S: PageSource, M: Mode>(
    heap: &Heap<S, M>,
    ptr: NonNull<u8>,
    layout: Layout,
) -> Result<(), FreeError> {
    let bytes = granules::<M::Granule>(layout.size()) * M::Granule::BYTES;
    if heap.usable_size(ptr)? == bytes { Ok(()) } else { Err(FreeError::WrongSize) }
}

/// # Safety
/// As for [`Heap::reallocate`].
unsafe fn reallocate<S: PageSource, M: Mode>(
    heap: &mut Heap<S, M>,
    ptr: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Option<NonNull<u8>> {
    if new.align() <= old.align().max(M::Granule::BYTES) {
        // SAFETY: as the caller says.
        return unsafe { heap.reallocate(ptr, old, new.size()) };
    }
    find(heap, ptr, old).ok()?;
    let block = heap.allocate(new)?;
    // SAFETY: both blocks hold the bytes, and they are two; the caller gives the old one up.
    let freed = unsafe {
        block.copy_from_nonoverlapping(ptr, old.size().min(new.size()));
        heap.deallocate_sized(ptr, old)
    };
    debug_assert_eq!(freed, Ok(()));
    Some(block)
}
