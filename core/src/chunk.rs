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
//! `next` is the next free chunk of the same bin; `back` is the place that holds the link to this one, the `next` of
//! another chunk or the bin's head. So a chunk leaves its bin in O(1), whichever bin that is. The **footer**, the last
//! cell, tells the neighbour above where this chunk starts. A [granule](Granule) is roomy if it has the four cells; if not, a
//! size is kept odd and a link even, so that the second cell and the last tell one granule from more. (Boundary tags: Knuth,
//! The Art of Computer Programming, volume 1, section 2.5.)
//!
//! A chunk in use keeps nothing in itself: see [`map`](crate::map).

use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::granule::{Cell, Granule};
use crate::raw::{after, before};

/// A place that holds a link: a bin's head, or the `next` of a free chunk.
pub type Slot = NonNull<u8>;

/// Cells at a free chunk's start that it keeps something in, at most.
pub(crate) const KEPT_CELLS: usize = 3;

/// A free chunk, by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct FreeChunk<G>(NonNull<u8>, PhantomData<G>);

/// # Safety of its methods
/// All are unsafe for one reason: the chunk must be free, with its size written, and not written by others since, and
/// it must be in a bin. Where `MORE` is a parameter, it says whether the chunk, and with it all of its bin, has more than
/// one granule, or a roomy one. `base` is the base of its heap's links: where its bins are.
impl<G: Granule> FreeChunk<G> {
    const NEXT: usize = 0;
    const SIZE: usize = G::CELL;

    /// Where a chunk keeps `back`.
    #[inline(always)]
    const fn back_at<const MORE: bool>() -> usize {
        if MORE { 2 * G::CELL } else { G::CELL }
    }

    /// The free chunk at an address.
    ///
    /// # Safety
    /// One is there, or the granules are valid memory that nothing else uses, and it is about to be written.
    #[inline(always)]
    pub unsafe fn at(at: NonNull<u8>) -> Self {
        Self(at, PhantomData)
    }

    /// Its first byte.
    #[inline(always)]
    pub fn address(self) -> NonNull<u8> {
        self.0
    }

    /// Writes the size of a chunk of `bytes` bytes, two granules or more, or a roomy one, at both ends.
    ///
    /// # Safety
    /// The chunk's memory is valid, and nothing else uses it.
    #[inline(always)]
    pub(crate) unsafe fn write_size(self, bytes: usize) {
        // SAFETY: the chunk has the cells.
        unsafe {
            Cell::<G>::at(after(self.0, Self::SIZE)).set_size(bytes);
            Cell::<G>::at(before(after(self.0, bytes), G::CELL)).set_size(bytes);
        }
    }

