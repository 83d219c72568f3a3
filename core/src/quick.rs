//! Floor 6: quick lists: small blocks that were freed and wait, not yet coalesced, for a request of just their size.
//!
//! ```text
//!   lists, one a size     head ─▶ block ─▶ block          room: how many more may wait
//!                         head ─▶ block
//! ```
//!
//! A block that waits is not free in the map, so that neighbours leave it alone; a bit of its granule tells it from one that is in
//! use: its span's **mark**, or one among the **live** ones of the map. Lists are last in, first out, as what was
//! freed last is in the cache. One that is full, in the modes that bound them, begins anew if what is in it is little of the memory:
//! that waits on in no list (see `unlisted`, and the heap's `gather`). Otherwise, what is freed then is coalesced at once. In the
//! modes that do not, only sizes wait that are asked for, as others would for good.
//! When lists close and open again is in the file `closing`. Of blocks too long for a list a few may wait too: see `long`.
//!
//! (Quick lists: Weinstock and Wulf, "Quick fit: an efficient algorithm for heap storage allocation", 1988; deferred coalescing
//! in one heap with bins: Lea, "A memory allocator", 1996.)

mod closing;
mod due;
mod lists;
mod long;
mod policy;
mod sizes;
mod unlisted;

use core::ptr::NonNull;

pub use lists::{InHeap, InSpan, Lists, Nowhere};
pub use policy::Policy;
pub use unlisted::Blocks;

use crate::Mode;
use crate::granule::GRANULE;
use crate::raw::{after, is_multiple};

/// Blocks that are carved at once, at most, where no more than some number of a size may wait: of each that may, so many may.
pub const BATCH: usize = 8;

/// Blocks of a list that are looked at for one that is aligned.
const LOOKED_AT: usize = 8;

/// The blocks of one size.
#[derive(Debug)]
#[repr(C)]
struct List {
    head: Option<NonNull<u8>>,
    /// How many more may be put into it, or below 0 if any number may, as very many were gathered; in modes that do not bound
    /// lists, how many are carved at once next, or 0 while none may.
    room: isize,
}

impl List {
    const NONE: Self = Self { head: None, room: 0 };
}

/// The quick lists of a heap, if its mode has any. The list of no bytes is always empty, so that a request for none need
/// not be told apart before one looks. None, without memory, until [`Quick::initialize`].
#[derive(Debug)]
pub struct Quick<M: Mode> {
    lists: M::Lists,
}

impl<M: Mode> Default for Quick<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Mode> Quick<M> {
    /// No lists.
    pub const fn new() -> Self {
        Self { lists: M::Lists::NONE }
    }

    /// Makes empty lists; at `memory`, if they stand in a span.
    ///
    /// # Safety
    /// [`Policy::bytes`] bytes at `memory`, aligned to a word, are theirs for as long as they are in use, if they stand in a
    /// span. If they stand in the heap, none is of more granules than a word has bits.
    pub unsafe fn initialize(&mut self, memory: NonNull<u8>, policy: Policy) {
        self.give_up();
        if policy.is_on() {
            // SAFETY: as the caller says.
            unsafe { self.lists.set(memory, policy) };
            for bytes in self.sizes().chain([0]) {
                let room = if M::BOUNDED { policy.depth_of(bytes).cast_signed() } else { 0 };
                // SAFETY: the caller gives room for a list a size, and that of no bytes.
                unsafe { self.list(bytes).write(List { head: None, room }) };
            }
            self.empty_places();
        }
    }

    /// Empties all lists: nothing waits any more.
    pub fn forget(&mut self) {
        for bytes in self.sizes() {
            let depth = self.policy().depth_of(bytes);
            // SAFETY: the size has a list.
            let list = unsafe { self.list(bytes).as_mut() };
            list.head = None;
            if M::BOUNDED {
                list.room = depth.cast_signed();
            }
        }
        if let Some(terms) = self.lists.terms_mut() {
            (terms.coalesced, terms.unlisted, terms.beyond) = (0, 0, Blocks::NONE);
        }
        self.look_again();
        self.empty_places();
    }

    /// Has no lists, nor memory for them, any more. All are empty.
    pub fn give_up(&mut self) {
        let ample = self.ample();
        *self = Self::new();
        self.set_ample(ample);
    }

    /// Whether any block may wait, now or later.
    #[inline(always)]
    pub fn are_there(&self) -> bool {
        M::WAITS && self.policy().is_on()
    }

    /// Whether any block may wait now.
    #[inline(always)]
    pub fn are_open(&self) -> bool {
        M::WAITS && self.lists.terms().limit > 0
    }

    /// What may wait.
    #[inline(always)]
    fn policy(&self) -> &Policy {
        &self.lists.terms().policy
    }

    /// Whether blocks of `bytes` bytes, one granule at least, may wait.
    #[inline(always)]
    pub fn serves(&self, bytes: usize) -> bool {
        // So that a size that came round through 0 is not served either.
        M::WAITS && bytes.wrapping_sub(GRANULE) < self.lists.terms().limit
    }

    /// Whether blocks of `bytes` bytes, one granule at least, may wait, in a list or as a long one.
    #[inline(always)]
    pub fn may_hold(&self, bytes: usize) -> bool {
        self.serves(bytes) || self.serves_long(bytes)
    }

    /// Whether there is a list of `bytes` bytes, that of none included.
    #[inline(always)]
    pub fn has_list(&self, bytes: usize) -> bool {
        M::WAITS && bytes <= self.lists.terms().limit
    }

