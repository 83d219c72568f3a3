//! Ours, in each mode.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use memalloc_core::{ArenaSource, FreeError, GRANULE, Granule, Heap, Mode};

use super::Peer;

/// In general mode, a heap for programs.
pub type General = Ours<memalloc_core::General>;
/// In real-time mode, a heap whose every call is O(1) in the worst case.
pub type RealTime = Ours<memalloc_core::RealTime>;

/// In compact mode, as real-time with granules of one word.
pub type Compact = Ours<memalloc_core::Compact>;

/// A heap of ours.
pub struct Ours<M: Mode>(Heap<ArenaSource, M>);

impl<M: Mode> Peer for Ours<M> {
    const NAME: &'static str = if M::WAITS {
        "general"
    } else if M::Granule::BYTES < GRANULE {
        "compact"
    } else {
        "real-time"
    };

    type Freed = Result<(), FreeError>;

    fn is_good(freed: Self::Freed) -> bool {
        freed.is_ok()
    }

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        Self(Heap::with_mode(ArenaSource::new(arena)))
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
