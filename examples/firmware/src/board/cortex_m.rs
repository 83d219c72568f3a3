//! A Cortex-M: vectors, reset, SysTick.

use core::arch::{asm, global_asm};

/// The board's name.
pub const NAME: &str = "a Cortex-M";

const SYSTICK_CONTROL: *mut u32 = 0xe000_e010 as *mut u32;
const SYSTICK_RELOAD: *mut u32 = 0xe000_e014 as *mut u32;
const SYSTICK_NOW: *mut u32 = 0xe000_e018 as *mut u32;
/// Enabled, by the processor's clock, with an interrupt.
const RUNS: u32 = 0b111;
/// Clock cycles between interrupts.
const PERIOD: u32 = 5000;

// The vector table: the stack, then reset, 13 exceptions, SysTick. Reset copies and clears memory.
global_asm!(
    ".section .vectors, \"a\"",
    ".word stack_top",
    ".word reset",
    ".rept 13",
    ".word fault",
    ".endr",
    ".word systick",
    ".text",
    ".thumb_func",
    ".global reset",
    "reset:",
    "ldr r0, =data_start",
    "ldr r1, =data_end",
    "ldr r2, =data_load",
    "1: cmp r0, r1",
    "itt lo",
    "ldrlo r3, [r2], #4",
    "strlo r3, [r0], #4",
    "blo 1b",
    "ldr r0, =bss_start",
    "ldr r1, =bss_end",
    "movs r2, #0",
    "2: cmp r0, r1",
    "it lo",
    "strlo r2, [r0], #4",
    "blo 2b",
    // The floating-point unit, which code for this target uses.
    "ldr r0, =0xe000ed88",
    "ldr r1, [r0]",
    "orr r1, r1, #0xf00000",
    "str r1, [r0]",
    "dsb",
    "isb",
    "bl start",
);

#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    crate::run()
}

#[unsafe(no_mangle)]
extern "C" fn fault() -> ! {
    panic!("an exception")
}

#[unsafe(no_mangle)]
extern "C" fn systick() {
    crate::mailbox::take_and_free();
}

/// Lets the timer interrupt.
pub fn start_timer() {
    // SAFETY: these are the timer's registers, which nobody else uses.
    unsafe {
        SYSTICK_RELOAD.write_volatile(PERIOD);
        SYSTICK_NOW.write_volatile(0);
        SYSTICK_CONTROL.write_volatile(RUNS);
    }
}

/// Lets it interrupt no more.
pub fn stop_timer() {
    // SAFETY: as above.
    unsafe { SYSTICK_CONTROL.write_volatile(0) };
}

/// Asks the host.
///
/// # Safety
/// The parameter is what the operation asks for.
pub unsafe fn semihosting_call(operation: usize, parameter: usize) -> usize {
    let answer;
    // SAFETY: as the caller says.
    unsafe { asm!("bkpt 0xab", inlateout("r0") operation => answer, in("r1") parameter) };
    answer
}

/// Interrupts of the processor.
pub mod interrupts {
    use core::arch::asm;

    /// Disables them. Whether they were enabled.
    pub fn disable() -> bool {
        let masked: u32;
        // SAFETY: memory accesses stay behind it.
        unsafe { asm!("mrs {}, primask", "cpsid i", out(reg) masked) };
        masked & 1 == 0
    }

    /// Enables them, if they were.
    pub fn restore(were_enabled: bool) {
        if were_enabled {
            // SAFETY: memory accesses stay before it.
            unsafe { asm!("cpsie i") };
        }
    }
}
