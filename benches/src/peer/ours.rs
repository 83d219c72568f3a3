//! Ours, in both modes.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use memalloc_core::{ArenaSource, FreeError, Heap};

use super::Peer;

/// A heap for programs.
pub struct General(Heap<ArenaSource>);

/// A heap whose every call is O(1) in the worst case.
pub struct RealTime(Heap<ArenaSource>);

impl Peer for General {
    const NAME: &'static str = "general";

    type Freed = Result<(), FreeError>;

    fn is_good(freed: Self::Freed) -> bool {
        freed.is_ok()
    }

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        Self(Heap::new(ArenaSource::new(arena)))
    }

    #[inline(always)]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.allocate(layout)
    }

    #[inline(always)]
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) -> Self::Freed {
        // SAFETY: the caller gives the block up.
        unsafe { self.0.deallocate_sized(block, layout) }
    }

    #[inline(always)]
    unsafe fn reallocate(
        &mut self,
        block: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the caller promises what is asked for here.
        unsafe { self.0.reallocate(block, layout, new_size) }
    }
}

impl Peer for RealTime {
    const NAME: &'static str = "real-time";

    type Freed = Result<(), FreeError>;

    fn is_good(freed: Self::Freed) -> bool {
        freed.is_ok()
    }

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        Self(Heap::real_time(ArenaSource::new(arena)))
    }

    #[inline(always)]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.allocate(layout)
    }

    #[inline(always)]
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) -> Self::Freed {
        // SAFETY: the caller gives the block up.
        unsafe { self.0.deallocate_sized(block, layout) }
    }

    #[inline(always)]
    unsafe fn reallocate(
        &mut self,
        block: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: the caller promises what is asked for here.
        unsafe { self.0.reallocate(block, layout, new_size) }
    }
}
