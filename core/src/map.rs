//! Floor 2: the granule map: where chunks start, and which are free.
//!
//! Each granule has a field of two bits, `used` and `edge`:
//!
//! ```text
//!   used edge   this granule is
//!     0    0    inside a chunk, not its first
//!     0    1    the first of a free chunk
//!     1    0    the first of a chunk in use; the chunk below is in use too
//!     1    1    the first of a chunk in use; the chunk below is free
//! ```
//!
//! So an **edge** is where a free chunk starts or ends. As no two of them touch, the map changes the same way whatever
//! splits or merges. Handing out the granules `[g, e)`, or taking them back, is always `field[g] ^= 11` and
//! `field[e] ^= 01`:
//!
//! ```text
//!             g           e                            g           e
//!   free      01  00  00  00  00 │11      in use       11  00  00 │01       (free below and above)
//!   ^= 11, 01 10  00  00  01  00 │11      ^= 11, 01    00  00  00 │00       (one free chunk, all merged)
//! ```
//!
//! The bits of [`WORD_GRANULES`] granules stand in an **entry** of two words, `used` and `edges`. So one look tells of a
//! chunk in use where it ends and whether its neighbours are free. A long chunk covers whole entries, which would
//! say nothing; the first of them keeps the **note** of its end instead, so that the end is found in O(1) from any start:
//!
//! ```text
//!   entry    0                1                2                3
//!   used    ..1.............  ................  ................  .....1..........
//!   edges   ................  [ end      ] 11  ................  ................
//! ```
//!
//! A note cannot be taken for fields: where no `used` bit is set, the two lowest granules would be two free chunks that
//! touch. And no granule in an entry with a note seems to be the start of a chunk in use.
//!
//! Taking chunks back is in the file `give`, what concerns long ones in `long`, the words of an entry in `entry`, what the map says of any granule at all in
//! `fields`.
//!
//! # Of heaps whose blocks others free
//!
//! There an entry has four words, so that what is to be known of a block stands in one line of the cache:
//!
//! ```text
//!   start   a chunk starts here             edge     a free chunk starts or ends here
//!   live    the block was handed out        posted   it was freed from elsewhere, and is on its way back
//! ```
//!
//! A block that waits differs in its `live` bit alone from one that does not: to let it wait, or hand it out again, flips
//! that bit. The end of any chunk, whoever looks meanwhile, is the next start. Whether a chunk that is not live waits or is
//! free, an edge at its start does not tell by itself, but together with whether the chunk below is free: one of the two is.
//! That is known wherever it is asked.
//!
//! What the map cannot see is a use after free: it says where chunks are, not who looks at them.

mod bits;
mod entry;
mod fields;
mod give;
mod live;
mod long;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
mod rows;
mod spaced;
mod sweep;
mod view;

use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

pub use bits::Bits;
use entry::flip;
pub use entry::{Entry, Fields, Plain};
pub use live::{Glance, Live};
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
pub use rows::{Row, Unused};
use spaced::spaced;
pub use view::{InUse, Neighbours, Upper, View};

use crate::granule::Granule;
use crate::raw::{WORD, after};

/// Granules whose fields share an entry.
pub const WORD_GRANULES: usize = usize::BITS as usize;

/// What the map says of one granule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Inside a chunk, not its first granule.
    Interior,
    /// The first granule of a free chunk.
    Free,
    /// The first granule of a chunk in use.
    Used {
        /// Whether the chunk below is free.
        lower_free: bool,
    },
}

/// The map of one span: a view of its words.
///
/// # Safety of its methods
/// All are unsafe for one reason: the words must be a map's, at least the [`entries`] of the granules asked
/// about, and nobody else may write them meanwhile.
#[derive(Debug)]
pub struct Map<G>(NonNull<u8>, PhantomData<G>);

impl<G> Clone for Map<G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<G> Copy for Map<G> {}

/// Entries for `granules` granules and the boundary at their end.
#[inline]
pub const fn entries(granules: usize) -> usize {
    granules / WORD_GRANULES + 1
}

