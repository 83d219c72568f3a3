//! Blocks of the process's heap that go from thread to thread.

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_core::FreeError;
use memalloc_os::process;

/// A block that goes from thread to thread.
#[derive(Clone, Copy)]
pub struct Block(pub NonNull<u8>);

// SAFETY: the tests see to who uses it.
unsafe impl Send for Block {}

pub fn allocate(layout: Layout) -> Block {
    Block(process::allocate(layout).expect("there is memory"))
}

pub fn free(Block(block): Block) -> Result<(), FreeError> {
    // SAFETY: the tests use no block that they have freed; what is no block is to be refused.
    unsafe { process::deallocate(block) }
}
