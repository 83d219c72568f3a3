//! The forms of `new` that throw.
//!
//! Where there is no memory, they call the program's handler, which finds some, or throws, and try again; without a handler
//! `std::bad_alloc` is thrown. The C++ library's own forms are not asked to do that: their blocks are malloc's, which may be longer
//! than was asked for, and so not what a `delete` says. Only a program with other forms of its own has those of arrays go to them.
//!
//! What is thrown must not come through a function of Rust's. So each is a few instructions that call what makes a block and
//! the handler, and jump to what throws, as if the program had called that.

use core::ffi::c_void;
use core::ptr::null_mut;

use super::program::{Form, are_known_to_be_none};
use super::{new, new_aligned};
use crate::next::of_cxx_library;

static ARRAY: Form = Form::new(c"_Znam");
static ALIGNED_ARRAY: Form = Form::new(c"_ZnamSt11align_val_t");

/// A form of the sizes or alignments that are named: what makes a block, or says null; what then says whom to call before the next
/// attempt, or null; what then says where to go; how x86_64 keeps what it was given meanwhile.
macro_rules! throwing {
    ($name:ident(size): $make:ident, $handler:ident, $find:ident) => {
        throwing! {
            $name(size): $make, $handler, $find;
            "push rdi
            .cfi_adjust_cfa_offset 8",
            "pop rdi
            .cfi_adjust_cfa_offset -8"
        }
    };
    ($name:ident(size, alignment): $make:ident, $handler:ident, $find:ident) => {
        throwing! {
            $name(size, alignment): $make, $handler, $find;
            "push rdi
            .cfi_adjust_cfa_offset 8
            push rsi
            .cfi_adjust_cfa_offset 8
            sub rsp, 8
            .cfi_adjust_cfa_offset 8",
            "add rsp, 8
            .cfi_adjust_cfa_offset -8
            pop rsi
            .cfi_adjust_cfa_offset -8
            pop rdi
            .cfi_adjust_cfa_offset -8"
        }
    };
    ($name:ident($($argument:ident),*): $make:ident, $handler:ident, $find:ident; $keep:literal, $bring_back:literal) => {
        #[doc = concat!("`", stringify!($name), "`, as the C++ standard has it.")]
        ///
        /// # Safety
        /// It may throw.
        #[cfg(target_arch = "x86_64")]
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C-unwind" fn $name($($argument: usize),*) -> *mut c_void {
            core::arch::naked_asm!(
                ".cfi_startproc",
                "2:",
                $keep,
                "call {make}",
                $bring_back,
                "test rax, rax",
                "jz 3f",
                "ret",
                "3:",
                $keep,
                "call {handler}",
                $bring_back,
                "test rax, rax",
                "jz 4f",
                $keep,
                "call rax",
                $bring_back,
                "jmp 2b",
                "4:",
                $keep,
                "call {find}",
                $bring_back,
                "jmp rax",
                ".cfi_endproc",
                make = sym $make,
                handler = sym $handler,
                find = sym $find,
            )
        }

        #[doc = concat!("`", stringify!($name), "`, as the C++ standard has it.")]
        ///
        /// # Safety
        /// It may throw.
        #[cfg(target_arch = "aarch64")]
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C-unwind" fn $name($($argument: usize),*) -> *mut c_void {
            core::arch::naked_asm!(
                ".cfi_startproc",
                "stp x29, x30, [sp, -32]!",
                ".cfi_adjust_cfa_offset 32",
                ".cfi_rel_offset x30, 8",
                "stp x0, x1, [sp, 16]",
                "2:",
                "bl {make}",
                "cbz x0, 3f",
                "ldp x29, x30, [sp], 32",
                ".cfi_remember_state",
                ".cfi_adjust_cfa_offset -32",
                ".cfi_restore x30",
                "ret",
                "3:",
                ".cfi_restore_state",
                "bl {handler}",
                "cbz x0, 4f",
                "blr x0",
                "ldp x0, x1, [sp, 16]",
                "b 2b",
                "4:",
                "bl {find}",
                "mov x16, x0",
                "ldp x0, x1, [sp, 16]",
                "ldp x29, x30, [sp], 32",
                ".cfi_adjust_cfa_offset -32",
                ".cfi_restore x30",
                "br x16",
                ".cfi_endproc",
                make = sym $make,
                handler = sym $handler,
                find = sym $find,
            )
        }

        #[doc = concat!("`", stringify!($name), "`, as the C++ standard has it; but that it throws only if it is built to unwind.")]
        ///
        /// # Safety
        /// It may throw.
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name($($argument: usize),*) -> *mut c_void {
            loop {
                let block = $make($($argument),*);
                if !block.is_null() {
                    return block;
                }
                let handler = $handler();
                if handler.is_null() {
                    break;
                }
                // SAFETY: that is a handler, which takes nothing; the caller expects that it throws.
                unsafe { core::mem::transmute::<*mut c_void, unsafe extern "C-unwind" fn()>(handler)() };
            }
            throwing! { @type $($argument)* }
            // SAFETY: the C++ library's function of a name takes what this one's takes, and what throws nothing: to be given more does
            // no harm. The caller expects that it throws.
            unsafe { core::mem::transmute::<*mut c_void, Function>($find())($($argument),*) }
        }
    };
    (@type $one:ident) => {
        type Function = unsafe extern "C-unwind" fn(usize) -> *mut c_void;
    };
    (@type $one:ident $other:ident) => {
        type Function = unsafe extern "C-unwind" fn(usize, usize) -> *mut c_void;
    };
}

