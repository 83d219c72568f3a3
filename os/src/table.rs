//! Which block holds an address, and whose it is: a sparse table over the address space, read in O(1).
//!
//! ```text
//!   slots     0     1     2     3     4
//!           ┌───┬─────┬─────┬─────┬─────┬─  ─┐
//!   entries │ 0 │ 0:7 │ 0:3 │ 1:3 │ 2:3 │    │
//!           └───┴─────┴─────┴─────┴─────┴─  ─┘
//!                 ▲     ▲ a block of three slots, of owner 3
//!                 a block of one slot, of owner 7
//! ```
//!
//! An entry is 0 where there is no block; otherwise it has the slots between the block's start and its own, and the
//! owner.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, Ordering};

use crate::leaves::{Leaves, leaves};
use crate::mapping::{SLOT, SLOT_BITS};

/// Whose a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(u32);

impl Owner {
    const BITS: u32 = 16;
    /// How many owners there can be.
    pub(crate) const COUNT: usize = (1 << Self::BITS) - 1;

    /// Nobody: no entry is the first of this owner.
    pub(crate) const NOBODY: Self = Self((Entry::FAR << Self::BITS) as u32);

    /// Owner `index`, counted from 0.
    pub(crate) const fn new(index: usize) -> Option<Self> {
        if index < Self::COUNT { Some(Self(index as u32 + 1)) } else { None }
    }

    /// Which owner it is, counted from 0.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize - 1
    }
}

/// What the table has for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry(u32);

impl Entry {
    const NONE: Self = Self(0);
    /// So many slots, or more, lie between the block's start and this slot.
    const FAR: usize = (1 << (u32::BITS - Owner::BITS)) - 1;

    fn new(slots_from_start: usize, owner: Owner) -> Self {
        Self((slots_from_start.min(Self::FAR) << Owner::BITS) as u32 | owner.0)
    }

    /// Whether the address lies in the first slot of a block of `owner`.
    #[inline(always)]
    pub(crate) const fn is_first_of(self, owner: Owner) -> bool {
        self.0 == owner.0
    }

    /// Whose block it is, if it is one.
    #[inline(always)]
    pub(crate) const fn owner(self) -> Option<Owner> {
        if self.0 == 0 { None } else { Some(Owner(self.0 % (1 << Owner::BITS))) }
    }

    const fn slots_from_start(self) -> usize {
        self.0 as usize >> Owner::BITS
    }
}

/// The table. Empty, it has no memory of its own.
pub(crate) struct Table {
    entries: Leaves<AtomicU32, { leaves(SLOT_BITS) }>,
}

impl Table {
    pub(crate) const fn new() -> Self {
        Self { entries: Leaves::new() }
    }

    /// What the table has for `address`.
    #[inline(always)]
    pub(crate) fn entry(&self, address: usize) -> Entry {
        let entry = self.entries.get(address >> SLOT_BITS);
        entry.map_or(Entry::NONE, |entry| Entry(entry.load(Ordering::Relaxed)))
    }

    /// Whether `address` lies in the first slot of a block of `owner`.
    #[inline(always)]
    pub(crate) fn is_first_of(&self, owner: Owner, address: usize) -> bool {
        self.entry(address).is_first_of(owner)
    }

    /// The start of the block that holds `address`, and whose it is.
    #[inline]
    pub(crate) fn block_of(&self, address: usize) -> Option<(NonNull<u8>, Owner)> {
        let mut slot = address >> SLOT_BITS;
        loop {
            let entry = Entry(self.entries.get(slot)?.load(Ordering::Acquire));
            let owner = entry.owner()?;
            slot -= entry.slots_from_start();
            if entry.slots_from_start() < Entry::FAR {
                return Some((NonNull::new(ptr::with_exposed_provenance_mut(slot * SLOT))?, owner));
            }
        }
    }

    /// Enters the block of `size` bytes at `start`. `false`, and nothing is entered, if it lies where the table does
    /// not reach or there is no memory for a leaf.
    #[must_use]
    pub(crate) fn insert(&self, start: NonNull<u8>, size: usize, owner: Owner) -> bool {
        // The address is all that the table keeps.
        let first = start.as_ptr().expose_provenance() >> SLOT_BITS;
        if !self.has_room(start, size) {
            return false;
        }
        // The first last: who finds the block at all by its start finds all of it.
        for slot in (first..first + (size >> SLOT_BITS)).rev() {
            self.store(slot, Entry::new(slot - first, owner));
        }
        true
    }

    /// Whether the block of `size` bytes at `start` can be entered. From then on it can.
    #[must_use]
    pub(crate) fn has_room(&self, start: NonNull<u8>, size: usize) -> bool {
        let first = start.addr().get() >> SLOT_BITS;
        self.entries.map(first, first + (size >> SLOT_BITS) - 1)
    }

    /// Forgets the block of `size` bytes at `start`.
    pub(crate) fn remove(&self, start: NonNull<u8>, size: usize) {
        let first = start.addr().get() >> SLOT_BITS;
        for slot in first..first + (size >> SLOT_BITS) {
            self.store(slot, Entry::NONE);
        }
    }

