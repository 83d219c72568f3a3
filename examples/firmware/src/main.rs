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
#[path = "../../shared/lock.rs"]
mod lock;
#[path = "../../shared/mailbox.rs"]
mod mailbox;
mod semihosting;
#[path = "../../shared/spoil.rs"]
mod spoil;

use core::panic::PanicInfo;

use board::interrupts;
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
        spoil::flip_a_map_bit(&heap::HEAP.lock());
    }
    exit(demo::check())
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("{info}");
    exit(101)
}
