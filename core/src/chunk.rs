//! Floor 3: free chunks: what one keeps of itself, in itself.
//!
//! ```text
//!   any chunk of a roomy granule  cell   one granule
//!   others from two on                   that is not roomy
//!   ┌───────────────────────┐            ┌───────────────────────┐
//!   │ next                  │      0     │ next                  │
//!   │ size                  │      1     │ back                  │
//!   │ back                  │      2     └───────────────────────┘
//!   │ …                     │
//!   │ footer: size          │   the last
//!   └───────────────────────┘
//! ```
//!
//! `next` is the next free chunk of the same bin; `back` is the position that holds the link to this one, the `next` of
//! another chunk or the bin's head. So a chunk leaves its bin in O(1), whichever bin that is. The last of a bin links to the
//! [sentinel](Position::sentinel), which may be written as if it had a way back, and says no size. The **footer**, the last
//! cell, tells the neighbour above where this chunk starts. A [granule](Granule) is roomy if it has the four cells; if not, a
//! size is kept odd and a link even, so that the second cell and the last tell one granule from more. (Boundary tags: Knuth,
//! The Art of Computer Programming, volume 1, section 2.5.)
//!
//! A chunk in use keeps nothing in itself: see [`map`](crate::map).

use core::ptr::NonNull;

use crate::granule::{Granule, Position};

/// Cells at a free chunk's start that it keeps something in, at most.
pub(crate) const KEPT_CELLS: usize = 3;

/// Cells of a [blank](FreeChunk::lay_blank).
pub(crate) const BLANK_CELLS: usize = 3;

/// A free chunk, by its position.
#[derive(Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct FreeChunk<G>(Position<G>);

impl<G> Clone for FreeChunk<G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<G> Copy for FreeChunk<G> {}

/// # Safety of its methods
/// All are unsafe for one reason: the chunk must be free, with its size written, and not written by others since, and
/// it must be in a bin. Where `MORE` is a parameter, it says whether the chunk, and with it all of its bin, has more than
/// one granule, or a roomy one. `base` is its heap's.
impl<G: Granule> FreeChunk<G> {
    const SIZE: usize = 1;

    /// The cell where a chunk keeps `back`.
    #[inline(always)]
    const fn back_at<const MORE: bool>() -> usize {
        if MORE { 2 } else { 1 }
    }

    /// The free chunk at a position.
    ///
    /// # Safety
    /// One is there, or the granules are valid memory that nothing else uses, and it is about to be written.
    #[inline(always)]
    pub unsafe fn at(position: Position<G>) -> Self {
        Self(position)
    }

    /// Where it is, and so the position of its `next`.
    #[inline(always)]
    pub fn position(self) -> Position<G> {
        self.0
    }

    /// Writes the size of a chunk of `size` granules, two or more, or a roomy one, at both ends.
    ///
    /// # Safety
    /// The chunk's memory is valid, and nothing else uses it.
    #[inline(always)]
    pub(crate) unsafe fn write_size(self, base: NonNull<u8>, size: usize) {
        // SAFETY: the chunk has the cells.
        unsafe {
            self.0.cells_up(Self::SIZE).set_size(base, size);
            self.0.up(size).cell_down().set_size(base, size);
        }
    }

    /// Has the [sentinel](Position::sentinel) say that it has no size.
    ///
    /// # Safety
    /// The second cell at the base is ours to write.
    pub(crate) unsafe fn lay_sentinel(base: NonNull<u8>) {
        let sentinel = Position::sentinel(base);
        // SAFETY: as the caller says.
        unsafe {
            let cell = Position::<G>::cells_up(sentinel, Self::SIZE);
            if G::ROOMY { cell.set_size(base, 0) } else { cell.set_link(base, sentinel) }
        }
    }

    /// Makes a **blank** of three cells: a chunk of no granules in a bin of its own, from which it may be taken any number of times,
    /// and nothing has changed.
    ///
    /// # Safety
    /// The cells at `blank` are ours to write, now and later.
    pub(crate) unsafe fn lay_blank(base: NonNull<u8>, blank: Position<G>) {
        // SAFETY: as the caller says.
        unsafe {
            blank.set_link(base, blank);
            blank.cells_up(Self::SIZE).set_size(base, 0);
            Self(blank).set_back::<true>(base, blank);
        }
    }

    /// The cell that says the size of the blank at `blank`.
    ///
    /// # Safety
    /// One is there.
    #[inline(always)]
    pub(crate) unsafe fn size_cell(blank: Position<G>) -> Position<G> {
        // SAFETY: as the caller says.
        unsafe { blank.cells_up(Self::SIZE) }
    }

