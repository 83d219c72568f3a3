//! A RISC-V machine: reset, traps, the machine timer.

use core::arch::{asm, global_asm};

/// The board's name.
pub const NAME: &str = "RISC-V";

const TIMER_COMPARE: *mut u32 = 0x0200_4000 as *mut u32;
const TIMER_NOW: *const u32 = 0x0200_bff8 as *const u32;
/// Ticks of the timer between interrupts.
const PERIOD: u32 = 1000;
/// The machine timer's bit in `mie`, and its cause.
const TIMER: usize = 7;

// Reset copies and clears memory. A trap saves what a function may change.
global_asm!(
    ".section .reset, \"ax\"",
    ".global reset",
    "reset:",
    "la sp, stack_top",
    "la t0, data_start",
    "la t1, data_end",
    "la t2, data_load",
    "1: bgeu t0, t1, 2f",
    "lw t3, 0(t2)",
    "sw t3, 0(t0)",
    "addi t0, t0, 4",
    "addi t2, t2, 4",
    "j 1b",
    "2: la t0, bss_start",
    "la t1, bss_end",
    "3: bgeu t0, t1, 4f",
    "sw zero, 0(t0)",
    "addi t0, t0, 4",
    "j 3b",
    "4: la t0, trap",
    "csrw mtvec, t0",
    "csrsi mstatus, 8",
    "call start",
    ".text",
    ".balign 4",
    "trap:",
    "addi sp, sp, -64",
    "sw ra, 0(sp)",
    "sw t0, 4(sp)",
    "sw t1, 8(sp)",
    "sw t2, 12(sp)",
    "sw a0, 16(sp)",
    "sw a1, 20(sp)",
    "sw a2, 24(sp)",
    "sw a3, 28(sp)",
    "sw a4, 32(sp)",
    "sw a5, 36(sp)",
    "sw a6, 40(sp)",
    "sw a7, 44(sp)",
    "sw t3, 48(sp)",
    "sw t4, 52(sp)",
    "sw t5, 56(sp)",
    "sw t6, 60(sp)",
    "csrr a0, mcause",
    "call on_trap",
    "lw ra, 0(sp)",
    "lw t0, 4(sp)",
    "lw t1, 8(sp)",
    "lw t2, 12(sp)",
    "lw a0, 16(sp)",
    "lw a1, 20(sp)",
    "lw a2, 24(sp)",
    "lw a3, 28(sp)",
    "lw a4, 32(sp)",
    "lw a5, 36(sp)",
    "lw a6, 40(sp)",
    "lw a7, 44(sp)",
    "lw t3, 48(sp)",
    "lw t4, 52(sp)",
    "lw t5, 56(sp)",
    "lw t6, 60(sp)",
    "addi sp, sp, 64",
    "mret",
);

#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    crate::run()
}

#[unsafe(no_mangle)]
extern "C" fn on_trap(cause: usize) {
    assert_eq!(cause, 1 << 31 | TIMER, "an exception");
    set_timer();
    crate::mailbox::take_and_free();
}

/// Sets the timer a period from now.
fn set_timer() {
    // SAFETY: these are the timer's registers, which nobody else uses. It runs since the machine has started, so that the
    // upper half of the time is 0.
    unsafe {
        TIMER_COMPARE.add(1).write_volatile(0);
        TIMER_COMPARE.write_volatile(TIMER_NOW.read_volatile() + PERIOD);
    }
}

/// Lets the timer interrupt.
pub fn start_timer() {
    set_timer();
    // SAFETY: traps are handled.
    unsafe { asm!("csrs mie, {}", in(reg) 1 << TIMER) };
}

/// Lets it interrupt no more.
pub fn stop_timer() {
    // SAFETY: nothing waits for it.
    unsafe { asm!("csrc mie, {}", in(reg) 1 << TIMER) };
}

/// Asks the host.
///
/// # Safety
/// The parameter is what the operation asks for.
pub unsafe fn semihosting_call(operation: usize, parameter: usize) -> usize {
    let answer;
    // SAFETY: as the caller says. The three instructions have to be uncompressed, and in one page.
    unsafe {
        asm!(
            ".balign 16",
            ".option push",
            ".option norvc",
            "slli zero, zero, 0x1f",
            "ebreak",
            "srai zero, zero, 7",
            ".option pop",
            inlateout("a0") operation => answer,
            in("a1") parameter
        );
    }
    answer
}

/// Interrupts of the processor.
pub mod interrupts {
    use core::arch::asm;

    /// `MIE` of `mstatus`.
    const ENABLED: usize = 1 << 3;

    /// Disables them. Whether they were enabled.
    pub fn disable() -> bool {
        let status: usize;
        // SAFETY: memory accesses stay behind it.
        unsafe { asm!("csrrci {}, mstatus, 8", out(reg) status) };
        status & ENABLED != 0
    }

    /// Enables them, if they were.
    pub fn restore(were_enabled: bool) {
        if were_enabled {
            // SAFETY: memory accesses stay before it.
            unsafe { asm!("csrsi mstatus, 8") };
        }
    }
}
