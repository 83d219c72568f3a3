//! What other libraries have by the names of this one.

use core::ffi::{CStr, c_char, c_int, c_void};

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// The C++ libraries that there are: GNU's, and LLVM's two parts.
const CXX_LIBRARIES: [&CStr; 3] = [c"libstdc++.so.6", c"libc++abi.so.1", c"libc++.so.1"];
/// `RTLD_LAZY` and `RTLD_NOLOAD`.
const IF_LOADED: c_int = 1 | 4;

/// The next library's function of a name, behind this one.
pub(crate) fn next(name: &CStr) -> Option<*mut c_void> {
    // The handle that says so.
    let behind = core::ptr::without_provenance_mut(usize::MAX);
    // SAFETY: the name ends with a zero byte.
    let function = unsafe { dlsym(behind, name.as_ptr()) };
    (!function.is_null()).then_some(function)
}

/// The C++ library's function of a name: the [next](next), or, where a part of the program has that library to itself, as what was
/// opened with `RTLD_LOCAL`, the one that is loaded.
pub(crate) fn of_cxx_library(name: &CStr) -> Option<*mut c_void> {
    let of_loaded = |library: &&CStr| {
        // SAFETY: the names end with a zero byte. A library that is loaded already is not run, and stays from now on.
        let function = unsafe {
            let library = dlopen(library.as_ptr(), IF_LOADED);
            if library.is_null() { library } else { dlsym(library, name.as_ptr()) }
        };
        (!function.is_null()).then_some(function)
    };
    next(name).or_else(|| CXX_LIBRARIES.iter().find_map(of_loaded))
}

/// What the program calls by a name; null if nothing.
pub(crate) fn first(name: &CStr) -> *mut c_void {
    // SAFETY: the name ends with a zero byte; the null handle stands for all that is loaded, in the order of search.
    unsafe { dlsym(core::ptr::null_mut(), name.as_ptr()) }
}
