//! The core as the allocator of a WebAssembly module, for Rust's collections in it and for the host's own blocks. Its memory
//! is what linear memory grows by.
//!
//! `run.mjs` is a host.
#![no_std]

extern crate alloc;

mod exports;
mod heap;
mod lock;
mod memory;
#[path = "../../shared/spoil.rs"]
mod spoil;

use core::arch::wasm32::unreachable;
use core::panic::PanicInfo;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unreachable()
}
