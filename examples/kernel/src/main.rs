//! A kernel that boots by PVH in QEMU and uses the core as its global allocator, over the memory that the machine's memory
//! map says is usable: collections, exhaustion and recovery, bad frees, blocks that an interrupt handler frees, a walk of
//! the heap, and the full check.
//!
//! With `corrupt` on its command line it flips a bit of the map before the check, which is to fail.
#![no_std]
#![no_main]

extern crate alloc;

mod boot;
mod demo;
mod descriptors;
mod exit;
mod heap;
mod interrupts;
#[path = "../../shared/lock.rs"]
mod lock;
#[path = "../../shared/mailbox.rs"]
mod mailbox;
mod memory;
mod port;
mod serial;
mod source;
#[path = "../../shared/spoil.rs"]
mod spoil;
mod start_info;
mod timer;

use core::panic::PanicInfo;

use serial::println;
use start_info::StartInfo;

#[unsafe(no_mangle)]
extern "C" fn kernel_main(start_info: *const StartInfo) -> ! {
    serial::initialize();
    println!();
    // SAFETY: the boot loader gives it, and it lies below what is handed out.
    let start_info = unsafe { &*start_info };
    let usable = heap::initialize(start_info);
    println!("memalloc-core in a kernel, {} MiB of usable memory", usable >> 20);
    interrupts::initialize();
    demo::collections();
    demo::exhaustion();
    demo::bad_frees();
    demo::frees_by_interrupt();
    demo::walk();
    if start_info.command_line_has("corrupt") {
        spoil::flip_a_map_bit(&heap::HEAP.lock());
    }
    demo::check()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("{info}");
    exit::fail()
}

/// The library `core` was built to unwind, and names it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