    /// Its size in bytes, if it has more than one granule, or a roomy one.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn size_of_more(self) -> Option<usize> {
        // SAFETY: a free chunk has the cell.
        unsafe { Cell::<G>::at(after(self.0, Self::SIZE)).size() }
    }

    /// The size in bytes of the free chunk that ends where `end` starts, if it has more than one granule, or a roomy
    /// one.
    ///
    /// # Safety
    /// One does.
    #[inline(always)]
    pub(crate) unsafe fn size_of_more_below(end: NonNull<u8>) -> Option<usize> {
        // SAFETY: the cell below `end` is the footer of a free chunk.
        unsafe { Cell::<G>::at(before(end, G::CELL)).size() }
    }

    /// Its size in bytes.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn size(self) -> usize {
        // SAFETY: as for the type.
        unsafe { self.size_of_more() }.unwrap_or(G::BYTES)
    }

    /// The next chunk of its bin.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn next(self, base: NonNull<u8>) -> Option<Self> {
        // SAFETY: a chunk in a bin has the link.
        unsafe { Self::first_at(self.slot(), base) }
    }

    /// The chunk that the link at `slot` leads to.
    ///
    /// # Safety
    /// As for the type, of the chunk or bin that has the link.
    #[inline(always)]
    pub(crate) unsafe fn first_at(slot: Slot, base: NonNull<u8>) -> Option<Self> {
        // SAFETY: the slot holds a link.
        unsafe { Cell::<G>::at(slot).link(base) }.map(|chunk| Self(chunk, PhantomData))
    }

    /// The place of its `next`.
    #[inline(always)]
    pub(crate) fn slot(self) -> Slot {
        // SAFETY: a chunk has at least two cells.
        unsafe { after(self.0, Self::NEXT) }
    }

    /// The place that holds the link to it.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn back(self, base: NonNull<u8>) -> Slot {
        // SAFETY: a chunk in a bin has the link, where its size says.
        unsafe {
            if self.size_of_more().is_some() {
                self.back_of::<true>(base)
            } else {
                self.back_of::<false>(base)
            }
        }
    }

    #[inline(always)]
    unsafe fn back_of<const MORE: bool>(self, base: NonNull<u8>) -> Slot {
        // SAFETY: the chunk has the cell.
        unsafe { Cell::<G>::at(after(self.0, Self::back_at::<MORE>())).place(base) }
    }

    /// Makes `slot` the place that holds the link to it.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn set_back<const MORE: bool>(self, base: NonNull<u8>, slot: Slot) {
        // SAFETY: the chunk has the cell.
        unsafe { Cell::<G>::at(after(self.0, Self::back_at::<MORE>())).set_place(base, slot) }
    }

    /// Puts it at the head of the bin at `head`. Whether the bin was empty.
    ///
    /// # Safety
    /// As for the type, but that it is in no bin yet.
    #[inline(always)]
    pub(crate) unsafe fn link<const MORE: bool>(self, base: NonNull<u8>, head: Slot) -> bool {
        // SAFETY: the chunk's and its neighbours' links are ours to write.
        unsafe {
            let next = Self::first_at(head, base);
            Cell::<G>::at(self.slot()).copy_link(Cell::at(head));
            self.set_back::<MORE>(base, head);
            Cell::<G>::at(head).set_link(base, Some(self.0));
            if let Some(next) = next {
                next.set_back::<MORE>(base, self.slot());
            }
            next.is_none()
        }
    }

    /// Takes it out of its bin. The place that held the link to it, if that is at the end of the bin now.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn unlink<const MORE: bool>(self, base: NonNull<u8>) -> Option<Slot> {
        // SAFETY: a chunk in a bin has links, and so have its neighbours.
        unsafe {
            let (slot, next) = (self.back_of::<MORE>(base), self.next(base));
            Cell::<G>::at(slot).copy_link(Cell::at(self.slot()));
            match next {
                Some(next) => {
                    next.set_back::<MORE>(base, slot);
                    None
                }
                None => Some(slot),
            }
        }
    }

    /// Its footer: its size in bytes. For the full check and for pictures.
    ///
    /// # Safety
    /// As for the type; `bytes` bytes from its address on are valid memory.
    pub(crate) unsafe fn footer(self, bytes: usize) -> usize {
        // SAFETY: the cell lies in the chunk.
        unsafe { Self::size_of_more_below(after(self.0, bytes)) }.unwrap_or(G::BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArenaSource;
    use crate::granule::{OneWord, TwoWords, Within};

    type Roomy = Within<ArenaSource, TwoWords>;

    /// A bin's head, and granules behind it.
    #[repr(align(16))]
    struct Memory([u8; Self::BYTES]);

    impl Memory {
        const HEAD: usize = 16;
        const BYTES: usize = Self::HEAD + 64 * crate::GRANULE;

        fn filled(byte: u8) -> Self {
            let mut memory = Self([byte; Self::BYTES]);
            memory.0[..Self::HEAD].fill(0);
            memory
        }

        fn base(&mut self) -> NonNull<u8> {
            NonNull::from(&mut self.0).cast()
        }

        fn granule<G: Granule>(&mut self, g: usize) -> NonNull<u8> {
            // SAFETY: the tests have that many.
            unsafe { after(self.base(), Self::HEAD + g * G::BYTES) }
        }
    }

    /// Makes `size` granules a free chunk in the bin at `base`.
    unsafe fn put<G: Granule>(at: NonNull<u8>, size: usize, base: NonNull<u8>) -> FreeChunk<G> {
        // SAFETY: the granules are the test's own.
        unsafe {
            let chunk = FreeChunk::at(at);
            if size == 1 && !G::ROOMY {
                chunk.link::<false>(base, base);
            } else {
                chunk.write_size(size * G::BYTES);
                chunk.link::<true>(base, base);
            }
            chunk
        }
    }

    #[test]
    fn a_chunk_knows_its_size_from_both_ends() {
        knows_its_size::<TwoWords>();
        knows_its_size::<Roomy>();
        knows_its_size::<OneWord>();
    }

    fn knows_its_size<G: Granule>() {
        for size in 1..=32 {
            let mut memory = Memory::filled(0xff);
            let (at, end, base) = (memory.granule::<G>(3), memory.granule::<G>(3 + size), memory.base());
            // SAFETY: the granules are the test's own.
            unsafe {
                let chunk = put::<G>(at, size, base);
                let bytes = size * G::BYTES;
                assert_eq!((chunk.address(), chunk.size(), chunk.footer(bytes)), (at, bytes, bytes));
                assert_eq!(FreeChunk::<G>::size_of_more_below(end), (size > 1 || G::ROOMY).then_some(bytes));
            }
        }
    }

    #[test]
    fn a_chunk_writes_nothing_outside_itself() {
        writes_nothing_outside::<TwoWords>();
        writes_nothing_outside::<Roomy>();
        writes_nothing_outside::<OneWord>();
    }

    fn writes_nothing_outside<G: Granule>() {
        for size in 1..=4 {
            let mut memory = Memory::filled(0xa5);
            let (at, base) = (memory.granule::<G>(2), memory.base());
            // SAFETY: the granules are the test's own.
            unsafe { put::<G>(at, size, base) };
            let (start, end) = (Memory::HEAD + 2 * G::BYTES, Memory::HEAD + (2 + size) * G::BYTES);
            assert!(memory.0[Memory::HEAD..start].iter().all(|&byte| byte == 0xa5));
            assert!(memory.0[end..].iter().all(|&byte| byte == 0xa5));
        }
    }

    #[test]
    fn chunks_leave_a_list_from_anywhere() {
        leave_from_anywhere::<TwoWords>();
        leave_from_anywhere::<Roomy>();
        leave_from_anywhere::<OneWord>();
    }

    fn leave_from_anywhere<G: Granule>() {
        for size in [1, 2, 5] {
            for leaver in 0..3 {
                let mut memory = Memory::filled(0);
                let base = memory.base();
                // SAFETY: the granules are the test's own, and the head stands below them.
                unsafe {
                    let chunks = [0, 10, 20].map(|g| put::<G>(memory.granule::<G>(g), size, base));
                    let place = chunks[leaver].back(base);
                    let end = if size == 1 && !G::ROOMY {
                        chunks[leaver].unlink::<false>(base)
                    } else {
                        chunks[leaver].unlink::<true>(base)
                    };
                    assert_eq!(end, (leaver == 0).then_some(place));
                    let mut expected = std::vec![chunks[2], chunks[1], chunks[0]];
                    expected.retain(|&chunk| chunk != chunks[leaver]);
                    let (mut seen, mut at) = (std::vec![], base);
                    while let Some(chunk) = FreeChunk::<G>::first_at(at, base) {
                        assert_eq!((chunk.back(base), chunk.size()), (at, size * G::BYTES));
                        seen.push(chunk);
                        at = chunk.slot();
                    }
                    assert_eq!(seen, expected);
                }
            }
        }
    }
}
