//! Where huge blocks have their places: what is idle first, where it lies side by side; or a new mapping, into which the pages move that
//! are idle elsewhere, as that takes much less than to have others.
//!
//! ```text
//!            │ idle │ … │ idle │
//!               ╰──────╮   ╰──╮
//!                      ▼      ▼
//!   │ zeros          │ idle │ idle │   a new mapping
//! ```

use crate::heaps::{self, mine};
use crate::idle::{self, Taken};
use crate::mapping::unmap;
use crate::moving::move_idle;

/// Where fewer bytes side by side are wanted, pages are had anew: each that moves makes more mappings, and they cost whoever moves next,
/// and other threads.
const LEAST_MOVED: usize = 1 << 20;

/// `size` bytes, whole units, aligned to `align`, a unit at least. `None` when memory cannot be had.
pub(super) fn take(size: usize, align: usize) -> Option<Taken> {
    let taken = idle::take(size, align).or_else(|| {
        make_way(size);
        heaps::reclaim();
        idle::take(size, align).or_else(|| idle::map_and_take(size, align))
    })?;
    filled(taken, 0)
}

/// [`take`], of memory that is mapped for it, with pages that are idle elsewhere.
pub(crate) fn map_and_take(size: usize, align: usize) -> Option<Taken> {
    filled(idle::map_and_take(size, align)?, 0)
}

/// A place that has pages which were idle elsewhere where it had none, behind its first `from` bytes, as far as there are, and many are
/// wanted. `None` if the kernel did not move them, and left nothing where they were to go: the place is then no more.
pub(super) fn filled(mut taken: Taken, from: usize) -> Option<Taken> {
    let (start, size) = (taken.start, taken.size);
    for piece in taken.zeros() {
        while let wanted = piece.end.saturating_sub(piece.start.max(from))
            && wanted >= LEAST_MOVED
            && let Some(idle) = idle::take_used(wanted)
        {
            let at = piece.end - idle.size;
            // SAFETY: the place is the caller's, who does not use it yet; what was idle is nobody's.
            unsafe {
                let moved = move_idle(idle.start, idle.size, start.add(at));
                idle::leave(idle.start, idle.size);
                if moved.is_none() {
                    // What lies beside that part of it is the caller's.
                    unmap(start, at);
                    unmap(start.add(piece.end), size - piece.end);
                    return None;
                }
            }
            piece.end = at;
        }
    }
    idle::note_mapped(taken.zero_bytes().saturating_sub(from));
    Some(taken)
}

/// Has what is free make way for `bytes` bytes more of huge blocks.
pub(super) fn make_way(bytes: usize) {
    if let Some(heap) = mine() {
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
        unsafe { heap.make_way(bytes) };
    }
}
