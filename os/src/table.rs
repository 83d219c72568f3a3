//! Which block holds an address: a sparse table over the address space, read in O(1).
//!
//! ```text
//!   address   │ leaf │ entry │ 22 bits in the slot │
//!                 │       │
//!   leaves        ▼       │           a leaf, mapped when a block first needs it
//!   ┌───┬───┬─  ─┬───┬─  ─┬───┐      ┌───┬───┬───┬───┬───┬─  ─┐
//!   │   │   │    │ ●─┼────┼───┼────▶ │ 0 │ 1 │ 1 │ 2 │ 3 │    │
//!   └───┴───┴─  ─┴───┴─  ─┴───┘      └───┴───┴───┴───┴───┴─  ─┘
//!                                          ▲   ▲ a block of three slots
//!                                          a block of one slot
//! ```
//!
//! An entry is 0 where there is no block, and otherwise one more than the slots between the block's start and its own.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::mapping::{SLOT, SLOT_BITS, map, unmap};

/// Bits of an address that a program can have.
#[cfg(target_pointer_width = "64")]
const ADDRESS_BITS: u32 = 48;
#[cfg(target_pointer_width = "32")]
const ADDRESS_BITS: u32 = 32;

/// Log2 of the entries of a leaf: 256 KiB each, or one leaf for a whole small address space.
#[cfg(target_pointer_width = "64")]
const LEAF_BITS: u32 = 16;
#[cfg(target_pointer_width = "32")]
const LEAF_BITS: u32 = ADDRESS_BITS - SLOT_BITS;

const LEAVES: usize = 1 << (ADDRESS_BITS - SLOT_BITS - LEAF_BITS);
const LEAF_ENTRIES: usize = 1 << LEAF_BITS;

type Leaf = [AtomicU32; LEAF_ENTRIES];

/// The table. Empty, it has no memory of its own.
pub(crate) struct Table {
    leaves: [AtomicPtr<Leaf>; LEAVES],
}

impl Table {
    pub(crate) const fn new() -> Self {
        Self { leaves: [const { AtomicPtr::new(ptr::null_mut()) }; LEAVES] }
    }

    /// The start of the block that holds `address`.
    #[inline(always)]
    pub(crate) fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        let entry = self.entry(address >> SLOT_BITS)?.load(Ordering::Relaxed);
        if entry == 0 { None } else { NonNull::new(start_of(address, entry)) }
    }

    /// The start of the block that holds `address`.
    ///
    /// # Safety
    /// One does.
    #[inline(always)]
    pub(crate) unsafe fn block_of_own(&self, address: usize) -> NonNull<u8> {
        let slot = address >> SLOT_BITS;
        // SAFETY: the slot is of a block, so that it has a leaf and an entry, which leads to the block's start.
        unsafe {
            let leaf = self.leaves.get_unchecked(slot >> LEAF_BITS).load(Ordering::Acquire);
            let entry = (*leaf).get_unchecked(slot % LEAF_ENTRIES).load(Ordering::Relaxed);
            NonNull::new_unchecked(start_of(address, entry))
        }
    }

    /// Enters the block of `size` bytes at `start`. `false`, and nothing is entered, if it lies where the table does
    /// not reach or there is no memory for a leaf.
    #[must_use]
    pub(crate) fn insert(&self, start: NonNull<u8>, size: usize) -> bool {
        // The address is all that the table keeps.
        let first = start.as_ptr().expose_provenance() >> SLOT_BITS;
        let slots = first..first + (size >> SLOT_BITS);
        if !self.map_leaves(first, slots.end - 1) {
            return false;
        }
        for (entry, slot) in (1..).zip(slots) {
            self.store(slot, entry);
        }
        true
    }

    /// Forgets the block of `size` bytes at `start`.
    pub(crate) fn remove(&self, start: NonNull<u8>, size: usize) {
        let first = start.addr().get() >> SLOT_BITS;
        for slot in first..first + (size >> SLOT_BITS) {
            self.store(slot, 0);
        }
    }

    #[inline(always)]
    fn entry(&self, slot: usize) -> Option<&AtomicU32> {
        let leaf = self.leaves.get(slot >> LEAF_BITS)?.load(Ordering::Acquire);
        // SAFETY: a leaf stays mapped as long as the table lives, and mapped zeros are one.
        unsafe { leaf.as_ref() }.map(|leaf| &leaf[slot % LEAF_ENTRIES])
    }

    fn store(&self, slot: usize, value: u32) {
        if let Some(entry) = self.entry(slot) {
            entry.store(value, Ordering::Relaxed);
        }
    }

    /// Sees to it that all slots from `first` to `last` have leaves.
    fn map_leaves(&self, first: usize, last: usize) -> bool {
        let leaves = self.leaves.get(first >> LEAF_BITS..=last >> LEAF_BITS);
        leaves.is_some_and(|leaves| leaves.iter().all(map_leaf))
    }
}

