//! A source that has more than is asked for.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

use memalloc_core::PageSource;

/// Blocks of `BLOCK` bytes, a power of two, side by side. The lowest is lent first, so that a heap does the same in each run,
/// whatever other tests do meanwhile.
pub struct Endless<const BLOCK: usize> {
    pub lent: usize,
    layout: Layout,
    first: NonNull<u8>,
    are_lent: Vec<bool>,
}

impl<const BLOCK: usize> Endless<BLOCK> {
    /// Of `bytes` bytes: more than is going to be asked for.
    pub fn of(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes, BLOCK).expect("a power of two");
        // SAFETY: the layout has a size.
        let first = NonNull::new(unsafe { alloc(layout) }).expect("memory, of which a part is touched");
        Self { lent: 0, layout, first, are_lent: vec![false; bytes / BLOCK] }
    }
}

impl<const BLOCK: usize> Drop for Endless<BLOCK> {
    fn drop(&mut self) {
        // SAFETY: the blocks were allocated so, and nobody has one any more.
        unsafe { dealloc(self.first.as_ptr(), self.layout) };
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
