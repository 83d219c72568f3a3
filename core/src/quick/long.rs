//! Long blocks that wait, in heaps that have much memory to come: the last few that were freed, whatever their sizes. As each is
//! much memory, they are few. The newest is found without a look at the others, as most programs ask next for what they have just
//! freed; the others have a **place** each.
//!
//! ```text
//!   newest    █ 212
//!
//!   sizes     160    0   93  511  …     compared all at once
//!   blocks     █          █    █  …
//!                             ▲ next: who was the newest comes here, or where one was just taken
//! ```
//!
//! So sizes are not written before they are compared, but after that: a processor that compares several has to wait where one of
//! them was only just written.

use core::ptr::NonNull;

use super::lists::IN_HEAP;
use super::sizes::{PLACES, Sizes};
use super::{List, Lists, Quick};
use crate::Mode;
use crate::granule::GRANULE;
use crate::raw::{after, is_multiple};

/// The places that are made use of where a heap is small: what waits in all of them would be much of it.
pub(super) const FEW: usize = PLACES / 2;

/// The newest, and the places.
#[derive(Debug)]
pub(super) struct Places {
    newest: Waiting,
    sizes: Sizes,
    blocks: [Option<NonNull<u8>>; PLACES],
    /// Where the next comes that is the newest no more.
    next: usize,
}

/// A block that waits and its granules, or none.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    block: Option<NonNull<u8>>,
    size: usize,
}

impl Waiting {
    const NONE: Self = Self { block: None, size: 0 };

    fn some(self) -> Option<(NonNull<u8>, usize)> {
        Some((self.block?, self.size))
    }
}

impl Places {
    /// No block in any.
    pub(super) const EMPTY: Self =
        Self { newest: Waiting::NONE, sizes: Sizes::NONE, blocks: [None; PLACES], next: 0 };

    /// Has a block of `size` granules be the newest, and the one that was so come to one of the first `places`. The one that has no
    /// place any more, if there is one.
    #[inline(always)]
    fn put(&mut self, block: NonNull<u8>, size: usize, places: usize) -> Waiting {
        let older = core::mem::replace(&mut self.newest, Waiting { block: Some(block), size });
        if older.block.is_none() {
            return Waiting::NONE;
        }
        let at = self.next % places;
        self.next = at + 1;
        self.replace(at, older)
    }

    /// Takes out a block of `size` granules, or up to `spare` more, that `lies_well`.
    #[inline(always)]
    fn take(
        &mut self,
        size: usize,
        spare: usize,
        lies_well: impl Fn(NonNull<u8>) -> bool,
    ) -> Option<NonNull<u8>> {
        let newest = self.newest;
        if newest.size.wrapping_sub(size) <= spare && newest.block.is_some_and(&lies_well) {
            self.newest = Waiting::NONE;
            return newest.block;
        }
        let mut that_fit = self.sizes.that_fit(size, spare);
        while that_fit != 0 {
            let at = that_fit.trailing_zeros() as usize % PLACES;
            if self.blocks[at].is_some_and(&lies_well) {
                self.newest = Waiting::NONE;
                return self.replace(at, newest).block;
            }
            that_fit &= that_fit - 1;
        }
        None
    }

    /// Takes out any.
    fn take_any(&mut self) -> Waiting {
        let taken = self.sizes.all().position(|size| size != 0);
        match taken {
            Some(at) => self.replace(at, Waiting::NONE),
            None => core::mem::replace(&mut self.newest, Waiting::NONE),
        }
    }

    /// Puts another in place `at`. The one that was there.
    #[inline(always)]
    fn replace(&mut self, at: usize, other: Waiting) -> Waiting {
        let size = self.sizes.replace(at, other.size);
        Waiting { block: core::mem::replace(&mut self.blocks[at % PLACES], other.block), size }
    }

    /// All of them.
    fn all(&self) -> impl Iterator<Item = (NonNull<u8>, usize)> {
        let placed = self.blocks.iter().zip(self.sizes.all()).map(|(&block, size)| Waiting { block, size });
        placed.chain([self.newest]).filter_map(Waiting::some)
    }
}

impl<M: Mode> Quick<M> {
    /// Whether blocks of `bytes` bytes, too long for a list, may wait.
    #[inline(always)]
    pub fn serves_long(&self, bytes: usize) -> bool {
        M::LONG_WAIT && bytes > self.policy().limit && bytes <= self.policy().longest
    }

    /// Lets the block at `block` wait, in place of the one that is returned with its bytes, if one has to go: of a heap that is large,
    /// twice as many may. O(1).
    ///
    /// # Safety
    /// The block has `bytes` bytes, which may wait as a long one; it does not wait, and nobody uses it.
    #[inline(always)]
    pub unsafe fn exchange_long(
        &mut self,
        block: NonNull<u8>,
        bytes: usize,
        is_large: bool,
    ) -> Option<(NonNull<u8>, usize)> {
        let places = if is_large { PLACES } else { FEW };
        // SAFETY: where long blocks may wait, there are places.
        let displaced = unsafe { self.places().as_mut() }.put(block, bytes / GRANULE, places);
        displaced.some().map(|(block, size)| (block, size * GRANULE))
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
        let (block, size) = unsafe { self.places().as_mut() }.take_any().some()?;
        Some((block, size * GRANULE))
    }

    /// The long blocks that wait, and their bytes. O(1) in all.
    pub fn long_blocks(&self) -> impl Iterator<Item = (NonNull<u8>, usize)> {
        // SAFETY: there are places then.
        let places = self.has_places().then(|| unsafe { self.places().as_ref() });
        places.into_iter().flat_map(Places::all).map(|(block, size)| (block, size * GRANULE))
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
