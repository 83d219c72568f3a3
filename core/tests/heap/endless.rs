//! A source that has more than any test asks for.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

use memalloc_core::PageSource;

/// So many bytes are more than enough.
const BYTES: usize = 256 << 20;

/// Blocks of `BLOCK` bytes, a power of two, side by side. The lowest is lent first, so that a heap does the same in each run,
/// whatever other tests do meanwhile.
pub struct Endless<const BLOCK: usize> {
    pub lent: usize,
    first: NonNull<u8>,
    are_lent: Vec<bool>,
}

// SAFETY: the blocks are the source's alone.
unsafe impl<const BLOCK: usize> Send for Endless<BLOCK> {}

impl<const BLOCK: usize> Endless<BLOCK> {
    const LAYOUT: Layout = match Layout::from_size_align(BYTES, BLOCK) {
        Ok(layout) => layout,
        Err(_) => panic!("a power of two"),
    };

    pub fn new() -> Self {
        // SAFETY: the layout has a size.
        let first = NonNull::new(unsafe { alloc(Self::LAYOUT) }).expect("memory, of which a part is touched");
        Self { lent: 0, first, are_lent: vec![false; BYTES / BLOCK] }
    }
}

impl<const BLOCK: usize> Drop for Endless<BLOCK> {
    fn drop(&mut self) {
        // SAFETY: the blocks were allocated so, and nobody has one any more.
        unsafe { dealloc(self.first.as_ptr(), Self::LAYOUT) };
    }
}

// SAFETY: each block is lent until it is released, and then to nobody else.
unsafe impl<const BLOCK: usize> PageSource for Endless<BLOCK> {
    const ALIGN: usize = BLOCK;

    fn largest(&self) -> usize {
        BLOCK
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        if min > BLOCK {
            return None;
        }
        let index = self.are_lent.iter().position(|is_lent| !is_lent).expect("more than enough blocks");
        self.are_lent[index] = true;
        self.lent += 1;
        // SAFETY: there are so many blocks.
        Some(NonNull::slice_from_raw_parts(unsafe { self.first.add(index * BLOCK) }, BLOCK))
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        self.are_lent[(block.addr().get() - self.first.addr().get()) / BLOCK] = false;
        self.lent -= 1;
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        let index = address.checked_sub(self.first.addr().get())? / BLOCK;
        // SAFETY: there is such a block.
        (*self.are_lent.get(index)?).then(|| unsafe { self.first.add(index * BLOCK) })
    }
}
