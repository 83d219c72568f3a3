//! C++'s `new` and `delete`, in all their forms, by the names that the Itanium ABI gives them.
//!
//! Where memory cannot be had, the C++ library's own `new` is called, which asks the program's handler for some and throws
//! `std::bad_alloc`. Each form goes to this allocator by itself, unless the program has some forms of its own: then those it
//! has not are the C++ library's, which go to the program's.

mod program;

use core::alloc::Layout;
use core::ffi::{CStr, c_void};
use core::ptr::null_mut;

use memalloc_os::process;
use program::{Form, are_known_to_be_none};

use crate::malloc::{ALIGNMENT, free, malloc};
use crate::next::next;
use crate::sized::free_aligned_sized;

/// The size and the alignment of a form that throws, and the C++ library's own.
type New = unsafe extern "C-unwind" fn(usize) -> *mut c_void;
type NewAligned = unsafe extern "C-unwind" fn(usize, usize) -> *mut c_void;

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

/// # Safety
/// It may throw.
#[inline(always)]
unsafe fn new_or_throw(size: usize) -> *mut c_void {
    let block = new(size);
    // SAFETY: the caller expects that it throws.
    if block.is_null() { unsafe { no_memory(size) } } else { block }
}

/// # Safety
/// It may throw.
#[inline(always)]
unsafe fn new_aligned_or_throw(size: usize, alignment: usize) -> *mut c_void {
    let block = new_aligned(size, alignment);
    // SAFETY: the caller expects that it throws.
    if block.is_null() { unsafe { no_memory_aligned(size, alignment) } } else { block }
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

/// A form that asks malloc(3) itself, in the C++ library too: what it is given, what it gives, and how.
macro_rules! base {
    ($abi:literal $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block) => {
        #[doc = concat!("`", stringify!($name), "`, as the C++ standard has it.")]
        ///
        /// # Safety
        /// It may throw, unless it is given a `nothrow_t` or a block. If a live block starts at the pointer, nobody uses it
        /// any more.
        #[unsafe(no_mangle)]
        pub unsafe extern $abi fn $name($($argument: $type),*) $(-> $result)? {
            // SAFETY: as the caller says.
            unsafe { $body }
        }
    };
}

/// A form that goes to another one in the C++ library.
macro_rules! form {
    ($abi:literal $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block) => {
        base! { $abi $name($($argument: $type),*) $(-> $result)? {
            /// Where it is not known yet whether the program has forms of its own.
            #[cold]
            #[inline(never)]
            unsafe extern $abi fn otherwise($($argument: $type),*) $(-> $result)? {
                type Function = unsafe extern $abi fn($($type),*) $(-> $result)?;
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

base! { "C-unwind" _Znwm(size: usize) -> *mut c_void { new_or_throw(size) } }
form! { "C-unwind" _Znam(size: usize) -> *mut c_void { new_or_throw(size) } }
form! { "C" _ZnwmRKSt9nothrow_t(size: usize, _nothrow: *const c_void) -> *mut c_void { new(size) } }
form! { "C" _ZnamRKSt9nothrow_t(size: usize, _nothrow: *const c_void) -> *mut c_void { new(size) } }

base! { "C-unwind" _ZnwmSt11align_val_t(size: usize, alignment: usize) -> *mut c_void {
    new_aligned_or_throw(size, alignment)
} }
form! { "C-unwind" _ZnamSt11align_val_t(size: usize, alignment: usize) -> *mut c_void {
    new_aligned_or_throw(size, alignment)
} }
form! { "C" _ZnwmSt11align_val_tRKSt9nothrow_t(
    size: usize, alignment: usize, _nothrow: *const c_void
) -> *mut c_void {
    new_aligned(size, alignment)
} }
form! { "C" _ZnamSt11align_val_tRKSt9nothrow_t(
    size: usize, alignment: usize, _nothrow: *const c_void
) -> *mut c_void {
    new_aligned(size, alignment)
} }

base! { "C" _ZdlPv(ptr: *mut c_void) { free(ptr) } }
form! { "C" _ZdaPv(ptr: *mut c_void) { free(ptr) } }
form! { "C" _ZdlPvRKSt9nothrow_t(ptr: *mut c_void, _nothrow: *const c_void) { free(ptr) } }
form! { "C" _ZdaPvRKSt9nothrow_t(ptr: *mut c_void, _nothrow: *const c_void) { free(ptr) } }
form! { "C" _ZdlPvm(ptr: *mut c_void, size: usize) { free_aligned_sized(ptr, ALIGNMENT, size) } }
form! { "C" _ZdaPvm(ptr: *mut c_void, size: usize) { free_aligned_sized(ptr, ALIGNMENT, size) } }

base! { "C" _ZdlPvSt11align_val_t(ptr: *mut c_void, _alignment: usize) { free(ptr) } }
form! { "C" _ZdaPvSt11align_val_t(ptr: *mut c_void, _alignment: usize) { free(ptr) } }
form! { "C" _ZdlPvSt11align_val_tRKSt9nothrow_t(ptr: *mut c_void, _alignment: usize, _nothrow: *const c_void) {
    free(ptr)
} }
form! { "C" _ZdaPvSt11align_val_tRKSt9nothrow_t(ptr: *mut c_void, _alignment: usize, _nothrow: *const c_void) {
    free(ptr)
} }
form! { "C" _ZdlPvmSt11align_val_t(ptr: *mut c_void, size: usize, alignment: usize) {
    free_aligned_sized(ptr, alignment, size)
} }
form! { "C" _ZdaPvmSt11align_val_t(ptr: *mut c_void, size: usize, alignment: usize) {
    free_aligned_sized(ptr, alignment, size)
} }
