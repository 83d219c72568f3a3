//! C++'s `new` and `delete`, in all their forms, by the names that the Itanium ABI gives them.
//!
//! Where memory cannot be had, those forms of `new` that throw ask the program's handler for some: see `throwing`. The others go to
//! the C++ library's own, which call those, and answer null for what is thrown.
//!
//! Each form goes to this allocator by itself, unless the program has some forms of its own: then those it has not are the C++
//! library's, which go to the program's.

mod program;
mod throwing;

use core::alloc::Layout;
use core::ffi::{CStr, c_void};
use core::ptr::null_mut;

use memalloc_os::process;
use program::{Form, are_known_to_be_none};
pub use throwing::*;

use crate::malloc::{ALIGNMENT, free, get};
use crate::next::{next, of_cxx_library};
use crate::sized::{free_aligned_of, free_of};

/// Whether `delete` may be given blocks of another `new` than these: of one that is linked into a part of the program, where no library
/// has one for all.
pub(crate) fn may_be_of_others() -> bool {
    next(c"_Znwm").is_none()
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
    // `delete` may say its size.
    get(size, ALIGNMENT, |layout| process::allocate_otherwise(layout, true))
}

fn new_aligned(size: usize, alignment: usize) -> *mut c_void {
    let layout = Layout::from_size_align(size, alignment.max(ALIGNMENT)).ok();
    layout.and_then(process::allocate).map_or(null_mut(), |block| block.as_ptr().cast())
}

/// A form that asks malloc(3) itself, in the C++ library too: what it is given, what it gives, and how.
macro_rules! base {
    ($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block) => {
        #[doc = concat!("`", stringify!($name), "`, as the C++ standard has it.")]
        ///
        /// # Safety
        /// If a live block starts at the pointer, nobody uses it any more.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) $(-> $result)? {
            // SAFETY: as the caller says.
            unsafe { $body }
        }
    };
}

/// A form that goes to another one in the C++ library.
macro_rules! form {
    ($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block) => {
        base! { $name($($argument: $type),*) $(-> $result)? {
            /// Where it is not known yet whether the program has forms of its own.
            #[cold]
            #[inline(never)]
            unsafe extern "C" fn otherwise($($argument: $type),*) $(-> $result)? {
                type Function = unsafe extern "C" fn($($type),*) $(-> $result)?;
                static LIBRARY: Form = match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => Form::new(name),
                    Err(_) => panic!("a name has no zero byte"),
                };
                // SAFETY: the C++ library's function of a name takes what this one's takes; the caller promises the same.
                unsafe {
                    match LIBRARY.wanted() {
                        Some(function) => core::mem::transmute::<*mut c_void, Function>(function)($($argument),*),
                        None => $name($($argument),*),
                    }
                }
            }
            if are_known_to_be_none() $body else { otherwise($($argument),*) }
        } }
    };
}

/// A block that was made, or what the C++ library's form of a name answers, which asks the program's handler for memory and
/// throws nothing; null where there is no such library.
macro_rules! or_of_library {
    ($name:expr, $made:expr; $($argument:ident: $type:ty),*) => {{
        let block = $made;
        if !block.is_null() {
            return block;
        }
        match of_cxx_library($name) {
            Some(function) => core::mem::transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> *mut c_void>(function)(
                $($argument),*
            ),
            None => null_mut(),
        }
    }};
}

form! { _ZnwmRKSt9nothrow_t(size: usize, nothrow: *const c_void) -> *mut c_void {
    or_of_library!(c"_ZnwmRKSt9nothrow_t", new(size); size: usize, nothrow: *const c_void)
} }
form! { _ZnamRKSt9nothrow_t(size: usize, nothrow: *const c_void) -> *mut c_void {
    or_of_library!(c"_ZnamRKSt9nothrow_t", new(size); size: usize, nothrow: *const c_void)
} }

form! { _ZnwmSt11align_val_tRKSt9nothrow_t(
    size: usize, alignment: usize, nothrow: *const c_void
) -> *mut c_void {
    or_of_library!(
        c"_ZnwmSt11align_val_tRKSt9nothrow_t", new_aligned(size, alignment);
        size: usize, alignment: usize, nothrow: *const c_void
    )
} }
form! { _ZnamSt11align_val_tRKSt9nothrow_t(
    size: usize, alignment: usize, nothrow: *const c_void
) -> *mut c_void {
    or_of_library!(
        c"_ZnamSt11align_val_tRKSt9nothrow_t", new_aligned(size, alignment);
        size: usize, alignment: usize, nothrow: *const c_void
    )
} }

base! { _ZdlPv(ptr: *mut c_void) { free(ptr) } }
form! { _ZdaPv(ptr: *mut c_void) { free(ptr) } }
form! { _ZdlPvRKSt9nothrow_t(ptr: *mut c_void, _nothrow: *const c_void) { free(ptr) } }
form! { _ZdaPvRKSt9nothrow_t(ptr: *mut c_void, _nothrow: *const c_void) { free(ptr) } }
form! { _ZdlPvm(ptr: *mut c_void, size: usize) { free_of(ptr, size) } }
form! { _ZdaPvm(ptr: *mut c_void, size: usize) { free_of(ptr, size) } }

base! { _ZdlPvSt11align_val_t(ptr: *mut c_void, _alignment: usize) { free(ptr) } }
form! { _ZdaPvSt11align_val_t(ptr: *mut c_void, _alignment: usize) { free(ptr) } }
form! { _ZdlPvSt11align_val_tRKSt9nothrow_t(ptr: *mut c_void, _alignment: usize, _nothrow: *const c_void) {
    free(ptr)
} }
form! { _ZdaPvSt11align_val_tRKSt9nothrow_t(ptr: *mut c_void, _alignment: usize, _nothrow: *const c_void) {
    free(ptr)
} }
form! { _ZdlPvmSt11align_val_t(ptr: *mut c_void, size: usize, alignment: usize) {
    free_aligned_of(ptr, alignment, size)
} }
form! { _ZdaPvmSt11align_val_t(ptr: *mut c_void, size: usize, alignment: usize) {
    free_aligned_of(ptr, alignment, size)
} }
