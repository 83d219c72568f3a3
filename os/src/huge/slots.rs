//! Memory for huge blocks: what is idle first, from wherever it lies, as pages move for much less than they are had anew.
//!
//! ```text
//!   │ idle │ … │ idle │ … │ idle │
//!      ╰──────╮   ╰──╮       │
//!             ▼      ▼       ▼
//!          │ idle │ idle │ idle │ zeros │   a new mapping
//! ```

use core::ptr::NonNull;

use super::header::{JOINED, ONE};
use crate::heaps::{self, mine};
use crate::idle;
use crate::mapping::{SLOT, unmap};
use crate::moving::move_slots;
use crate::region::{map_beside_idle, map_slots};

/// Whole slots, mapped, in no table.
pub(super) struct Slots {
    pub(super) start: NonNull<u8>,
    /// Bytes from the start on that were idle, and may hold what they held: those beyond are zeros.
    pub(super) used: usize,
    /// Whether it is one mapping to the kernel: [`ONE`] or [`JOINED`].
    pub(super) pieces: usize,
}

impl Slots {
    /// `size` bytes. `None` when memory cannot be had.
    pub(super) fn of(size: usize) -> Option<Self> {
        Self::of_idle(size).or_else(|| {
            make_way(size);
            heaps::reclaim();
            Self::of_idle(size).or_else(|| Self::of_pieces(size)).or_else(|| Self::of_new(size))
        })
    }

    /// `size` bytes that lie idle side by side.
    fn of_idle(size: usize) -> Option<Self> {
        let (start, used) = idle::take(size)?;
        Some(Self { start, used, pieces: if size == SLOT { ONE } else { JOINED } })
    }

    /// `size` bytes, of which as many are idle as there are.
    fn of_pieces(size: usize) -> Option<Self> {
        if idle::bytes() == 0 {
            return None;
        }
        let start = map_beside_idle(size)?;
        // SAFETY: the mapping is new, and unused.
        let used = unsafe { fill(start, 0, size)? };
        Some(Self { start, used, pieces: JOINED })
    }

    /// `size` bytes of zeros, once all that is idle has made way.
    fn of_new(size: usize) -> Option<Self> {
        Some(Self { start: map_slots(size)?, used: 0, pieces: ONE })
    }
}

/// Has a mapping of `size` bytes at `start` hold what is idle from `from` bytes on, as far as that goes. Where it ends. `None` if the
/// kernel does not move it: the mapping is given back to the system.
///
/// # Safety
/// They are whole slots, from [`map_beside_idle`], and unused.
pub(super) unsafe fn fill(start: NonNull<u8>, from: usize, size: usize) -> Option<usize> {
    let mut filled = from;
    while filled < size
        && let Some((idle, _)) = idle::take(SLOT)
    {
        let beyond = filled + SLOT;
        // SAFETY: as the caller says. A slot by itself is one mapping, and what was idle is nobody's.
        unsafe {
            if !move_slots(idle, SLOT, start.add(filled), SLOT) {
                unmap(idle, SLOT);
                unmap(start, filled);
                unmap(start.add(beyond), size - beyond);
                return None;
            }
        }
        filled = beyond;
    }
    idle::note_mapped(size - filled);
    Some(filled)
}

/// Has what is free make way for `bytes` bytes more of huge blocks.
pub(super) fn make_way(bytes: usize) {
    if let Some(heap) = mine() {
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
        unsafe { heap.make_way(bytes) };
    }
}