impl<G: Granule> Map<G> {
    /// Bytes between the start of a span's block and its map. Entries are counted from there, so that an address and where its
    /// entry stands are found from the same pointer. A multiple of an entry, so that none lies across two lines of the cache.
    /// Where blocks are freed from elsewhere, nothing depends on the source, which is not known there.
    pub const ABOVE: usize = if G::COUNTED && !G::Entry::LIVE { 6 * WORD } else { 8 * WORD };

    /// Words of an entry.
    pub const ENTRY: usize = size_of::<G::Entry>() / WORD;

    /// The map whose first entry stands [`ABOVE`](Self::ABOVE) bytes above `block`.
    #[inline(always)]
    pub const fn of(block: NonNull<u8>) -> Self {
        Self(block, PhantomData)
    }

    /// Makes an empty map of `granules` granules: `[first, end)` is one free chunk, and the boundary at its end
    /// counts as in use for ever, so that no merge runs over it. O(granules), O(1) if the memory is `zeroed`.
    ///
    /// # Safety
    /// As for the type; `first < end <= granules`.
    pub unsafe fn initialize(self, first: usize, end: usize, granules: usize, zeroed: bool) {
        // SAFETY: the caller gives the words for these granules.
        unsafe {
            if !zeroed {
                after::<usize>(self.0, Self::ABOVE).write_bytes(0, Self::ENTRY * entries(granules));
            }
            self.flip_edge(first);
            self.entry_at(first).start(bit(first));
            self.flip_edge(end);
            self.entry_at(end).start_waiting(bit(end));
        }
    }

    /// The entry of granule `g`, from there on. O(1).
    ///
    /// # Safety
    /// As for the type; the map stays as long as the view is used.
    #[inline(always)]
    pub unsafe fn view(self, g: usize) -> View<G::Entry> {
        // SAFETY: the caller gives a granule of the map.
        unsafe { View::new(NonNull::from_ref(self.entry_at(g)), g) }
    }

