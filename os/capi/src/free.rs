//! Giving memory back.

use core::ffi::{c_int, c_void};
use core::ptr::NonNull;

use memalloc_os::process;

use crate::errno::{EINVAL, set_errno};

/// Frees a block: 0; or -1 and `EINVAL`, and nothing changed, for any pointer that is not the start of a live one.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more. No other pointer does harm.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memfree(ptr: *mut c_void) -> c_int {
    // SAFETY: the caller gives the block up.
    if NonNull::new(ptr.cast()).is_some_and(|block| unsafe { process::deallocate(block) }.is_ok()) {
        return 0;
    }
    set_errno(EINVAL);
    -1
}
