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
use crate::region::{map_beside_idle, map_slots, move_slots};

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
        let mut slots = Self { start: map_beside_idle(size)?, used: 0, pieces: JOINED };
        while slots.used < size
            && let Some((idle, _)) = idle::take(SLOT)
        {
            // SAFETY: the mapping is new and has room for the slot, which was idle.
            unsafe { slots.take_in(idle, size)? };
        }
        Some(slots)
    }

    /// Has the mapping, of `size` bytes, a slot that was idle instead of its first unused one. `None` if the kernel does not move
    /// it: both are given back to the system.
    ///
    /// # Safety
    /// A slot of the mapping is unused, and the idle one is nobody's.
    unsafe fn take_in(&mut self, idle: NonNull<u8>, size: usize) -> Option<()> {
        let beyond = self.used + SLOT;
        // SAFETY: as the caller says. A slot by itself is one mapping.
        unsafe {
            if !move_slots(idle, SLOT, self.start.add(self.used), SLOT) {
                unmap(idle, SLOT);
                unmap(self.start, self.used);
                unmap(self.start.add(beyond), size - beyond);
                return None;
            }
        }
        self.used = beyond;
        Some(())
    }

    /// `size` bytes of zeros, once all that is idle has made way.
    fn of_new(size: usize) -> Option<Self> {
        Some(Self { start: map_slots(size)?, used: 0, pieces: ONE })
    }
}

/// Has what is free make way for `bytes` bytes more of huge blocks.
pub(super) fn make_way(bytes: usize) {
    if let Some(heap) = mine() {
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
        unsafe { heap.make_way(bytes) };
    }
}
