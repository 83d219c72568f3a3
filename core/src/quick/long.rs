//! Long blocks that wait, in heaps that have much memory to come: the last few that were freed, whatever their sizes, each in a
//! **place**. As each is much memory, they are few.
//!
//! ```text
//!   sizes     160    0   93  511  …     compared all at once
//!   blocks     █          █    █  …
//!                    ▲ next: what is freed comes here
//! ```
//!
//! Where a size was last put is found without a look at the others, as most programs ask next for what they have just freed.

use core::ptr::NonNull;

use super::lists::IN_HEAP;
use super::sizes::{PLACES, Sizes};
use super::{List, Lists, Quick};
use crate::Mode;
use crate::granule::GRANULE;
use crate::raw::{after, is_multiple};

/// Of so many, each number stands for a few sizes.
const SIZES: usize = 1 << SIZES_BITS;
const SIZES_BITS: u32 = 6;

/// The places.
#[derive(Debug)]
pub(super) struct Places {
    sizes: Sizes,
    blocks: [Option<NonNull<u8>>; PLACES],
    /// That of the next block.
    next: usize,
    /// Where a block of one of these sizes was last put.
    last: [u8; SIZES],
}

impl Places {
    /// No block in any.
    pub(super) const EMPTY: Self =
        Self { sizes: Sizes::NONE, blocks: [None; PLACES], next: 0, last: [0; SIZES] };

    /// Puts a block of `size` granules into the next place. The one that was there, if any was, and its granules.
    #[inline(always)]
    fn put(&mut self, block: NonNull<u8>, size: usize) -> Option<(NonNull<u8>, usize)> {
        let at = self.next % PLACES;
        (self.next, self.last[number_of(size)]) = (at + 1, at as u8);
        let displaced = self.blocks[at].replace(block);
        let displaced_size = self.sizes.replace(at, size);
        displaced.map(|block| (block, displaced_size))
    }

    /// Takes out a block that `lies_well`: that of `size` granules which was last put in, or, if any are to `spare`, one that has up to so
    /// many more.
    #[inline(always)]
    fn take(
        &mut self,
        size: usize,
        spare: usize,
        lies_well: impl Fn(NonNull<u8>) -> bool,
    ) -> Option<NonNull<u8>> {
        let last = usize::from(self.last[number_of(size)]) % PLACES;
        if self.sizes.at(last) == size && self.blocks[last].is_some_and(&lies_well) {
            return self.take_out(last);
        }
        let mut that_fit = if spare == 0 { 0 } else { self.sizes.that_fit(size, spare) };
        while that_fit != 0 {
            let at = that_fit.trailing_zeros() as usize % PLACES;
            if self.blocks[at].is_some_and(&lies_well) {
                return self.take_out(at);
            }
            that_fit &= that_fit - 1;
        }
        None
    }

    /// Takes out the block in a place, which the next one then has.
    #[inline(always)]
    fn take_out(&mut self, at: usize) -> Option<NonNull<u8>> {
        self.next = at;
        self.sizes.replace(at, 0);
        self.blocks[at % PLACES].take()
    }
}

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
        let displaced = unsafe { self.places().as_mut() }.put(block, bytes / GRANULE);
        displaced.map(|(block, size)| (block, size * GRANULE))
    }

    /// A long block that waited, if one did of `bytes` bytes, or up to `spare` granules more, and is aligned to `align`. O(1).
    #[inline(always)]
    pub fn take_long(&mut self, bytes: usize, align: usize, spare: usize) -> Option<NonNull<u8>> {
        if !self.serves_long(bytes) {
            return None;
        }
        let lies_well = |block| align <= GRANULE || is_multiple(block, align);
        // SAFETY: where long blocks may wait, there are places.
        unsafe { self.places().as_mut() }.take(bytes / GRANULE, spare, lies_well)
    }

    /// Any long block that waited, if one did, and its bytes. O(1).
    pub fn take_any_long(&mut self) -> Option<(NonNull<u8>, usize)> {
        if !self.has_places() {
            return None;
        }
        // SAFETY: there are places.
        let places = unsafe { self.places().as_mut() };
        let at = places.sizes.all().position(|size| size != 0)?;
        let bytes = places.sizes.at(at) * GRANULE;
        Some((places.take_out(at)?, bytes))
    }

    /// The long blocks that wait, and their bytes. O(1) in all.
    pub fn long_blocks(&self) -> impl Iterator<Item = (NonNull<u8>, usize)> {
        // SAFETY: there are places then.
        let places = self.has_places().then(|| unsafe { self.places().as_ref() });
        let all = places.into_iter().flat_map(|places| places.blocks.iter().zip(places.sizes.all()));
        all.filter_map(|(block, size)| Some(((*block)?, size * GRANULE)))
    }

    /// Empties the places, if there are any.
    pub(super) fn empty_places(&mut self) {
        if self.has_places() {
            // SAFETY: there are places.
            unsafe { self.places().write(Places::EMPTY) };
        }
    }

    /// Whether there are places: long blocks may wait.
    fn has_places(&self) -> bool {
        M::LONG_WAIT && self.policy().longest > 0
    }

    /// The places, behind the lists.
    ///
    /// # Safety
    /// There are some.
    #[inline(always)]
    unsafe fn places(&self) -> NonNull<Places> {
        // SAFETY: as the caller says; they stand behind the lists in the heap.
        unsafe { after::<Places>(self.lists.first(), IN_HEAP * size_of::<List>()) }
    }
}

/// The number that stands for a size, by multiplicative hashing (Knuth, "The art of computer programming", vol. 3, 6.4, 1973), so that
/// neither steps of a granule nor powers of two have one.
#[inline(always)]
const fn number_of(size: usize) -> usize {
    size.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> (usize::BITS - SIZES_BITS)
}
