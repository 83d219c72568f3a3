//! The heap: over linear memory, for one thread.

use memalloc_core::{Heap, LockedHeap};

use crate::lock::OneThread;
use crate::memory::LinearMemory;

#[global_allocator]
pub static HEAP: LockedHeap<OneThread, LinearMemory> = LockedHeap::new(Heap::new(LinearMemory::new()));