    /// The sizes that may wait, in bytes, the largest first.
    pub fn sizes(&self) -> impl Iterator<Item = usize> + use<M> {
        let largest = if M::WAITS { self.policy().limit / GRANULE } else { 0 };
        (1..=largest).rev().map(|granules| granules * GRANULE)
    }

    /// Whether one more block of `bytes` bytes may wait in a list. O(1).
    ///
    /// # Safety
    /// The lists serve the size, or they stand in the heap, and it is a granule more than the largest that they may.
    #[inline(always)]
    pub unsafe fn has_room(&self, bytes: usize) -> bool {
        // SAFETY: the size has a list.
        unsafe { self.list(bytes).as_ref() }.room != 0
    }

    /// Lets the block at `block` wait. O(1).
    ///
    /// # Safety
    /// The block has `bytes` bytes, which the lists serve and have room for; it is in no list, and nobody uses it.
    #[inline(always)]
    pub unsafe fn push(&mut self, block: NonNull<u8>, bytes: usize) {
        // SAFETY: the size has a list, and the block room for the link.
        unsafe {
            let list = self.list(bytes).as_mut();
            if M::BOUNDED {
                list.room -= 1;
            }
            block.cast::<Option<NonNull<u8>>>().write(list.head);
            list.head = Some(block);
        }
    }

    /// Lets `count` blocks wait that lie one above the other from `first` on, to be taken in that order. O(count).
    ///
    /// # Safety
    /// As for [`push`](Self::push), for each of them; there is one at least.
    #[inline(always)]
    pub unsafe fn push_row(&mut self, first: NonNull<u8>, bytes: usize, count: usize) {
        // SAFETY: the size has a list, and each block room for the link.
        unsafe {
            let list = self.list(bytes).as_mut();
            if M::BOUNDED {
                list.room -= count.cast_signed();
            }
            let last = after(first, (count - 1) * bytes);
            let mut block = first;
            while block != last {
                let next = after(block, bytes);
                block.cast::<Option<NonNull<u8>>>().write(Some(next));
                block = next;
            }
            last.cast::<Option<NonNull<u8>>>().write(list.head);
            list.head = Some(first);
        }
    }

    /// A block of `bytes` bytes that waited. O(1).
    ///
    /// # Safety
    /// There is a list of the size, which is a multiple of a granule.
    #[inline(always)]
    pub unsafe fn pop(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        // SAFETY: the size has a list, and each block in it a link. A list that may not be written to has no block.
        unsafe {
            let block = self.first(bytes)?;
            let list = self.list(bytes).as_mut();
            list.head = block.cast::<Option<NonNull<u8>>>().read();
            if M::BOUNDED {
                list.room += 1;
            }
            Some(block)
        }
    }

    /// A block of `bytes` bytes that waited at a multiple of `align`, if one of the first few does. O(1).
    ///
    /// # Safety
    /// The lists serve the size.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    pub unsafe fn pop_aligned(&mut self, bytes: usize, align: usize) -> Option<NonNull<u8>> {
        // SAFETY: the size has a list, and each block in it a link. A list that may not be written to has no block.
        unsafe {
            let list = self.list(bytes).as_ptr();
            let mut link = NonNull::new_unchecked(&raw mut (*list).head);
            for _ in 0..LOOKED_AT {
                let block = link.read()?;
                let next = block.cast::<Option<NonNull<u8>>>();
                if is_multiple(block, align) {
                    link.write(next.read());
                    if M::BOUNDED {
                        (*list).room += 1;
                    }
                    return Some(block);
                }
                link = next;
            }
        }
        None
    }

    /// How many blocks of `bytes` bytes are to be carved at once, `most` at most: where any number may wait, half as
    /// many again each time, so that what is often asked for lies together, and what is not takes little. O(1).
    ///
    /// # Safety
    /// The lists serve the size.
    #[inline(always)]
    pub unsafe fn next_batch(&mut self, bytes: usize, most: usize) -> usize {
        if M::BOUNDED {
            return most;
        }
        // SAFETY: the size has a list.
        let next = unsafe { &mut self.list(bytes).as_mut().room };
        let batch = next.cast_unsigned();
        *next = most.min(batch + batch / 2).cast_signed();
        batch
    }

    /// The blocks of `bytes` bytes that wait.
    fn blocks(&self, bytes: usize) -> impl Iterator<Item = NonNull<u8>> {
        // SAFETY: a block that waits has a link.
        let next = |block: &NonNull<u8>| unsafe { block.cast::<Option<NonNull<u8>>>().read() };
        core::iter::successors(self.first(bytes), next)
    }

    /// Whether a block of `bytes` bytes waits. O(1).
    pub(crate) fn has_one(&self, bytes: usize) -> bool {
        self.first(bytes).is_some()
    }

    /// The first block of `bytes` bytes that waits.
    #[inline(always)]
    pub(crate) fn first(&self, bytes: usize) -> Option<NonNull<u8>> {
        // SAFETY: asked only about sizes that are served.
        unsafe { self.list(bytes).as_ref() }.head
    }

    /// The list of a size.
    ///
    /// # Safety
    /// There is one.
    #[inline(always)]
    unsafe fn list(&self, bytes: usize) -> NonNull<List> {
        // A list takes as many bytes as a granule.
        const { assert!(size_of::<List>() == GRANULE) };
        // SAFETY: the size has a list.
        unsafe { after(self.lists.first(), bytes) }
    }
}

#[cfg(test)]
mod tests;
