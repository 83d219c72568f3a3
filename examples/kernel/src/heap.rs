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
        // SAFETY: it is RAM above the kernel. What the boot loader tells lies below the first two pages. The source is not
        // replaced.
        pages += unsafe { HEAP.lock().source_mut().add(start.max(above), end) };
    }
    pages * PAGE
}

/// Spoils the map: the block in use at the lowest address is none any more.
pub fn flip_a_map_bit() {
    /// Words of a span before its map.
    const HEADER: usize = 6;
    let heap = HEAP.lock();
    let span = heap.spans().next().expect("the heap has a span");
    let chunk = heap.chunks().find(|chunk| chunk.is_in_use()).expect("a block is in use");
    let entry = HEADER + chunk.granule / usize::BITS as usize * 2;
    // SAFETY: the word is one of the map's. The heap is checked, and not used, from here on.
    unsafe {
        let word = span.block.cast::<usize>().add(entry);
        word.write(word.read() ^ 1 << (chunk.granule % usize::BITS as usize));
    }
}
