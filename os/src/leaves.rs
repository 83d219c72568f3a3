//! An element for each slot, or each unit, of the address space: an array that is sparse, and read in O(1).
//!
//! ```text
//!   address   │ leaf │ element │ bits in the slot │
//!                 │       │
//!   leaves        ▼       │           a leaf, mapped when one of its elements is first needed
//!   ┌───┬───┬─  ─┬───┬─  ─┬───┐      ┌───┬───┬───┬─  ─┐
//!   │   │   │    │ ●─┼────┼───┼────▶ │   │   │   │    │
//!   └───┴───┴─  ─┴───┴─  ─┴───┘      └───┴───┴───┴─  ─┘
//! ```

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use crate::mapping::{map_sparse, unmap};

/// Bits of an address that a program can have.
#[cfg(target_pointer_width = "64")]
const ADDRESS_BITS: u32 = 48;
#[cfg(target_pointer_width = "32")]
const ADDRESS_BITS: u32 = 32;

/// Log2 of the elements of a leaf: 256 GiB of slots, or the whole of a small address space.
#[cfg(target_pointer_width = "64")]
const LEAF_BITS: u32 = 16;
#[cfg(target_pointer_width = "32")]
const LEAF_BITS: u32 = ADDRESS_BITS - SLOT_BITS;

/// How many leaves there are, where an element is for `1 << bits` bytes.
pub(crate) const fn leaves(bits: u32) -> usize {
    1 << (ADDRESS_BITS - bits - LEAF_BITS)
}
/// How many elements a leaf has.
pub(crate) const LEAF_ELEMENTS: usize = 1 << LEAF_BITS;

/// What an element may be.
///
/// # Safety
/// Bytes of zeros are one, and threads may share it.
pub(crate) unsafe trait Element: 'static {}

// SAFETY: a number, and atomic.
unsafe impl Element for AtomicU32 {}

// SAFETY: a number, and atomic.
unsafe impl Element for AtomicUsize {}

type Leaf<E> = [E; LEAF_ELEMENTS];

/// The array. Empty, it has no memory of its own.
pub(crate) struct Leaves<E: Element, const LEAVES: usize> {
    leaves: [AtomicPtr<Leaf<E>>; LEAVES],
}

impl<E: Element, const LEAVES: usize> Leaves<E, LEAVES> {
    pub(crate) const fn new() -> Self {
        Self { leaves: [const { AtomicPtr::new(ptr::null_mut()) }; LEAVES] }
    }

    /// The element of that number, if its leaf is there.
    #[inline(always)]
    pub(crate) fn get(&self, number: usize) -> Option<&E> {
        let leaf = elements(self.leaves.get(number >> LEAF_BITS)?)?;
        Some(&leaf[number % LEAF_ELEMENTS])
    }

    /// All elements that have leaves, and their numbers, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, &E)> {
        let leaves = self.leaves.iter().enumerate();
        leaves.flat_map(|(number, leaf)| {
            let numbers = number * LEAF_ELEMENTS..;
            elements(leaf).into_iter().flat_map(move |leaf| numbers.clone().zip(leaf))
        })
    }

    /// Sees to it that all elements from `first` to `last` have leaves. `false` if some lie where none can be, or there is no
    /// memory for one.
    #[must_use]
    pub(crate) fn map(&self, first: usize, last: usize) -> bool {
        let leaves = self.leaves.get(first >> LEAF_BITS..=last >> LEAF_BITS);
        leaves.is_some_and(|leaves| leaves.iter().all(map_leaf))
    }
}

/// The elements of a leaf, if it is there.
#[inline(always)]
fn elements<E: Element>(leaf: &AtomicPtr<Leaf<E>>) -> Option<&Leaf<E>> {
    // SAFETY: a leaf stays mapped as long as the array lives, and mapped zeros are one.
    unsafe { leaf.load(Ordering::Acquire).as_ref() }
}

/// Sees to it that a leaf is there.
fn map_leaf<E: Element>(leaf: &AtomicPtr<Leaf<E>>) -> bool {
    if elements(leaf).is_some() {
        return true;
    }
    let Some(memory) = map_sparse(size_of::<Leaf<E>>()) else { return false };
    let new = memory.as_ptr().cast();
    if leaf.compare_exchange(ptr::null_mut(), new, Ordering::Release, Ordering::Relaxed).is_err() {
        // SAFETY: another thread was faster; this leaf was just mapped, and is unused.
        unsafe { unmap(memory, size_of::<Leaf<E>>()) };
    }
    true
}

impl<E: Element, const LEAVES: usize> Drop for Leaves<E, LEAVES> {
    fn drop(&mut self) {
        for leaf in self.leaves.iter().filter_map(|leaf| NonNull::new(leaf.load(Ordering::Relaxed))) {
            // SAFETY: the leaf was mapped with this size, and goes with the array.
            unsafe { unmap(leaf.cast(), size_of::<Leaf<E>>()) };
        }
    }
}
