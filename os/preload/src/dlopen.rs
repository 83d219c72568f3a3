//! `dlopen` without `RTLD_DEEPBIND`: a library that is opened with it would take its malloc and free from the C library,
//! not from here, and each would meet blocks of the other. PHP opens its extensions so.

use core::arch::naked_asm;
use core::ffi::{c_char, c_int, c_void};
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering::Relaxed;

use crate::next::next;

/// All flags but `RTLD_DEEPBIND`.
const BUT_DEEP_BIND: c_int = !8;

/// The C library's `dlopen`, once it was asked for.
static REAL: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

/// The C library's `dlopen`, or null where there is none.
extern "C" fn find_real() -> *mut c_void {
    let real = next(c"dlopen").unwrap_or(core::ptr::null_mut());
    REAL.store(real, Relaxed);
    real
}

/// Opens a shared library: the C library's `dlopen`, but that `RTLD_DEEPBIND` is not among the flags. It is jumped to, not
/// called, as it looks for libraries where its caller says.
///
/// # Safety
/// As for the C library's.
#[cfg(target_arch = "x86_64")]
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void {
    naked_asm!(
        "mov rax, [rip + {real}]",
        "test rax, rax",
        "jnz 2f",
        "push rdi",
        "push rsi",
        "sub rsp, 8",
        "call {find}",
        "add rsp, 8",
        "pop rsi",
        "pop rdi",
        "test rax, rax",
        "jnz 2f",
        "ret",
        "2:",
        "and esi, {kept}",
        "jmp rax",
        kept = const BUT_DEEP_BIND,
        real = sym REAL,
        find = sym find_real,
    )
}

/// Opens a shared library: the C library's `dlopen`, but that `RTLD_DEEPBIND` is not among the flags. It is jumped to, not
/// called, as it looks for libraries where its caller says.
///
/// # Safety
/// As for the C library's.
#[cfg(target_arch = "aarch64")]
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void {
    naked_asm!(
        "adrp x16, {real}",
        "ldr x16, [x16, :lo12:{real}]",
        "cbnz x16, 2f",
        "stp x29, x30, [sp, -32]!",
        "stp x0, x1, [sp, 16]",
        "bl {find}",
        "mov x16, x0",
        "ldp x0, x1, [sp, 16]",
        "ldp x29, x30, [sp], 32",
        "cbnz x16, 2f",
        "mov x0, xzr",
        "ret",
        "2:",
        "and w1, w1, {kept}",
        "br x16",
        kept = const BUT_DEEP_BIND,
        real = sym REAL,
        find = sym find_real,
    )
}
