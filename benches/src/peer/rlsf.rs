//! `rlsf`, two-level segregated fit.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use rlsf::int::BinInteger;

use super::Peer;

/// So many doublings of 8 lists, from 32 bytes on; a bit of `F` for each.
pub struct Pool<F: BinInteger, const DOUBLINGS: usize>(rlsf::Tlsf<'static, F, u8, DOUBLINGS, 8>);

/// Pools of up to 32 MiB.
pub type Rlsf = Pool<u32, 20>;

/// A pool of up to 128 KiB.
pub type SmallRlsf = Pool<u16, 12>;

/// A pool of up to 32 KiB.
pub type TinyRlsf = Pool<u16, 10>;

impl<F: BinInteger, const DOUBLINGS: usize> Peer for Pool<F, DOUBLINGS> {
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
