//! The thread's `errno`.

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

pub(crate) const ENOMEM: c_int = 12;
pub(crate) const EINVAL: c_int = 22;

/// Null, and `errno` says why.
#[cold]
pub(crate) fn fail(errno: c_int) -> *mut c_void {
    unsafe extern "C" {
        fn __errno_location() -> *mut c_int;
    }
    // SAFETY: the C library answers with the thread's own variable.
    unsafe { *__errno_location() = errno };
    null_mut()
}
