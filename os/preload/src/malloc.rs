//! `malloc` and its kin.

use core::alloc::Layout;
use core::ffi::c_void;
use core::mem::transmute;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering::Relaxed;

use memalloc_os::process::{LetWait, OwnBlock};
use memalloc_os::{abort_on_bad_free, process};

use crate::errno::{ENOMEM, fail};
use crate::next::first;

/// What any C type may need.
pub(crate) const ALIGNMENT: usize = 16;

/// A block of at least `size` bytes, aligned to 16; for size 0 too.
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> *mut c_void {
    match process::allocate_waiting(size) {
        Some(block) => block.as_ptr().cast(),
        None => malloc_otherwise(size),
    }
}

/// [`malloc`], where no block waits in a list.
#[inline(never)]
fn malloc_otherwise(size: usize) -> *mut c_void {
    let layout = Layout::from_size_align(size, ALIGNMENT).ok();
    match layout.and_then(|layout| process::allocate_waiting_long(layout, false)) {
        Some(block) => block.as_ptr().cast(),
        None => malloc_anew(size),
    }
}

#[inline(never)]
fn malloc_anew(size: usize) -> *mut c_void {
    get(size, ALIGNMENT, |layout| process::allocate_anew(layout, false))
}

/// A block of at least `count * size` bytes, all zero.
#[unsafe(no_mangle)]
pub extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        Some(bytes) => get(bytes, ALIGNMENT, process::allocate_about_zeroed),
        None => fail(ENOMEM),
    }
}

/// Frees a block, and keeps `errno`. Null is nothing to free; any other pointer that is not a live block ends the
/// program.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(ptr: *mut c_void) {
    // SAFETY: the caller gives the block up.
    unsafe {
        match process::let_wait(ptr.cast(), None) {
            LetWait::Done => {}
            LetWait::Near => free_near(ptr),
            LetWait::Far => free_otherwise(ptr),
        }
    }
}

/// # Safety
/// As for [`process::deallocate_near`].
#[inline(never)]
unsafe fn free_near(ptr: *mut c_void) {
    // SAFETY: as the caller says; a pointer that is near is not null.
    unsafe {
        if let Err(error) = process::deallocate_near(NonNull::new_unchecked(ptr.cast()), None) {
            abort_on_bad_free(error, ptr.cast());
        }
    }
}

/// # Safety
/// As for [`free`].
#[inline(never)]
unsafe fn free_otherwise(ptr: *mut c_void) {
    let Some(block) = NonNull::new(ptr.cast()) else { return };
    // SAFETY: the caller gives the block up.
    if let Err(error) = unsafe { process::deallocate_otherwise(block, 0) } {
        abort_on_bad_free(error, ptr.cast());
    }
}

/// Makes a block `size` bytes long. `realloc(NULL, size)` is `malloc(size)`; `realloc(ptr, 0)` frees the block and
/// returns null. A pointer that is not a live block ends the program.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more once another pointer is returned, or size 0 given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(ptr: *mut c_void, size: usize) -> *mut c_void {
    let Some(start) = NonNull::new(ptr.cast()) else { return malloc(size) };
    // SAFETY: as the caller says.
    unsafe {
        match OwnBlock::at(start) {
            Some(block) if block.is_about(size) => ptr,
            Some(block) => resize(start, block.size(), size),
            None => resize_otherwise(start, size),
        }
    }
}

/// # Safety
/// As for [`realloc`]; [`OwnBlock::at`] just told that a block of `old_size` bytes is there.
#[inline(never)]
unsafe fn resize(start: NonNull<u8>, old_size: usize, size: usize) -> *mut c_void {
    // SAFETY: as the caller says.
    match unsafe { OwnBlock::new(start, old_size).resize_soon(false, size) } {
        Some(block) => block.as_ptr().cast(),
        // SAFETY: as the caller says.
        None => unsafe { resize_otherwise(start, size) },
    }
}

/// # Safety
/// As for [`realloc`].
#[inline(never)]
unsafe fn resize_otherwise(block: NonNull<u8>, size: usize) -> *mut c_void {
    let ptr = block.as_ptr().cast();
    if size == 0 {
        // SAFETY: the caller gives the block up.
        unsafe { free(ptr) };
        return null_mut();
    }
    // SAFETY: the caller gives the block up if it moves.
    match unsafe { process::resize_otherwise(block, None, size) } {
        Ok(Some(block)) => block.as_ptr().cast(),
        Ok(None) => fail(ENOMEM),
        Err(error) => abort_on_bad_free(error, block.as_ptr()),
    }
}

/// `realloc` to `count * size` bytes; null, and the block is as it was, if that is too large.
///
/// # Safety
/// As for [`realloc`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reallocarray(ptr: *mut c_void, count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: as the caller says.
        Some(bytes) => unsafe { realloc_of_program(ptr, bytes) },
        None => fail(ENOMEM),
    }
}

/// What the program calls `realloc`, which need not be this one: programs that have a malloc of their own hardly ever have a
/// `reallocarray`, and glibc's calls theirs.
///
/// # Safety
/// As for [`realloc`].
unsafe fn realloc_of_program(ptr: *mut c_void, size: usize) -> *mut c_void {
    type Function = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
    static KNOWN: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
    if KNOWN.load(Relaxed).is_null() {
        KNOWN.store(first(c"realloc"), Relaxed);
    }
    let known = KNOWN.load(Relaxed);
    // SAFETY: what is known is a function of that name, which takes and gives what this library's does; the caller promises the same.
    unsafe {
        let function = if known.is_null() { realloc } else { transmute::<*mut c_void, Function>(known) };
        function(ptr, size)
    }
}

/// The bytes of a block that may be used; 0 for null, and for what is not a live block.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_usable_size(ptr: *mut c_void) -> usize {
    let block = NonNull::new(ptr.cast());
    process::usable_size_near(block).unwrap_or_else(|| usable_size_otherwise(block))
}

/// [`malloc_usable_size`], of what is not near: by a call that is that one's last.
#[inline(never)]
fn usable_size_otherwise(block: Option<NonNull<u8>>) -> usize {
    block.and_then(|block| process::usable_size(block).ok()).unwrap_or(0)
}

/// What `allocate` gives for the size and alignment, or null with `ENOMEM`: above `PTRDIFF_MAX` too, where no layout
/// reaches.
pub(crate) fn get(
    size: usize,
    alignment: usize,
    allocate: impl FnOnce(Layout) -> Option<NonNull<u8>>,
) -> *mut c_void {
    let layout = Layout::from_size_align(size, alignment);
    match layout.ok().and_then(allocate) {
        Some(block) => block.as_ptr().cast(),
        None => fail(ENOMEM),
    }
}
