//! Heaps behind shared references as `Allocator`s: of allocator-api2, and of `core` where the compiler has that.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::shared::Shared;
use crate::{CellHeap, Mode, PageSource};

fn of_length(block: Option<NonNull<u8>>, layout: Layout) -> Option<NonNull<[u8]>> {
    block.map(|block| NonNull::slice_from_raw_parts(block, layout.size()))
}

/// Implements `Allocator` of the module `$api` for a [`Shared`] heap.
macro_rules! allocator {
    ($api:ident, $heap:ty, $($parameter:ident: $bound:path),*) => {
        // SAFETY: a block is valid until it is freed or the heap is dropped, wherever the heap is moved to: it lies in memory
        // of the source, and moving that moves no block. Safe code with a shared reference to the heap cannot put another in
        // its place. The block is as large and as aligned as asked. Nobody can clone the heap.
        unsafe impl<$($parameter: $bound),*> $api::Allocator for $heap {
            fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, $api::AllocError> {
                of_length(self.allocate_shared(layout), layout).ok_or($api::AllocError)
            }

            fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, $api::AllocError> {
                of_length(self.allocate_shared_zeroed(layout), layout).ok_or($api::AllocError)
            }

            unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout) {
                // SAFETY: the caller gives the block up.
                unsafe { self.deallocate_shared(ptr, layout) };
            }

            unsafe fn grow(
                &self,
                ptr: NonNull<u8>,
                old: Layout,
                new: Layout,
            ) -> Result<NonNull<[u8]>, $api::AllocError> {
                // SAFETY: the caller gives the block up if another is returned.
                of_length(unsafe { self.reallocate_shared(ptr, old, new) }, new).ok_or($api::AllocError)
            }

            unsafe fn grow_zeroed(
                &self,
                ptr: NonNull<u8>,
                old: Layout,
                new: Layout,
            ) -> Result<NonNull<[u8]>, $api::AllocError> {
                // SAFETY: as above; the new block is no smaller than the old one.
                unsafe {
                    let block = $api::Allocator::grow(self, ptr, old, new)?;
                    block.cast::<u8>().add(old.size()).write_bytes(0, new.size() - old.size());
                    Ok(block)
                }
            }

            unsafe fn shrink(
                &self,
                ptr: NonNull<u8>,
                old: Layout,
                new: Layout,
            ) -> Result<NonNull<[u8]>, $api::AllocError> {
                // SAFETY: the caller gives the block up if another is returned.
                of_length(unsafe { self.reallocate_shared(ptr, old, new) }, new).ok_or($api::AllocError)
            }
        }
    };
}

#[cfg(feature = "allocator-api2")]
mod api2 {
    use allocator_api2::alloc;

    use super::*;

    allocator!(alloc, CellHeap<S, M>, S: PageSource, M: Mode);
    #[cfg(feature = "lock_api")]
    allocator!(alloc, crate::LockedHeap<R, S, M>, R: lock_api::RawMutex, S: PageSource, M: Mode);
}

#[cfg(unstable_allocator)]
mod unstable {
    use core::alloc;

    use super::*;

    allocator!(alloc, CellHeap<S, M>, S: PageSource, M: Mode);
    #[cfg(feature = "lock_api")]
    allocator!(alloc, crate::LockedHeap<R, S, M>, R: lock_api::RawMutex, S: PageSource, M: Mode);
}
