//! What firmware has of one allocator: a library of three functions and all that they call, and nothing else.
#![no_std]

// What is measured beside each other is written once, for benchmarks that have `std`.
extern crate core as std;

#[allow(dead_code, unused_imports)]
#[path = "../../src/peer/mod.rs"]
mod peer;

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use core::ptr::NonNull;

use peer::Peer;

#[cfg(feature = "compact")]
type Allocator = peer::Compact;
#[cfg(feature = "dlmalloc")]
type Allocator = peer::Dlmalloc;
#[cfg(feature = "general")]
type Allocator = peer::General;
#[cfg(feature = "linked_list_allocator")]
type Allocator = peer::LinkedList;
#[cfg(feature = "real-time")]
type Allocator = peer::RealTime;
#[cfg(feature = "rlsf")]
type Allocator = peer::Rlsf;
#[cfg(feature = "talc")]
type Allocator = peer::Talc;

/// Some of the crates want one to be there. None allocates, so that it is in no library.
struct Nothing;

// SAFETY: it hands nothing out.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static NOTHING: Nothing = Nothing;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// The library `core` was built to unwind, and names it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// A block.
///
/// # Safety
/// The alignment is a power of two, and the size such that a layout can have both.
#[unsafe(no_mangle)]
unsafe extern "C" fn allocate(from: &mut Allocator, size: usize, align: usize) -> Option<NonNull<u8>> {
    // SAFETY: as the caller says.
    from.allocate(unsafe { Layout::from_size_align_unchecked(size, align) })
}

/// Frees a block. Whether that is done.
///
/// # Safety
/// The block is live, was allocated so, and is not used any more.
#[allow(clippy::unit_arg, reason = "what a free answers is the allocator's to say")]
#[unsafe(no_mangle)]
unsafe extern "C" fn deallocate(to: &mut Allocator, block: NonNull<u8>, size: usize, align: usize) -> bool {
    // SAFETY: as the caller says.
    Allocator::is_good(unsafe { to.deallocate(block, Layout::from_size_align_unchecked(size, align)) })
}

/// Makes a block `new_size` bytes long, wherever it then is.
///
/// # Safety
/// The block is live, was allocated so, and is not used any more once another is returned.
#[unsafe(no_mangle)]
unsafe extern "C" fn reallocate(
    of: &mut Allocator,
    block: NonNull<u8>,
    size: usize,
    align: usize,
    new_size: usize,
) -> Option<NonNull<u8>> {
    // SAFETY: as the caller says.
    unsafe { of.reallocate(block, Layout::from_size_align_unchecked(size, align), new_size) }
}
