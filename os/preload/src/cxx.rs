//! C++'s `new` and `delete`, in all their forms, by the names that the Itanium ABI gives them.
//!
//! Where memory cannot be had, the C++ library's own `new` is called, which asks the program's handler for some and throws
//! `std::bad_alloc`. Each form goes to this allocator by itself: a program that replaces some of them should replace all.

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

/// The forms of `new` and `new[]`.
macro_rules! news {
    ($($name:literal $plain:ident $nothrow:ident $aligned:ident $aligned_nothrow:ident;)*) => { $(
        #[doc = concat!("`", $name, "(size_t)`.")]
        ///
        /// # Safety
        /// It may throw.
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $plain(size: usize) -> *mut c_void {
            let block = new(size);
            if !block.is_null() {
                return block;
            }
            // SAFETY: the caller expects that it throws.
            unsafe { no_memory(size) }
        }

        #[doc = concat!("`", $name, "(size_t, nothrow_t)`: null where memory cannot be had.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $nothrow(size: usize, _nothrow: *const c_void) -> *mut c_void {
            new(size)
        }

        #[doc = concat!("`", $name, "(size_t, align_val_t)`.")]
        ///
        /// # Safety
        /// It may throw.
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $aligned(size: usize, alignment: usize) -> *mut c_void {
            let block = new_aligned(size, alignment);
            if !block.is_null() {
                return block;
            }
            // SAFETY: the caller expects that it throws.
            unsafe { no_memory_aligned(size, alignment) }
        }

        #[doc = concat!("`", $name, "(size_t, align_val_t, nothrow_t)`: null where memory cannot be had.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $aligned_nothrow(size: usize, alignment: usize, _nothrow: *const c_void) -> *mut c_void {
            new_aligned(size, alignment)
        }
    )* };
}

news! {
    "operator new" _Znwm _ZnwmRKSt9nothrow_t _ZnwmSt11align_val_t _ZnwmSt11align_val_tRKSt9nothrow_t;
    "operator new[]" _Znam _ZnamRKSt9nothrow_t _ZnamSt11align_val_t _ZnamSt11align_val_tRKSt9nothrow_t;
}

/// One form of `delete`: what it is given, and what it does.
macro_rules! delete {
    ($form:literal $name:ident($ptr:ident $(, $argument:ident: $type:ty)*) $body:expr) => {
        #[doc = concat!("`", $form, "`.")]
        ///
        /// # Safety
        /// If a live block starts at the pointer, nobody uses it any more.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($ptr: *mut c_void $(, $argument: $type)*) {
            // SAFETY: as the caller says.
            unsafe { $body }
        }
    };
}

/// The forms of `delete` and `delete[]`.
macro_rules! deletes {
    ($($name:literal $plain:ident $nothrow:ident $sized:ident $aligned:ident $sized_aligned:ident
       $aligned_nothrow:ident;)*) => { $(
        delete!($name $plain(ptr) free(ptr));
        delete!($name $nothrow(ptr, _nothrow: *const c_void) free(ptr));
        delete!($name $sized(ptr, size: usize) free_aligned_sized(ptr, ALIGNMENT, size));
        delete!($name $aligned(ptr, _alignment: usize) free(ptr));
        delete!($name $sized_aligned(ptr, size: usize, alignment: usize) free_aligned_sized(ptr, alignment, size));
        delete!($name $aligned_nothrow(ptr, _alignment: usize, _nothrow: *const c_void) free(ptr));
    )* };
}

deletes! {
    "operator delete" _ZdlPv _ZdlPvRKSt9nothrow_t _ZdlPvm _ZdlPvSt11align_val_t _ZdlPvmSt11align_val_t
        _ZdlPvSt11align_val_tRKSt9nothrow_t;
    "operator delete[]" _ZdaPv _ZdaPvRKSt9nothrow_t _ZdaPvm _ZdaPvSt11align_val_t _ZdaPvmSt11align_val_t
        _ZdaPvSt11align_val_tRKSt9nothrow_t;
}
