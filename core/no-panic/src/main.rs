//! A program that calls all of the core, and does not link if any of it can panic: its panic handler calls a function that
//! there is none of, and is left out of the program only where nothing calls it.
#![no_std]
#![no_main]

mod heaps;
mod lock;
mod remote;

use core::hint::black_box;
use core::panic::PanicInfo;

// For `memcpy` and what starts a program.
#[link(name = "c")]
unsafe extern "C" {}

unsafe extern "C" {
    /// Defined nowhere.
    safe fn memalloc_core_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    memalloc_core_can_panic()
}

/// The library `core` was built to unwind, and names it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    heaps::use_all();
    remote::use_all();
    lock::use_all();
    if cfg!(feature = "planted") {
        let numbers = black_box([1, 2, 3]);
        black_box(numbers[black_box(7)]);
    }
    0
}
