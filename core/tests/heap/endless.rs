//! A source that always has more.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

use memalloc_core::PageSource;

/// As many blocks of `BLOCK` bytes, a power of two, as are asked for.
pub struct Endless<const BLOCK: usize> {
    pub lent: usize,
}

impl<const BLOCK: usize> Endless<BLOCK> {
    const LAYOUT: Layout = match Layout::from_size_align(BLOCK, BLOCK) {
        Ok(layout) => layout,
        Err(_) => panic!("a power of two"),
    };
}

// SAFETY: the blocks are the system allocator's, each lent until it is released.
unsafe impl<const BLOCK: usize> PageSource for Endless<BLOCK> {
    const ALIGN: usize = BLOCK;

    fn largest(&self) -> usize {
        BLOCK
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        if min > BLOCK {
            return None;
        }
        // SAFETY: the layout has a size.
        let block = NonNull::new(unsafe { alloc(Self::LAYOUT) })?;
        self.lent += 1;
        Some(NonNull::slice_from_raw_parts(block, BLOCK))
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        self.lent -= 1;
        // SAFETY: the block was lent.
        unsafe { dealloc(block.as_ptr().cast(), Self::LAYOUT) };
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        NonNull::new(std::ptr::with_exposed_provenance_mut(address & !(BLOCK - 1)))
    }
}
