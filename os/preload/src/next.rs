//! What other libraries have by the names of this one.

use core::ffi::{CStr, c_char, c_void};

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// The next library's function of a name, behind this one.
pub(crate) fn next(name: &CStr) -> Option<*mut c_void> {
    // The handle that says so.
    let behind = core::ptr::without_provenance_mut(usize::MAX);
    // SAFETY: the name ends with a zero byte.
    let function = unsafe { dlsym(behind, name.as_ptr()) };
    (!function.is_null()).then_some(function)
}

/// What the program calls by a name; null if nothing.
pub(crate) fn first(name: &CStr) -> *mut c_void {
    // SAFETY: the name ends with a zero byte; the null handle stands for all that is loaded, in the order of search.
    unsafe { dlsym(core::ptr::null_mut(), name.as_ptr()) }
}
