//! Frees that say the size (C23), and an old name.

use core::alloc::Layout;
use core::ffi::c_void;
use core::ptr::NonNull;

use memalloc_core::FreeError;
use memalloc_os::{abort_on_bad_free, process};

use crate::malloc::{ALIGNMENT, free};

/// Frees a block that was allocated with `size`; null is nothing to free. Any other pointer, and another size, ends the
/// program.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_sized(ptr: *mut c_void, size: usize) {
    // SAFETY: as the caller says.
    unsafe { free_aligned_sized(ptr, ALIGNMENT, size) }
}

/// Frees a block that was allocated with `alignment` and `size`; null is nothing to free. Any other pointer, and another
/// size, ends the program.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_aligned_sized(ptr: *mut c_void, alignment: usize, size: usize) {
    let Some(block) = NonNull::new(ptr.cast()) else { return };
    let freed = match Layout::from_size_align(size, alignment) {
        // SAFETY: the caller gives the block up.
        Ok(layout) => unsafe { process::deallocate_sized(block, layout) },
        Err(_) => Err(FreeError::WrongSize),
    };
    if let Err(error) = freed {
        abort_on_bad_free(error, ptr.cast());
    }
}

/// [`free`], as programs of long ago have it.
///
/// # Safety
/// As for `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfree(ptr: *mut c_void) {
    // SAFETY: as the caller says.
    unsafe { free(ptr) }
}
