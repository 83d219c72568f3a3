//! The dearest request where n holes are free and nothing else.

use std::alloc::Layout;

use crate::memory::arena;
use crate::peer::Peer;
use crate::steps::steps;

const HOLE: usize = 1024;

/// The most instructions of a request, over sizes around a hole's, in an arena with `count` holes of 1 KiB.
pub fn dearest<P: Peer>(count: usize) -> usize {
    [16, 500, HOLE - 24, HOLE, HOLE + 1, HOLE + 16, HOLE + 40, HOLE + 72, HOLE + 100, HOLE + 200, 2 * HOLE]
        .map(|size| request::<P>(count, size))
        .into_iter()
        .max()
        .unwrap_or(0)
}

fn request<P: Peer>(count: usize, size: usize) -> usize {
    let layout = |size| Layout::from_size_align(size, 8).expect("a small layout");
    // As much as the blocks and a peer's state beside each take; what is left over is filled up.
    let mut peer = P::new(arena((2 * count + 32) * (HOLE + 64)));
    let mut blocks = Vec::new();
    for size in [HOLE, 256, 64, 16] {
        while let Some(block) = peer.allocate(layout(size)) {
            if size == HOLE {
                blocks.push(block);
            }
        }
    }
    for &block in blocks.iter().step_by(2).take(count) {
        // SAFETY: the block is live, and is forgotten.
        unsafe { peer.deallocate(block, layout(HOLE)) };
    }
    steps(|| peer.allocate(layout(size))).1
}
