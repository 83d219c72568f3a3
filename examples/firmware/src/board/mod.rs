//! The boards: how they start, interrupt, and call the host.

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "riscv32")]
mod riscv;

#[cfg(target_arch = "arm")]
pub use cortex_m::{NAME, interrupts, semihosting_call, start_timer, stop_timer};
#[cfg(target_arch = "riscv32")]
pub use riscv::{NAME, interrupts, semihosting_call, start_timer, stop_timer};
