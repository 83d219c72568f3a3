//! What a heap looks at before the table: which regions it has, as far as there is room for them.
//!
//! ```text
//!   address    │ the slot's number, and in it its place │ 22 bits in the slot │
//!                                     │
//!   places      ▼                     ▼
//!   ┌─────┬─────┬─────┬─────┬─  ─┬─────────┬─────┐
//!   │     │     │     │     │    │ number  │     │     the same? it is a region of the heap
//!   └─────┴─────┴─────┴─────┴─  ─┴─────────┴─────┘
//! ```

use core::cell::Cell;

use memalloc_core::GRANULE;

use crate::mapping::{SLOT, SLOT_BITS};

/// Where a block may start: an address by the number of its granule. An address inside a granule has a number beyond any
/// that a region can have, so that one comparison refuses it and what is no address at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start(usize);

impl Start {
    const BITS: u32 = GRANULE.ilog2();

    #[inline(always)]
    pub(crate) const fn of(address: usize) -> Self {
        Self(address.rotate_right(Self::BITS))
    }

    /// The granule, counted from the start of the slot that it lies in.
    #[inline(always)]
    pub(crate) const fn granule(self) -> usize {
        self.0 % (SLOT / GRANULE)
    }

    /// The start of that slot, if a granule starts at `ptr`, which this is the start of.
    #[inline(always)]
    pub(crate) fn slot_of(self, ptr: *mut u8) -> *mut u8 {
        ptr.map_addr(|_| self.slot() << SLOT_BITS)
    }

    /// The number of that slot.
    #[inline(always)]
    const fn slot(self) -> usize {
        self.0 >> (SLOT_BITS - Self::BITS)
    }
}

/// Some of the regions of a heap, each by the number of its slot in the place that the number says: regions side by side
/// have places of their own. A heap may have others.
#[derive(Debug)]
pub(crate) struct Near {
    places: [Cell<usize>; Self::PLACES],
}

impl Near {
    /// Regions side by side that have places: 1 GiB of them.
    const PLACES: usize = 256;

    /// None.
    pub(crate) const fn new() -> Self {
        let mut places = [const { Cell::new(0) }; Self::PLACES];
        places[0] = Cell::new(Self::nothing(0));
        Self { places }
    }

    /// What stands in a place where no region does: a number that does not belong there.
    const fn nothing(place: usize) -> usize {
        if place == 0 { 1 } else { 0 }
    }

    /// Whether a granule of one of the regions starts there. O(1).
    #[inline(always)]
    pub(crate) fn has(&self, start: Start) -> bool {
        self.places[start.slot() % Self::PLACES].get() == start.slot()
    }

    /// Has the region at `address`, perhaps in place of another. Whether it had not.
    pub(crate) fn enter(&self, address: usize) -> bool {
        let slot = address >> SLOT_BITS;
        self.places[slot % Self::PLACES].replace(slot) != slot
    }

    /// Has the region at `address` no longer.
    pub(crate) fn forget(&self, address: usize) {
        let (slot, place) = (address >> SLOT_BITS, (address >> SLOT_BITS) % Self::PLACES);
        if self.places[place].get() == slot {
            self.places[place].set(Self::nothing(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_granules_of_the_regions_alone() {
        let near = Near::new();
        assert!(near.enter(5 * SLOT) && !near.enter(5 * SLOT));
        for slot in [0, 1, 4, 5, 6, 5 + Near::PLACES, Near::PLACES, usize::MAX / SLOT] {
            for offset in (0..64).chain(SLOT - 64..SLOT) {
                let (address, start) = (slot * SLOT + offset, Start::of(slot * SLOT + offset));
                let is_start = slot == 5 && address.is_multiple_of(GRANULE);
                assert_eq!(near.has(start), is_start, "{address:#x}");
                assert!(!is_start || start.granule() == offset / GRANULE);
                let slot_of = start.slot_of(core::ptr::without_provenance_mut(address)).addr();
                assert!(!address.is_multiple_of(GRANULE) || slot_of == slot * SLOT);
            }
        }
    }

    #[test]
    fn nothing_is_near_at_first_or_once_it_is_forgotten() {
        let near = Near::new();
        let slots = [1, 2, Near::PLACES - 1, Near::PLACES, 3 * Near::PLACES];
        let is_near = |slot: usize| near.has(Start::of(slot * SLOT));
        assert!((0..4 * Near::PLACES).all(|slot| !is_near(slot)));
        for slot in slots {
            assert!(near.enter(slot * SLOT + 77));
            assert!(is_near(slot));
            near.forget(slot * SLOT + 99);
            assert!((0..4 * Near::PLACES).all(|slot| !is_near(slot)));
        }
    }

    #[test]
    fn a_region_gives_way_to_one_of_the_same_place_and_that_alone() {
        let near = Near::new();
        let is_near = |slot: usize| near.has(Start::of(slot * SLOT));
        assert!((1..=Near::PLACES).all(|slot| near.enter(slot * SLOT)));
        assert!((1..=Near::PLACES).all(is_near));
        assert!(near.enter((Near::PLACES + 7) * SLOT));
        assert!((1..=Near::PLACES).all(|slot| is_near(slot) == (slot != 7)) && is_near(Near::PLACES + 7));
        // One that is not there any more is not forgotten in place of another.
        near.forget(7 * SLOT);
        assert!(is_near(Near::PLACES + 7));
    }
}