    /// The starts of all blocks of `owner`, in address order.
    pub(crate) fn blocks_of(&self, owner: Owner) -> impl Iterator<Item = NonNull<u8>> {
        let is_first = move |entry: &AtomicU32| Entry(entry.load(Ordering::Acquire)).is_first_of(owner);
        let firsts = self.entries.all().filter(move |(_, entry)| is_first(entry));
        firsts.filter_map(|(slot, _)| NonNull::new(ptr::with_exposed_provenance_mut(slot * SLOT)))
    }

    fn store(&self, slot: usize, entry: Entry) {
        if let Some(place) = self.entries.get(slot) {
            // What was written about the block before is seen by who finds it.
            place.store(entry.0, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_pointer_width = "64")]
    use crate::leaves::LEAF_ELEMENTS;
    use std::vec::Vec;

    const ONE: Owner = Owner(1);

    /// The start of a slot, as a pointer that is never followed.
    fn slot(number: usize) -> NonNull<u8> {
        NonNull::new(ptr::without_provenance_mut(number * SLOT)).unwrap()
    }

    #[test]
    fn every_address_of_a_block_leads_to_its_start_and_owner_and_no_other() {
        let table = Table::new();
        let blocks = [(5, 1, ONE), (6, 3, Owner(2)), (10, 2, Owner::new(Owner::COUNT - 1).unwrap())];
        for (first, slots, owner) in blocks {
            assert!(table.insert(slot(first), slots * SLOT, owner));
        }
        for number in 0..20 {
            let holder = blocks.iter().find(|(first, slots, _)| (*first..first + slots).contains(&number));
            let expected = holder.map(|&(first, _, owner)| (slot(first), owner));
            for address in [number * SLOT, number * SLOT + SLOT / 2 + 1, number * SLOT + SLOT - 1] {
                assert_eq!(table.block_of(address), expected);
                let first_of = expected.is_some_and(|(_, owner)| table.entry(address).is_first_of(owner));
                assert_eq!(first_of, expected.is_some_and(|(start, _)| start == slot(number)));
            }
        }
        let starts = |owner| table.blocks_of(owner).collect::<Vec<_>>();
        assert_eq!((starts(ONE), starts(Owner(2)), starts(Owner(3))), (vec![slot(5)], vec![slot(6)], vec![]));
    }

    #[test]
    fn owners_are_told_by_their_index() {
        assert_eq!(Owner::new(0).map(Owner::index), Some(0));
        assert_eq!(Owner::new(Owner::COUNT - 1).map(Owner::index), Some(Owner::COUNT - 1));
        assert_eq!(Owner::new(Owner::COUNT), None);
    }

    #[test]
    fn a_removed_block_is_forgotten_and_its_neighbours_are_not() {
        let table = Table::new();
        assert!((1..=3).all(|first| table.insert(slot(2 * first), 2 * SLOT, ONE)));
        table.remove(slot(4), 2 * SLOT);
        let found: [_; 4] = [2, 4, 5, 7].map(|number| table.block_of(number * SLOT));
        assert_eq!(found, [Some((slot(2), ONE)), None, None, Some((slot(6), ONE))]);
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let table = Table::new();
        assert!(table.insert(slot(1), SLOT, ONE));
        for address in [0, SLOT - 1, 2 * SLOT, usize::MAX / 2, usize::MAX] {
            assert_eq!((table.block_of(address), table.entry(address).owner()), (None, None));
        }
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_block_may_lie_over_the_edge_of_a_leaf() {
        let table = Table::new();
        let first = LEAF_ELEMENTS - 1;
        let slots = 2 * LEAF_ELEMENTS + 2;
        assert!(table.insert(slot(first), slots * SLOT, ONE));
        for number in [first, first + 1, first + Entry::FAR, first + Entry::FAR + 1, first + slots - 1] {
            assert_eq!(table.block_of(number * SLOT + 1), Some((slot(first), ONE)));
        }
        assert_eq!(table.block_of((first + slots) * SLOT), None);
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_block_beyond_the_table_is_refused() {
        let table = Table::new();
        let end = leaves(SLOT_BITS) * LEAF_ELEMENTS;
        assert!(!table.insert(slot(end), SLOT, ONE));
        assert!(!table.insert(slot(end - 1), 2 * SLOT, ONE));
        assert_eq!(table.block_of((end - 1) * SLOT), None);
    }

    #[test]
    fn threads_may_enter_blocks_at_once() {
        let table = Table::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let table = &table;
                scope.spawn(move || {
                    for number in (thread + 1..4000).step_by(4) {
                        assert!(table.insert(slot(number), SLOT, Owner::new(thread).unwrap()));
                    }
                });
            }
        });
        for number in 1..4000 {
            assert_eq!(
                table.block_of(number * SLOT),
                Some((slot(number), Owner::new((number - 1) % 4).unwrap()))
            );
        }
    }
}
