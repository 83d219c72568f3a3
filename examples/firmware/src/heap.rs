//! The heap: an arena in RAM, behind a lock that saves interrupts.

use core::mem::MaybeUninit;

use memalloc_core::{ArenaSource, Compact, Heap, LockedHeap};

use crate::lock::InterruptLock;

/// Bytes of RAM for the heap.
pub const SIZE: usize = 48 << 10;

static mut ARENA: [MaybeUninit<u8>; SIZE] = [MaybeUninit::uninit(); SIZE];

/// Granules of one word: blocks of 4 bytes cost 4.
#[global_allocator]
pub static HEAP: LockedHeap<InterruptLock, ArenaSource, Compact> =
    // SAFETY: nothing else uses the arena.
    LockedHeap::new(Heap::compact(ArenaSource::new(unsafe { &mut *&raw mut ARENA })));
