//! The forms of `new` that throw.
//!
//! What they throw must not come through a function of Rust's. So each is a few instructions that call what makes a block,
//! and where there is none jump to the C++ library's form, as if the program had called that.

use core::ffi::c_void;
use core::ptr::null_mut;

use super::program::{Form, are_known_to_be_none};
use super::{new, new_aligned};
use crate::next::next;

static ARRAY: Form = Form::new(c"_Znam");
static ALIGNED_ARRAY: Form = Form::new(c"_ZnamSt11align_val_t");

/// A form of the sizes or alignments that are named: what makes a block, or says null, and what then says where to go; how
/// x86_64 keeps what it was given meanwhile.
macro_rules! throwing {
    ($name:ident(size): $make:ident, $find:ident) => {
        throwing! {
            $name(size): $make, $find;
            "push rdi
            .cfi_adjust_cfa_offset 8",
            "pop rdi
            .cfi_adjust_cfa_offset -8"
        }
    };
    ($name:ident(size, alignment): $make:ident, $find:ident) => {
        throwing! {
            $name(size, alignment): $make, $find;
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
    ($name:ident($($argument:ident),*): $make:ident, $find:ident; $keep:literal, $bring_back:literal) => {
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
                $keep,
                "call {make}",
                $bring_back,
                "test rax, rax",
                "jz 2f",
                "ret",
                "2:",
                $keep,
                "call {find}",
                $bring_back,
                "jmp rax",
                ".cfi_endproc",
                make = sym $make,
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
                "bl {make}",
                "cbz x0, 2f",
                "ldp x29, x30, [sp], 32",
                ".cfi_remember_state",
                ".cfi_adjust_cfa_offset -32",
                ".cfi_restore x30",
                "ret",
                "2:",
                ".cfi_restore_state",
                "bl {find}",
                "mov x16, x0",
                "ldp x0, x1, [sp, 16]",
                "ldp x29, x30, [sp], 32",
                ".cfi_adjust_cfa_offset -32",
                ".cfi_restore x30",
                "br x16",
                ".cfi_endproc",
                make = sym $make,
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
            let block = $make($($argument),*);
            if !block.is_null() {
                return block;
            }
            throwing! { @type $($argument)* }
            // SAFETY: the C++ library's function of a name takes what this one's takes; the caller expects that it throws.
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

throwing! { _Znwm(size): make, find }
throwing! { _Znam(size): make_array, find_array }
throwing! { _ZnwmSt11align_val_t(size, alignment): make_aligned, find_aligned }
throwing! { _ZnamSt11align_val_t(size, alignment): make_aligned_array, find_aligned_array }

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

/// The C++ library's `new`, which asks the program's handler for memory and throws. A program that calls one has that library.
extern "C" fn find() -> *mut c_void {
    next(c"_Znwm").unwrap_or_else(|| std::process::abort())
}

extern "C" fn find_array() -> *mut c_void {
    ARRAY.wanted().unwrap_or_else(|| find())
}

/// [`find`], for more than the usual alignment.
extern "C" fn find_aligned() -> *mut c_void {
    next(c"_ZnwmSt11align_val_t").unwrap_or_else(|| std::process::abort())
}

extern "C" fn find_aligned_array() -> *mut c_void {
    ALIGNED_ARRAY.wanted().unwrap_or_else(|| find_aligned())
}
