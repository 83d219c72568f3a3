//! Blocks at multiples of a number.

use core::alloc::Layout;
use core::ffi::{c_int, c_void};

use memalloc_os::process;

use crate::errno::{EINVAL, ENOMEM, fail};
use crate::malloc::{ALIGNMENT, get};

/// Stores a block of at least `size` bytes at a multiple of `alignment` in `*place`, and returns 0. Else `EINVAL`, for
/// an alignment that is not a power of two and a multiple of a pointer's size, or `ENOMEM`; `*place` and `errno` are
/// as they were.
///
/// # Safety
/// A pointer can be written to `place`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(place: *mut *mut c_void, alignment: usize, size: usize) -> c_int {
    if !alignment.is_power_of_two() || !alignment.is_multiple_of(size_of::<*mut c_void>()) {
        return EINVAL;
    }
    let layout = Layout::from_size_align(size, alignment.max(ALIGNMENT));
    let Some(block) = layout.ok().and_then(process::allocate_about) else { return ENOMEM };
    // SAFETY: the caller says that it can be written to.
    unsafe { place.write(block.as_ptr().cast()) };
    0
}

/// A block of at least `size` bytes at a multiple of `alignment`; null with `EINVAL` if that is not a power of two.
#[unsafe(no_mangle)]
pub extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    memalign(alignment, size)
}

/// A block of at least `size` bytes at a multiple of `alignment`; null with `EINVAL` if that is not a power of two.
#[unsafe(no_mangle)]
pub extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    if alignment.is_power_of_two() {
        get(size, alignment.max(ALIGNMENT), process::allocate_about)
    } else {
        fail(EINVAL)
    }
}

/// A block of at least `size` bytes at the start of a page.
#[unsafe(no_mangle)]
pub extern "C" fn valloc(size: usize) -> *mut c_void {
    get(size, page_size(), process::allocate_about)
}

/// A block of whole pages, `size` bytes or more.
#[unsafe(no_mangle)]
pub extern "C" fn pvalloc(size: usize) -> *mut c_void {
    match size.checked_next_multiple_of(page_size()) {
        Some(bytes) => get(bytes, page_size(), process::allocate_about),
        None => fail(ENOMEM),
    }
}

fn page_size() -> usize {
    unsafe extern "C" {
        fn getpagesize() -> c_int;
    }
    // SAFETY: the function takes nothing, and only answers.
    unsafe { getpagesize() as usize }
}
