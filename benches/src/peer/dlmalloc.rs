//! `dlmalloc`, over a system that has one block.

use std::alloc::Layout;
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::Peer;

/// Its allocator.
pub struct Dlmalloc(dlmalloc::Dlmalloc<OneBlock>);

/// Lends one block, once, and takes nothing back.
struct OneBlock(Cell<(*mut u8, usize)>);

// SAFETY: the block is this system's alone, whichever thread holds it.
unsafe impl Send for OneBlock {}

// SAFETY: the block is lent once, whole.
unsafe impl dlmalloc::Allocator for OneBlock {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let (block, length) = self.0.get();
        if size > length {
            return (std::ptr::null_mut(), 0, 0);
        }
        self.0.set((std::ptr::null_mut(), 0));
        (block, length, 0)
    }
    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        std::ptr::null_mut()
    }
    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }
    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }
    fn can_release_part(&self, _: u32) -> bool {
        false
    }
    fn allocates_zeros(&self) -> bool {
        false
    }
    fn page_size(&self) -> usize {
        4096
    }
}

impl Peer for Dlmalloc {
    const NAME: &'static str = "dlmalloc";

    type Freed = ();

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        let block = OneBlock(Cell::new((arena.as_mut_ptr().cast(), arena.len())));
        let mut dlmalloc = dlmalloc::Dlmalloc::new_with_allocator(block);
        let _ = dlmalloc.set_granularity(4096);
        Self(dlmalloc)
    }

    #[inline(always)]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the layout is valid.
        NonNull::new(unsafe { self.0.malloc(layout.size(), layout.align()) })
    }

    #[inline(always)]
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller gives the block up.
        unsafe { self.0.free(block.as_ptr(), layout.size(), layout.align()) };
    }

    #[inline(always)]
    unsafe fn reallocate(
        &mut self,
        block: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the caller promises what is asked for here.
        NonNull::new(unsafe { self.0.realloc(block.as_ptr(), layout.size(), layout.align(), new_size) })
    }
}
