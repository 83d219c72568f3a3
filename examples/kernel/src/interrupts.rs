//! Interrupts: the timer's, and exceptions, which end the kernel.

use core::arch::{asm, global_asm};

use crate::{descriptors, mailbox, timer};

/// `IF` of the flags.
const ENABLED: usize = 1 << 9;

// The entry of the timer's interrupt saves what a function may change. The stack is its own, from a multiple of 16 on, of
// which the processor has used 40 bytes.
global_asm!(
    "timer_entry:",
    "push rax",
    "push rcx",
    "push rdx",
    "push rsi",
    "push rdi",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "sub rsp, 512",
    "fxsave [rsp]",
    "cld",
    "call on_timer",
    "fxrstor [rsp]",
    "add rsp, 512",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rdi",
    "pop rsi",
    "pop rdx",
    "pop rcx",
    "pop rax",
    "iretq",
    "exception_entry:",
    "and rsp, -16",
    "call on_exception",
);

unsafe extern "C" {
    fn timer_entry();
    fn exception_entry();
}

#[unsafe(no_mangle)]
extern "C" fn on_timer() {
    mailbox::take_and_free();
    timer::acknowledge();
}

#[unsafe(no_mangle)]
extern "C" fn on_exception() -> ! {
    panic!("an exception")
}

/// Lets interrupts come; none does before one is asked for.
pub fn initialize() {
    timer::stop();
    // SAFETY: interrupts are disabled since the start; the entries save what they change, or do not return.
    unsafe {
        descriptors::load(|vector| if vector == timer::VECTOR { timer_entry } else { exception_entry });
    }
    restore(true);
}

/// Disables them. Whether they were enabled.
pub fn disable() -> bool {
    let flags: usize;
    // SAFETY: memory accesses stay behind it.
    unsafe { asm!("pushfq", "pop {}", "cli", out(reg) flags) };
    flags & ENABLED != 0
}

/// Enables them, if they were.
pub fn restore(were_enabled: bool) {
    if were_enabled {
        // SAFETY: memory accesses stay before it.
        unsafe { asm!("sti") };
    }
}
