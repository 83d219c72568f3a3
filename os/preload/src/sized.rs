//! Frees that say the size (C23), and an old name.

use core::alloc::Layout;
use core::ffi::c_void;
use core::ptr::NonNull;

use memalloc_core::FreeError;
use memalloc_os::abort_on_bad_free;
use memalloc_os::process::{self, LetWait, OwnBlock};

use crate::cxx::may_be_of_others;
use crate::malloc::{ALIGNMENT, free};

/// Frees a block that was allocated with `size`, or resized to it; null is nothing to free. Any other pointer, and another
/// size, ends the program, unless what gave the block may have left room for so much more.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_sized(ptr: *mut c_void, size: usize) {
    // SAFETY: as the caller says.
    unsafe {
        if process::let_wait(ptr.cast(), Some(size)) != LetWait::Done {
            free_resized(ptr, size);
        }
    }
}

/// # Safety
/// As for [`free_sized`].
#[inline(never)]
unsafe fn free_resized(ptr: *mut c_void, size: usize) {
    let Some(block) = NonNull::new(ptr.cast()) else { return };
    match process::usable_size(block) {
        // SAFETY: the caller gives the block up.
        Ok(usable) if OwnBlock::may_be(size, usable) => unsafe { free(ptr) },
        Ok(_) => abort_on_bad_free(FreeError::WrongSize, block.as_ptr()),
        Err(error) => abort_on_bad_free(error, block.as_ptr()),
    }
}

/// [`free_sized`], of a block that was allocated with `alignment`. One that is not a power of two ends the program.
///
/// # Safety
/// As for `free_sized`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_aligned_sized(ptr: *mut c_void, alignment: usize, size: usize) {
    // SAFETY: as the caller says.
    unsafe {
        if alignment.is_power_of_two() {
            free_sized(ptr, size);
        } else {
            free_otherwise(ptr, alignment, size);
        }
    }
}

/// Frees a block that was allocated with `alignment` and `size`, and was never resized, or null.
///
/// # Safety
/// As for [`free_sized`].
#[inline]
pub(crate) unsafe fn free_aligned_of(ptr: *mut c_void, alignment: usize, size: usize) {
    // SAFETY: as the caller says.
    unsafe {
        if alignment.is_power_of_two() {
            free_of(ptr, size);
        } else {
            free_otherwise(ptr, alignment, size);
        }
    }
}

/// Frees a block that was allocated with `size`, and was never resized, or null. To be a part of each function that does so.
///
/// # Safety
/// As for [`free_sized`].
#[inline(always)]
pub(crate) unsafe fn free_of(ptr: *mut c_void, size: usize) {
    // SAFETY: as the caller says.
    unsafe {
        // What rounds up to no size is no block's.
        if size.cast_signed() < 0 {
            return free_otherwise(ptr, ALIGNMENT, size);
        }
        match process::let_wait(ptr.cast(), Some(size)) {
            LetWait::Done => {}
            LetWait::Near => free_near(ptr, size),
            LetWait::Far => free_otherwise(ptr, ALIGNMENT, size),
        }
    }
}

/// # Safety
/// As for [`process::deallocate_near`].
#[inline(never)]
unsafe fn free_near(ptr: *mut c_void, size: usize) {
    // SAFETY: as the caller says; nothing near is null.
    unsafe {
        let block = NonNull::new_unchecked(ptr.cast());
        finish(process::deallocate_near(block, Some(size)), block, ALIGNMENT, size)
    }
}

/// [`free_aligned_of`], of a block that is not near, or with a size or an alignment that none has.
///
/// # Safety
/// As for `free_aligned_of`.
#[inline(never)]
unsafe fn free_otherwise(ptr: *mut c_void, alignment: usize, size: usize) {
    let Some(block) = NonNull::new(ptr.cast()) else { return };
    let freed = match Layout::from_size_align(size, alignment) {
        // SAFETY: the caller gives the block up.
        Ok(layout) => unsafe { process::deallocate_sized(block, layout) },
        Err(_) => Err(FreeError::WrongSize),
    };
    // SAFETY: as the caller says.
    unsafe { finish(freed, block, alignment, size) }
}

/// After an attempt to free a block that was allocated with `alignment` and `size`: see [`free_of_others`], if that is not done.
///
/// # Safety
/// As for [`free_sized`].
#[inline(always)]
unsafe fn finish(freed: Result<(), FreeError>, block: NonNull<u8>, alignment: usize, size: usize) {
    if let Err(error) = freed {
        // SAFETY: as the caller says.
        unsafe { free_of_others(error, block, alignment, size) }
    }
}

/// Frees a block that was refused for its size, if it may be of a `new` that has its blocks of malloc, which may give more, or of
/// aligned_alloc, where the size was rounded up to the alignment. Any other ends the program.
///
/// # Safety
/// As for [`free_sized`].
#[cold]
#[inline(never)]
unsafe fn free_of_others(error: FreeError, block: NonNull<u8>, alignment: usize, size: usize) {
    let may_be = |size| process::usable_size(block).is_ok_and(|usable| OwnBlock::may_be(size, usable));
    let is_of_others = error == FreeError::WrongSize
        && alignment.is_power_of_two()
        && may_be_of_others()
        && (may_be(size) || size.checked_next_multiple_of(alignment).is_some_and(may_be));
    if is_of_others {
        // SAFETY: as the caller says.
        unsafe { free(block.as_ptr().cast()) }
    } else {
        abort_on_bad_free(error, block.as_ptr())
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
