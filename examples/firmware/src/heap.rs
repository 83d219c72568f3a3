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
