//! `talc`, with one heap claimed by hand.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use talc::DefaultBinning;
use talc::base::Talc as Inner;
use talc::source::Manual;

use super::Peer;

/// Its allocator, without a lock.
pub struct Talc(Inner<Manual, DefaultBinning>);

impl Peer for Talc {
    const NAME: &'static str = "talc";

    type Freed = ();

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        let mut talc = Inner::new(Manual);
        // SAFETY: the arena is the allocator's alone.
        unsafe { talc.claim(arena.as_mut_ptr().cast(), arena.len()) }.expect("the arena is large enough");
        Self(talc)
    }

    #[inline(always)]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the benchmarks ask for no size of 0.
        unsafe { self.0.allocate(layout) }
    }

    #[inline(always)]
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller gives the block up.
        unsafe { self.0.deallocate(block.as_ptr(), layout) };
    }

    #[inline(always)]
    unsafe fn reallocate(
        &mut self,
        block: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the caller promises what is asked for here. Moving is what its own `GlobalAlloc` does.
        unsafe {
            if self.0.try_realloc_in_place(block.as_ptr(), layout, new_size) {
                return Some(block);
            }
            let new = self.0.allocate(Layout::from_size_align(new_size, layout.align()).ok()?)?;
            new.copy_from_nonoverlapping(block, layout.size());
            self.0.deallocate(block.as_ptr(), layout);
            Some(new)
        }
    }
}
