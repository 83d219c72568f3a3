//! The core as the global allocator of a microcontroller with 64 KiB of RAM, on QEMU: collections, exhaustion and
//! recovery, bad frees, blocks that an interrupt handler frees, statistics, and the full check.
//!
//! With the argument `corrupt` it flips a bit of the map before the check, which is to fail.
#![no_std]
#![no_main]

extern crate alloc;

mod board;
mod demo;
mod heap;
mod lock;
mod mailbox;
mod semihosting;

use core::panic::PanicInfo;

use semihosting::{exit, println};

/// Where the board starts, once memory is as the language wants it.
fn run() -> ! {
    println!("memalloc-core on {}, {} bytes of heap", board::NAME, heap::SIZE);
    demo::collections();
    demo::exhaustion();
    demo::bad_frees();
    demo::frees_by_interrupt();
    demo::statistics();
    if semihosting::argument_is("corrupt") {
        heap::flip_a_map_bit();
    }
    exit(demo::check())
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("{info}");
    exit(101)
}
