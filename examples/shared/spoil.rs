//! What the full check has to see.

use memalloc_core::{Heap, Mode, PageSource};

/// Words of a span before its map.
const HEADER: usize = 6;

/// Spoils the map: the block in use at the lowest address is none any more. The heap is to be checked, and not used.
pub fn flip_a_map_bit<S: PageSource, M: Mode>(heap: &Heap<S, M>) {
    let span = heap.spans().next().expect("the heap has a span");
    let chunk = heap.chunks().find(|chunk| chunk.is_in_use()).expect("a block is in use");
    let entry = HEADER + chunk.granule / usize::BITS as usize * 2;
    // SAFETY: the word is one of the map's, which nobody else looks at meanwhile.
    unsafe {
        let word = span.block.cast::<usize>().add(entry);
        word.write(word.read() ^ 1 << (chunk.granule % usize::BITS as usize));
    }
}
