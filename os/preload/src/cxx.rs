//! C++'s `new` and `delete`, in all their forms, by the names that the Itanium ABI gives them.
//!
//! Where memory cannot be had, the C++ library's own `new` is called, which asks the program's handler for some and throws
//! `std::bad_alloc`.

use core::alloc::Layout;
use core::ffi::{c_char, c_void};
use core::ptr::null_mut;

use memalloc_os::process;

use crate::malloc::{ALIGNMENT, free, malloc};
use crate::sized::free_aligned_sized;

/// The size and the alignment of a form that throws, and the C++ library's own.
type New = unsafe extern "C-unwind" fn(usize) -> *mut c_void;
type NewAligned = unsafe extern "C-unwind" fn(usize, usize) -> *mut c_void;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// The next library's function of a name, behind this one.
fn next(name: &core::ffi::CStr) -> Option<*mut c_void> {
    // The handle that says so.
    let behind = core::ptr::without_provenance_mut(usize::MAX);
    // SAFETY: the name ends with a zero byte.
    let function = unsafe { dlsym(behind, name.as_ptr()) };
    (!function.is_null()).then_some(function)
}

#[inline]
fn new(size: usize) -> *mut c_void {
    match process::allocate_waiting(size) {
        Some(block) => block.as_ptr().cast(),
        None => new_otherwise(size),
    }
}

#[cold]
fn new_otherwise(size: usize) -> *mut c_void {
    malloc(size)
}

fn new_aligned(size: usize, alignment: usize) -> *mut c_void {
    let layout = Layout::from_size_align(size, alignment.max(ALIGNMENT)).ok();
    layout.and_then(process::allocate).map_or(null_mut(), |block| block.as_ptr().cast())
}

/// What the C++ library does where there is no memory.
///
/// # Safety
/// Its `new` throws.
#[cold]
unsafe extern "C-unwind" fn no_memory(size: usize) -> *mut c_void {
    let Some(function) = next(c"_Znwm") else { std::process::abort() };
    // SAFETY: the C++ library's function of this name takes a size.
    unsafe { core::mem::transmute::<*mut c_void, New>(function)(size) }
}

/// [`no_memory`], for more than the usual alignment.
///
/// # Safety
/// Its `new` throws.
#[cold]
unsafe extern "C-unwind" fn no_memory_aligned(size: usize, alignment: usize) -> *mut c_void {
    let Some(function) = next(c"_ZnwmSt11align_val_t") else { std::process::abort() };
    // SAFETY: the C++ library's function of this name takes a size and an alignment.
    unsafe { core::mem::transmute::<*mut c_void, NewAligned>(function)(size, alignment) }
}

/// `operator new(size_t)`.
///
/// # Safety
/// It may throw.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn _Znwm(size: usize) -> *mut c_void {
    let block = new(size);
    // SAFETY: as the caller expects.
    if block.is_null() { unsafe { no_memory(size) } } else { block }
}

/// `operator new[](size_t)`.
///
/// # Safety
/// It may throw.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn _Znam(size: usize) -> *mut c_void {
    let block = new(size);
    // SAFETY: as the caller expects.
    if block.is_null() { unsafe { no_memory(size) } } else { block }
}

/// `operator new(size_t, nothrow_t)`: null where memory cannot be had.
#[unsafe(no_mangle)]
pub extern "C" fn _ZnwmRKSt9nothrow_t(size: usize, _nothrow: *const c_void) -> *mut c_void {
    new(size)
}

/// `operator new[](size_t, nothrow_t)`: null where memory cannot be had.
#[unsafe(no_mangle)]
pub extern "C" fn _ZnamRKSt9nothrow_t(size: usize, _nothrow: *const c_void) -> *mut c_void {
    new(size)
}

/// `operator new(size_t, align_val_t)`.
///
/// # Safety
/// It may throw.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn _ZnwmSt11align_val_t(size: usize, alignment: usize) -> *mut c_void {
    let block = new_aligned(size, alignment);
    // SAFETY: as the caller expects.
    if block.is_null() { unsafe { no_memory_aligned(size, alignment) } } else { block }
}

