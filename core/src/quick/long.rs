//! Long blocks that wait, in heaps that have much memory to come. As each is much memory, they are few: the sizes share a
//! few places, of which each holds the block last freed of all its sizes.

use core::ptr::NonNull;

use super::lists::IN_HEAP;
use super::{List, Lists, Quick};
use crate::Mode;
use crate::granule::GRANULE;
use crate::raw::{after, is_multiple};

/// How many may wait.
pub(super) const PLACES: usize = 1 << PLACES_BITS;
const PLACES_BITS: u32 = 4;

/// A place: a block of `bytes` bytes, or none, and 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    block: Option<NonNull<u8>>,
    bytes: usize,
}

/// A place with no block.
pub(super) const EMPTY: Place = Place { block: None, bytes: 0 };

impl<M: Mode> Quick<M> {
    /// Whether blocks of `bytes` bytes, too long for a list, may wait.
    #[inline(always)]
    pub fn serves_long(&self, bytes: usize) -> bool {
        M::LONG_WAIT && bytes > self.policy().limit && bytes <= self.policy().longest
    }

    /// Lets the block at `block` wait, in place of the one that is returned with its bytes, if any was there. O(1).
    ///
    /// # Safety
    /// The block has `bytes` bytes, which may wait as a long one; it does not wait, and nobody uses it.
    #[inline(always)]
    pub unsafe fn exchange_long(&mut self, block: NonNull<u8>, bytes: usize) -> Option<(NonNull<u8>, usize)> {
        // SAFETY: where long blocks may wait, there are places.
        let place = unsafe { self.place(place_of(bytes)).as_mut() };
        let displaced = core::mem::replace(place, Place { block: Some(block), bytes });
        Some((displaced.block?, displaced.bytes))
    }

    /// A long block of `bytes` bytes that waited, if one did, and is aligned to `align`. O(1).
    #[inline(always)]
    pub fn take_long(&mut self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        if !self.serves_long(bytes) {
            return None;
        }
        // SAFETY: where long blocks may wait, there are places.
        let place = unsafe { self.place(place_of(bytes)).as_mut() };
        let lies_well = |block: NonNull<u8>| align <= GRANULE || is_multiple(block, align);
        if place.bytes == bytes && place.block.is_some_and(lies_well) {
            core::mem::replace(place, EMPTY).block
        } else {
            None
        }
    }

    /// Any long block that waited, if one did, and its bytes. O(1).
    pub fn take_any_long(&mut self) -> Option<(NonNull<u8>, usize)> {
        let (_, bytes) = self.long_blocks().next()?;
        Some((self.take_long(bytes, GRANULE)?, bytes))
    }

    /// The long blocks that wait, and their bytes. O(1) in all.
    pub fn long_blocks(&self) -> impl Iterator<Item = (NonNull<u8>, usize)> {
        let count = if M::LONG_WAIT && self.policy().longest > 0 { PLACES } else { 0 };
        (0..count).filter_map(|index| {
            // SAFETY: where long blocks may wait, there are places.
            let Place { block, bytes } = unsafe { self.place(index).read() };
            Some((block?, bytes))
        })
    }

    /// Whether the long blocks that wait each have a place of their size. For the full check.
    pub(crate) fn are_long_blocks_in_place(&self) -> bool {
        self.long_blocks().all(|(block, bytes)| {
            // SAFETY: where long blocks wait, there are places.
            let place = unsafe { self.place(place_of(bytes)).read() };
            place.block == Some(block)
        })
    }

    /// Empties the places.
    ///
    /// # Safety
    /// There are some, behind the lists.
    pub(super) unsafe fn empty_places(&mut self) {
        for index in 0..PLACES {
            // SAFETY: as the caller says.
            unsafe { self.place(index).write(EMPTY) };
        }
    }

    /// A place, behind the lists.
    ///
    /// # Safety
    /// There are places, and `index` is below their number.
    #[inline(always)]
    unsafe fn place(&self, index: usize) -> NonNull<Place> {
        // SAFETY: as the caller says; they stand behind the lists in the heap.
        unsafe { after::<Place>(self.lists.first(), IN_HEAP * size_of::<List>()).add(index) }
    }
}

/// The place of a size, by multiplicative hashing (Knuth, "The art of computer programming", vol. 3, 6.4, 1973), so that
/// neither steps of a granule nor powers of two meet in one.
#[inline(always)]
const fn place_of(bytes: usize) -> usize {
    (bytes / GRANULE).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> (usize::BITS - PLACES_BITS)
}
