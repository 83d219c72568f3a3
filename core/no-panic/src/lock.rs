//! A heap behind a lock, as a global allocator uses it.

use core::alloc::{GlobalAlloc, Layout};
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};

use lock_api::{GuardSend, RawMutex};
use memalloc_core::{ArenaSource, Heap, LockedHeap};

struct Spin(AtomicBool);

// SAFETY: whoever turns the flag on has the lock until it is off again.
unsafe impl RawMutex for Spin {
    #[allow(clippy::declare_interior_mutable_const)]
    const INIT: Self = Self(AtomicBool::new(false));
    type GuardMarker = GuardSend;

    fn lock(&self) {
        while !self.try_lock() {}
    }

    fn try_lock(&self) -> bool {
        !self.0.swap(true, Ordering::Acquire)
    }

    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

pub fn use_all() {
    let heap: LockedHeap<Spin, ArenaSource> = LockedHeap::new(Heap::new(super::heaps::arena()));
    let layout = black_box(Layout::new::<[u8; 100]>());
    // SAFETY: the size is not 0, and nobody uses the block.
    unsafe {
        let block = black_box(heap.alloc_zeroed(layout));
        let block = black_box(heap.realloc(block, layout, black_box(100)));
        heap.dealloc(block, layout);
        heap.dealloc(block, layout);
    }
    black_box(heap.bad_frees());
}
