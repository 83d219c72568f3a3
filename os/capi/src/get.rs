//! Getting memory.

use core::alloc::Layout;
use core::ffi::{c_ulong, c_void};
use core::ptr::{NonNull, null_mut};

use memalloc_os::process;

use crate::errno::{EINVAL, ENOMEM, set_errno};
use crate::free::memfree;

/// A block of at least `size` bytes; null for size 0, and with `ENOMEM` when memory cannot be had.
#[unsafe(no_mangle)]
pub extern "C" fn memalloc(size: c_ulong) -> *mut c_void {
    get(size, 1, process::allocate_about)
}

/// A block of at least `count * size` zeros; null if either is 0, and with `ENOMEM` when memory cannot be had.
#[unsafe(no_mangle)]
pub extern "C" fn memcalloc(count: c_ulong, size: c_ulong) -> *mut c_void {
    match count.checked_mul(size) {
        Some(bytes) => get(bytes, 1, process::allocate_about_zeroed),
        None => no_memory(),
    }
}

/// A block of at least `size` bytes at a multiple of `alignment`; null with `EINVAL` if that is not a power of two.
#[unsafe(no_mangle)]
pub extern "C" fn memaligned(alignment: c_ulong, size: c_ulong) -> *mut c_void {
    if !alignment.is_power_of_two() {
        set_errno(EINVAL);
        return null_mut();
    }
    get(size, alignment, process::allocate_about)
}

/// Makes a block `size` bytes long; null with `EINVAL` for what is not a live block, with `ENOMEM` when memory cannot
/// be had. Size 0 frees it.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more once another pointer is returned, or size 0 given. No
/// other pointer does harm.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memrealloc(ptr: *mut c_void, size: c_ulong) -> *mut c_void {
    let Some(block) = NonNull::new(ptr.cast()) else { return memalloc(size) };
    if size == 0 {
        // SAFETY: the caller gives the block up.
        unsafe { memfree(ptr) };
        return null_mut();
    }
    // SAFETY: the caller gives the block up if it moves.
    match unsafe { process::resize(block, bytes(size)) } {
        Ok(Some(block)) => block.as_ptr().cast(),
        Ok(None) => no_memory(),
        Err(_) => {
            set_errno(EINVAL);
            null_mut()
        }
    }
}

/// What `allocate` gives for the size and alignment; null for size 0.
#[inline]
fn get(
    size: c_ulong,
    alignment: c_ulong,
    allocate: impl FnOnce(Layout) -> Option<NonNull<u8>>,
) -> *mut c_void {
    if size == 0 {
        return null_mut();
    }
    let layout = Layout::from_size_align(bytes(size), bytes(alignment));
    match layout.ok().and_then(allocate) {
        Some(block) => block.as_ptr().cast(),
        None => no_memory(),
    }
}

/// An `unsigned long` is as wide as an address on Linux.
#[inline]
const fn bytes(size: c_ulong) -> usize {
    const { assert!(size_of::<c_ulong>() == size_of::<usize>()) };
    size as usize
}

#[cold]
fn no_memory() -> *mut c_void {
    set_errno(ENOMEM);
    null_mut()
}