throwing! { _Znwm(size): make, handler, find }
throwing! { _Znam(size): make_array, array_handler, find_array }
throwing! { _ZnwmSt11align_val_t(size, alignment): make_aligned, handler, find }
throwing! { _ZnamSt11align_val_t(size, alignment): make_aligned_array, aligned_array_handler, find_aligned_array }

extern "C" fn make(size: usize) -> *mut c_void {
    new(size)
}

extern "C" fn make_array(size: usize) -> *mut c_void {
    if are_known_to_be_none() || ARRAY.wanted().is_none() { new(size) } else { null_mut() }
}

extern "C" fn make_aligned(size: usize, alignment: usize) -> *mut c_void {
    new_aligned(size, alignment)
}

extern "C" fn make_aligned_array(size: usize, alignment: usize) -> *mut c_void {
    if are_known_to_be_none() || ALIGNED_ARRAY.wanted().is_none() {
        new_aligned(size, alignment)
    } else {
        null_mut()
    }
}

/// The program's handler, which is called where there is no memory; null if there is none.
extern "C" fn handler() -> *mut c_void {
    type Get = unsafe extern "C" fn() -> *mut c_void;
    let Some(get) = of_cxx_library(c"_ZSt15get_new_handlerv") else { return null_mut() };
    // SAFETY: the function of this name, `std::get_new_handler`, takes nothing.
    unsafe { core::mem::transmute::<*mut c_void, Get>(get)() }
}

/// [`handler`], unless the program's own forms are to have one called.
extern "C" fn array_handler() -> *mut c_void {
    if ARRAY.wanted().is_none() { handler() } else { null_mut() }
}

extern "C" fn aligned_array_handler() -> *mut c_void {
    if ALIGNED_ARRAY.wanted().is_none() { handler() } else { null_mut() }
}

/// The C++ library's function that throws `std::bad_alloc`. A program that calls a `new` has that library.
extern "C" fn find() -> *mut c_void {
    of_cxx_library(c"_ZSt17__throw_bad_allocv").unwrap_or_else(|| std::process::abort())
}

extern "C" fn find_array() -> *mut c_void {
    ARRAY.wanted().unwrap_or_else(|| find())
}

extern "C" fn find_aligned_array() -> *mut c_void {
    ALIGNED_ARRAY.wanted().unwrap_or_else(|| find())
}
