//! `rlsf`, two-level segregated fit.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::Peer;

/// 16 doublings of 8 lists: up to 2 MiB in one pool.
pub struct Rlsf(rlsf::Tlsf<'static, u32, u8, 20, 8>);

impl Peer for Rlsf {
    const NAME: &'static str = "rlsf";

    type Freed = ();

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        let mut tlsf = rlsf::Tlsf::new();
        let _ = tlsf.insert_free_block(arena);
        Self(tlsf)
    }

    #[inline(always)]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.allocate(layout)
    }

    #[inline(always)]
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller gives the block up.
        unsafe { self.0.deallocate(block, layout.align()) };
    }

    #[inline(always)]
    unsafe fn reallocate(
        &mut self,
        block: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        let layout = Layout::from_size_align(new_size, layout.align()).ok()?;
        // SAFETY: the caller promises what is asked for here.
        unsafe { self.0.reallocate(block, layout) }
    }
}
