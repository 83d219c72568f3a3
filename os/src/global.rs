//! The heap of the process as a global allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};

use crate::bad_free::abort_on_bad_free;
use crate::process;

/// The heap of the [`process`] for `#[global_allocator]`.
///
/// A pointer that is freed or reallocated without being a live block of the right size ends the program with one line
/// on standard error:
///
/// ```text
/// memalloc: double free of 0x7f31a0412340: the memory at the address is free already
/// ```
///
/// # Example
/// ```
/// use memalloc_os::MemAlloc;
///
/// #[global_allocator]
/// static GLOBAL: MemAlloc = MemAlloc;
///
/// let before = memalloc_os::process::totals().used();
/// let numbers = vec![7_u64; 1000];
/// assert_eq!(memalloc_os::process::totals().used(), before + 8000);
/// # drop(numbers);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct MemAlloc;

// SAFETY: the heap hands out memory that is valid, unshared, and as large and as aligned as asked, to any thread;
// nothing in it unwinds.
unsafe impl GlobalAlloc for MemAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        pointer(process::allocate(layout))
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        pointer(process::allocate_zeroed(layout))
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let Some(block) = NonNull::new(ptr) else { return };
        // SAFETY: the caller gives the block up.
        if let Err(error) = unsafe { process::deallocate_sized(block, layout) } {
            abort_on_bad_free(error, ptr);
        }
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(block) = NonNull::new(ptr) else { return null_mut() };
        // SAFETY: the caller gives the block up if another is returned.
        match unsafe { process::reallocate(block, layout, new_size) } {
            Ok(moved) => pointer(moved),
            Err(error) => abort_on_bad_free(error, ptr),
        }
    }
}

#[inline]
fn pointer(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(null_mut(), NonNull::as_ptr)
}