/// `operator new[](size_t, align_val_t)`.
///
/// # Safety
/// It may throw.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn _ZnamSt11align_val_t(size: usize, alignment: usize) -> *mut c_void {
    let block = new_aligned(size, alignment);
    // SAFETY: as the caller expects.
    if block.is_null() { unsafe { no_memory_aligned(size, alignment) } } else { block }
}

/// `operator new(size_t, align_val_t, nothrow_t)`: null where memory cannot be had.
#[unsafe(no_mangle)]
pub extern "C" fn _ZnwmSt11align_val_tRKSt9nothrow_t(
    size: usize,
    alignment: usize,
    _nothrow: *const c_void,
) -> *mut c_void {
    new_aligned(size, alignment)
}

/// `operator new[](size_t, align_val_t, nothrow_t)`: null where memory cannot be had.
#[unsafe(no_mangle)]
pub extern "C" fn _ZnamSt11align_val_tRKSt9nothrow_t(
    size: usize,
    alignment: usize,
    _nothrow: *const c_void,
) -> *mut c_void {
    new_aligned(size, alignment)
}

/// `operator delete(void *)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPv(ptr: *mut c_void) {
    // SAFETY: as the caller says.
    unsafe { free(ptr) }
}

/// `operator delete(void *, size_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvm(ptr: *mut c_void, size: usize) {
    // SAFETY: as the caller says.
    unsafe { free_aligned_sized(ptr, ALIGNMENT, size) }
}

/// `operator delete(void *, nothrow_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvRKSt9nothrow_t(ptr: *mut c_void, _nothrow: *const c_void) {
    // SAFETY: as the caller says.
    unsafe { free(ptr) }
}

/// `operator delete(void *, align_val_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvSt11align_val_t(ptr: *mut c_void, _alignment: usize) {
    // SAFETY: as the caller says.
    unsafe { free(ptr) }
}

/// `operator delete(void *, size_t, align_val_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvmSt11align_val_t(ptr: *mut c_void, size: usize, alignment: usize) {
    // SAFETY: as the caller says.
    unsafe { free_aligned_sized(ptr, alignment, size) }
}

/// `operator delete(void *, align_val_t, nothrow_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvSt11align_val_tRKSt9nothrow_t(
    ptr: *mut c_void,
    _alignment: usize,
    _nothrow: *const c_void,
) {
    // SAFETY: as the caller says.
    unsafe { free(ptr) }
}

/// `operator delete[](void *)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPv(ptr: *mut c_void) {
    // SAFETY: as the caller says.
    unsafe { free(ptr) }
}

/// `operator delete[](void *, size_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvm(ptr: *mut c_void, size: usize) {
    // SAFETY: as the caller says.
    unsafe { free_aligned_sized(ptr, ALIGNMENT, size) }
}

/// `operator delete[](void *, nothrow_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvRKSt9nothrow_t(ptr: *mut c_void, _nothrow: *const c_void) {
    // SAFETY: as the caller says.
    unsafe { free(ptr) }
}

/// `operator delete[](void *, align_val_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvSt11align_val_t(ptr: *mut c_void, _alignment: usize) {
    // SAFETY: as the caller says.
    unsafe { free(ptr) }
}

/// `operator delete[](void *, size_t, align_val_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvmSt11align_val_t(ptr: *mut c_void, size: usize, alignment: usize) {
    // SAFETY: as the caller says.
    unsafe { free_aligned_sized(ptr, alignment, size) }
}

/// `operator delete[](void *, align_val_t, nothrow_t)`.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvSt11align_val_tRKSt9nothrow_t(
    ptr: *mut c_void,
    _alignment: usize,
    _nothrow: *const c_void,
) {
    // SAFETY: as the caller says.
    unsafe { free(ptr) }
}