    /// Its size in granules, if it has more than one, or a roomy one.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn size_of_more(self, base: NonNull<u8>) -> Option<usize> {
        // SAFETY: a free chunk has the cell.
        unsafe { self.0.cells_up(Self::SIZE).size(base) }
    }

    /// The size in granules of the free chunk that ends where `end` starts, if it has more than one, or a roomy one.
    ///
    /// # Safety
    /// One does.
    #[inline(always)]
    pub(crate) unsafe fn size_of_more_below(base: NonNull<u8>, end: Position<G>) -> Option<usize> {
        // SAFETY: the cell below `end` is the footer of a free chunk.
        unsafe { end.cell_down().size(base) }
    }

    /// The size in granules of the free chunk that ends where `end` starts.
    ///
    /// # Safety
    /// One does.
    pub(crate) unsafe fn size_below(base: NonNull<u8>, end: Position<G>) -> usize {
        // SAFETY: as the caller says.
        unsafe { Self::size_of_more_below(base, end) }.unwrap_or(1)
    }

    /// Its size in granules.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn size(self, base: NonNull<u8>) -> usize {
        // SAFETY: as for the type.
        unsafe { self.size_of_more(base) }.unwrap_or(1)
    }

    /// The next chunk of its bin.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn next(self, base: NonNull<u8>) -> Option<Self> {
        // SAFETY: a chunk in a bin has the link.
        unsafe { Self::first_at(base, self.0) }
    }

    /// The chunk that the link at `slot` leads to, if it does: a bin's head, or the `next` of a free chunk.
    ///
    /// # Safety
    /// As for the type, of the chunk or bin that has the link.
    #[inline(always)]
    pub(crate) unsafe fn first_at(base: NonNull<u8>, slot: Position<G>) -> Option<Self> {
        // SAFETY: the slot holds a link.
        unsafe { slot.link(base) }.unless_sentinel(base).map(Self)
    }

    /// The position that holds the link to it, if it says one. For the full check and for pictures.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn back(self, base: NonNull<u8>) -> Option<Position<G>> {
        // SAFETY: a chunk in a bin has the link, where its size says.
        unsafe {
            let cell = if self.size_of_more(base).is_some() {
                Self::back_at::<true>()
            } else {
                Self::back_at::<false>()
            };
            self.0.cells_up(cell).link(base).unless_sentinel(base)
        }
    }

    #[inline(always)]
    unsafe fn back_of<const MORE: bool>(self, base: NonNull<u8>) -> Position<G> {
        // SAFETY: the chunk has the cell.
        unsafe { self.0.cells_up(Self::back_at::<MORE>()).link(base) }
    }

    /// Makes `slot` the position that holds the link to it.
    ///
    /// # Safety
    /// As for the type; or it is the end.
    #[inline(always)]
    pub(crate) unsafe fn set_back<const MORE: bool>(self, base: NonNull<u8>, slot: Position<G>) {
        // SAFETY: the chunk has the cell.
        unsafe { self.0.cells_up(Self::back_at::<MORE>()).set_link(base, slot) }
    }

    /// Puts it where `head` is the position that holds the link to it: a bin's head, or another chunk of the bin.
    ///
    /// # Safety
    /// As for the type, but that it is in no bin yet.
    #[inline(always)]
    pub(crate) unsafe fn link<const MORE: bool>(self, base: NonNull<u8>, head: Position<G>) {
        // SAFETY: the chunk's and its neighbours' links are ours to write.
        unsafe {
            let next = head.link(base);
            self.0.set_link(base, next);
            self.set_back::<MORE>(base, head);
            head.set_link(base, self.0);
            Self(next).set_back::<MORE>(base, self.0);
        }
    }

    /// Where it is to be put into the bin at `head`: behind the first chunk, if that lies below it, or else before.
    ///
    /// # Safety
    /// As for the type, but that it is in no bin yet.
    #[inline(always)]
    pub(crate) unsafe fn behind_lower(self, base: NonNull<u8>, head: Position<G>) -> Position<G> {
        // SAFETY: the head holds a link.
        let first = unsafe { head.link(base) };
        if first.is_chunk_below(base, self.0) { first } else { head }
    }

    /// Takes it out of its bin. The position that held the link to it, and whether that is at the end of the bin now.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn unlink<const MORE: bool>(self, base: NonNull<u8>) -> (Position<G>, bool) {
        // SAFETY: a chunk in a bin has links, and so have its neighbours.
        unsafe {
            let (slot, next) = (self.back_of::<MORE>(base), self.0.link(base));
            slot.set_link(base, next);
            Self(next).set_back::<MORE>(base, slot);
            (slot, next.is_sentinel(base))
        }
    }

    /// Takes it out of its bin, at whose head it is. Whether it was the last.
    ///
    /// # Safety
    /// As for the type; the bin's head is at `head`.
    #[inline(always)]
    pub(crate) unsafe fn unlink_first<const MORE: bool>(self, base: NonNull<u8>, head: Position<G>) -> bool {
        // SAFETY: a chunk in a bin has links, and so have its neighbours.
        unsafe {
            let next = self.0.link(base);
            head.set_link(base, next);
            Self(next).set_back::<MORE>(base, head);
            next.is_sentinel(base)
        }
    }

    /// Its footer: its size in granules. For the full check and for pictures.
    ///
    /// # Safety
    /// As for the type; `size` granules from its position on are valid memory.
    pub(crate) unsafe fn footer(self, base: NonNull<u8>, size: usize) -> usize {
        // SAFETY: the cell lies in the chunk.
        unsafe { Self::size_of_more_below(base, self.0.up(size)) }.unwrap_or(1)
    }
}

#[cfg(test)]
mod tests;