    /// What is to be known of the chunk in use that starts at `g`; `None` if none does. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn in_use(self, g: usize) -> Option<InUse> {
        // SAFETY: the caller gives a granule of the map.
        unsafe {
            let view = self.view(g);
            if view.is_used() { Some(self.extent_of(view, g)) } else { None }
        }
    }

    /// What is to be known of the chunk that starts at `g` and is not free, waiting or not. O(1).
    ///
    /// # Safety
    /// As for the type; such a chunk does.
    #[inline(always)]
    pub unsafe fn extent(self, g: usize) -> InUse {
        // SAFETY: as the caller says.
        unsafe { self.extent_of(self.view(g), g) }
    }

    /// [`extent`](Self::extent), of a chunk that ends before `end`.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub unsafe fn extent_to(self, g: usize, end: usize) -> InUse {
        // SAFETY: the caller gives granules of the map.
        unsafe { InUse { end, neighbours: Neighbours::between(self.edges_from(g), self.edges_from(end)) } }
    }

    /// [`extent`](Self::extent), given the view from `g` on.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    unsafe fn extent_of(self, view: View<G::Entry>, g: usize) -> InUse {
        if let Some(size) = view.size() {
            return InUse { end: g + size, neighbours: view.neighbours(size) };
        }
        // SAFETY: the chunk goes on into the next entry.
        unsafe {
            let (end, upper) = self.end_beyond(g);
            InUse { end, neighbours: view.neighbours_with(upper) }
        }
    }

    /// Whether `g`, a start above a chunk that is not free, or above none, starts a free chunk.
    ///
    /// # Safety
    /// As for the type; `g` is such a start, or the end.
    #[inline(always)]
    pub unsafe fn is_free(self, g: usize) -> bool {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.entry_at(g) }.edges().load(Relaxed) & bit(g) != 0
    }

    /// Hands `[g, end)` out: out of a free chunk that starts at `g`, or contains it.
    ///
    /// # Safety
    /// As for the type; the granules are free and lie in one chunk.
    #[inline(always)]
    pub unsafe fn take(self, g: usize, end: usize) {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            self.hand_out(g, end);
            self.note(g, end);
        }
    }

    /// Hands `count` chunks of `size` granules each out, one above the other from `g` on, all but the first to wait. None of
    /// them is long. `more` is told of those: the index of each entry that they start in, and the bits of their granules there.
    ///
    /// # Safety
    /// As for [`take`](Self::take).
    #[inline(always)]
    pub unsafe fn take_many(self, g: usize, size: usize, count: usize, mut more: impl FnMut(usize, usize)) {
        let end = g + count * size;
        // SAFETY: the caller gives granules of the map.
        unsafe {
            self.hand_out(g, end);
            for (index, bits) in spaced(g + size, size, end) {
                self.entry(index).start_waiting(bits);
                more(index, bits);
            }
        }
    }

    /// Splits a chunk in use, which is not long: from `g` on it is another, which waits.
    ///
    /// # Safety
    /// As for the type; `g` is inside such a chunk.
    #[inline(always)]
    pub unsafe fn split_waiting(self, g: usize) {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.entry_at(g) }.start_waiting(bit(g));
    }

    /// Moves the boundary at the end from `end` to `new`. The granules between the two come out of the free chunk that ends there,
    /// or become or join one.
    ///
    /// # Safety
    /// As for the type; the granules are such.
    pub unsafe fn move_boundary(self, end: usize, new: usize) {
        for boundary in [end, new] {
            // SAFETY: the caller gives granules of the map.
            unsafe {
                self.flip_edge(boundary);
                flip(self.entry_at(boundary).used(), bit(boundary));
            }
        }
    }

    /// Moves the end of the chunk in use at `g` from `end` to `new_end`. The granules between the two come out of, or
    /// become or join, the free chunk above.
    ///
    /// # Safety
    /// As for the type; on growth, a free chunk starts at `end` and holds `new_end - end` granules or more; on a
    /// shrink, `new_end` is above `g`.
    pub unsafe fn move_end(self, g: usize, end: usize, new_end: usize) {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            self.forget(g, end);
            self.flip_and_merge(end);
            self.flip_edge(new_end);
            self.entry_at(new_end).start(bit(new_end));
            self.note(g, new_end);
        }
    }

    /// Entry `index`.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    unsafe fn entry(&self, index: usize) -> &G::Entry {
        // SAFETY: the caller gives an entry of the map.
        unsafe { after(self.0, Self::ABOVE + index * size_of::<G::Entry>()).as_ref() }
    }

    /// Granule `g`'s entry.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    unsafe fn entry_at(&self, g: usize) -> &G::Entry {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.entry(g / WORD_GRANULES) }
    }

    /// What hands `[g, end)` out.
    #[inline(always)]
    unsafe fn hand_out(self, g: usize, end: usize) {
        // SAFETY: the caller gives granules of the map.
        unsafe {
            let entry = self.entry_at(g);
            flip(entry.used(), bit(g));
            flip(entry.edges(), bit(g));
            entry.start(bit(g));
            self.flip_edge(end);
            self.entry_at(end).start(bit(end));
        }
    }

    /// The edges of the entry of `g`, from there on.
    #[inline(always)]
    unsafe fn edges_from(self, g: usize) -> usize {
        // SAFETY: the caller gives a granule of the map.
        unsafe { self.entry_at(g) }.edges().load(Relaxed) >> (g % WORD_GRANULES)
    }

    #[inline(always)]
    unsafe fn flip_edge(self, g: usize) {
        // SAFETY: the caller gives a granule of the map.
        flip(unsafe { self.entry_at(g) }.edges(), bit(g));
    }
}

impl<G: Granule<Entry = Live>> Map<G> {
    /// What stands in the map from granule `g` on. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn glance(self, g: usize) -> Glance {
        // SAFETY: the caller gives a granule of the map.
        Glance::new(unsafe { NonNull::from_ref(self.entry_at(g)) }, g)
    }
}

/// The bit of granule `g` in its entry.
#[inline(always)]
const fn bit(g: usize) -> usize {
    1 << (g % WORD_GRANULES)
}

#[cfg(test)]
mod tests;
