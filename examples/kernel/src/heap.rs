//! The kernel's heap: over all usable memory above the kernel, behind a lock that saves interrupts.

use memalloc_core::{Heap, LockedHeap};

use crate::lock::InterruptLock;
use crate::source::{MapSource, PAGE};
use crate::start_info::StartInfo;

#[global_allocator]
pub static HEAP: LockedHeap<InterruptLock, MapSource> = LockedHeap::new(Heap::new(MapSource::new()));

unsafe extern "C" {
    /// Behind the kernel, by the linker script.
    static kernel_end: u8;
}

/// Gives the heap's source what the memory map says is usable. The bytes of it.
pub fn initialize(start_info: &StartInfo) -> usize {
    let above = (&raw const kernel_end).addr();
    let mut pages = 0;
    for range in start_info.map().iter().filter(|range| range.is_usable()) {
        let (start, end) = (range.start as usize, (range.start + range.size) as usize);
        // SAFETY: it is RAM above the kernel. What the boot loader tells lies below the first two pages. Neither the
        // heap nor the source is replaced.
        pages += unsafe { HEAP.lock().heap_mut().source_mut().add(start.max(above), end) };
    }
    pages * PAGE
}