/// Sees to it that a leaf is there.
fn map_leaf(leaf: &AtomicPtr<Leaf>) -> bool {
    if leaf.load(Ordering::Acquire).is_null() {
        let Some(memory) = map(0, size_of::<Leaf>()) else { return false };
        leaf.store(memory.as_ptr().cast(), Ordering::Release);
    }
    true
}

/// The start of the block that holds `address`, by the address's entry.
#[inline(always)]
fn start_of(address: usize, entry: u32) -> *mut u8 {
    ptr::with_exposed_provenance_mut(((address >> SLOT_BITS) + 1 - entry as usize) * SLOT)
}

impl Drop for Table {
    fn drop(&mut self) {
        let leaves = self.leaves.iter_mut().filter_map(|leaf| NonNull::new(*leaf.get_mut()));
        for leaf in leaves {
            // SAFETY: the leaf was mapped with this size, and goes with the table.
            unsafe { unmap(leaf.cast(), size_of::<Leaf>()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a slot, as a pointer that is never followed.
    fn slot(number: usize) -> NonNull<u8> {
        NonNull::new(ptr::without_provenance_mut(number * SLOT)).unwrap()
    }

    #[test]
    fn every_address_of_a_block_leads_to_its_start_and_no_other() {
        let table = Table::new();
        let blocks = [(5, 1), (6, 3), (10, 2)];
        for (first, slots) in blocks {
            assert!(table.insert(slot(first), slots * SLOT));
        }
        for number in 0..20 {
            let holder = blocks.iter().find(|(first, slots)| (*first..first + slots).contains(&number));
            let expected = holder.map(|&(first, _)| slot(first));
            for address in [number * SLOT, number * SLOT + SLOT / 2 + 1, number * SLOT + SLOT - 1] {
                assert_eq!(table.block_of(address), expected);
                if let Some(expected) = expected {
                    // SAFETY: the block was entered above.
                    assert_eq!(unsafe { table.block_of_own(address) }, expected);
                }
            }
        }
    }

    #[test]
    fn a_removed_block_is_forgotten_and_its_neighbours_are_not() {
        let table = Table::new();
        assert!((1..=3).all(|first| table.insert(slot(2 * first), 2 * SLOT)));
        table.remove(slot(4), 2 * SLOT);
        let found: [_; 4] = [2, 4, 5, 7].map(|number| table.block_of(number * SLOT));
        assert_eq!(found, [Some(slot(2)), None, None, Some(slot(6))]);
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let table = Table::new();
        assert!(table.insert(slot(1), SLOT));
        for address in [0, SLOT - 1, 2 * SLOT, usize::MAX / 2, usize::MAX] {
            assert_eq!(table.block_of(address), None);
        }
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_block_may_lie_over_the_edge_of_a_leaf() {
        let table = Table::new();
        let first = LEAF_ENTRIES - 1;
        assert!(table.insert(slot(first), (LEAF_ENTRIES + 2) * SLOT));
        for number in [first, first + 1, first + LEAF_ENTRIES, first + LEAF_ENTRIES + 1] {
            assert_eq!(table.block_of(number * SLOT + 1), Some(slot(first)));
        }
        assert_eq!(table.block_of((first + LEAF_ENTRIES + 2) * SLOT), None);
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_block_beyond_the_table_is_refused() {
        let table = Table::new();
        let end = LEAVES * LEAF_ENTRIES;
        assert!(!table.insert(slot(end), SLOT));
        assert!(!table.insert(slot(end - 1), 2 * SLOT));
        assert_eq!(table.block_of((end - 1) * SLOT), None);
    }
}
