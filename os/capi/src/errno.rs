//! The thread's `errno`.

use core::ffi::c_int;

/// The values that these functions set. The same on all architectures but for `EUCLEAN` on a few.
pub(crate) const ENOMEM: c_int = 12;
pub(crate) const EINVAL: c_int = 22;
#[cfg(any(target_arch = "mips", target_arch = "mips64"))]
pub(crate) const EUCLEAN: c_int = 135;
#[cfg(not(any(target_arch = "mips", target_arch = "mips64")))]
pub(crate) const EUCLEAN: c_int = 117;

/// Sets `errno` for the calling thread.
#[cold]
pub(crate) fn set_errno(value: c_int) {
    unsafe extern "C" {
        fn __errno_location() -> *mut c_int;
    }
    // SAFETY: the C library answers with the thread's own variable.
    unsafe { *__errno_location() = value };
}
