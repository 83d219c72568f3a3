//! Where huge blocks have their places: what is idle first, where it lies side by side; or a new mapping.

use crate::heaps::{self, mine};
use crate::idle::{self, Taken};

/// `size` bytes, whole units, aligned to `align`, a unit at least. `None` when memory cannot be had.
pub(super) fn take(size: usize, align: usize) -> Option<Taken> {
    let idle = idle::take(size, align).or_else(|| {
        make_way(size);
        heaps::reclaim();
        idle::take(size, align)
    });
    match idle {
        Some(taken) => idle::filled(taken, 0),
        None => idle::map_and_take(size, align),
    }
}

/// Has what is free make way for `bytes` bytes more of huge blocks.
pub(super) fn make_way(bytes: usize) {
    if let Some(heap) = mine() {
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
        unsafe { heap.make_way(bytes) };
    }
}
