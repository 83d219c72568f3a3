//! The unit of memory: two words, or one in a compact heap.

use core::fmt::Debug;
use core::ptr::NonNull;

use crate::raw::{after, distance};

/// Bytes in a granule of all heaps but [compact](crate::Compact) ones: two words, so that a free chunk of one granule holds
/// its two links. Every chunk is a whole number of granules, and every pointer the heap hands out a multiple of it.
pub const GRANULE: usize = <TwoWords>::BYTES;

/// The unit of a heap's memory, and how a free chunk of one unit holds two links: a **cell** each.
pub trait Granule: sealed::Cells {
    /// Bytes in a granule.
    const BYTES: usize;
    /// The bytes over which links of one heap reach.
    const REACH: usize;
    /// Words of marks that stand beside the fields of as many granules as a word has bits, in the map.
    const MARKS: usize = 0;
}

/// Granules of two words: a link is a pointer, and leads anywhere. In heaps of which others free blocks, marks stand in the
/// map, so that one line of the cache has all that is known of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoWords<const MARKS: usize = 0>;

/// Granules of one word: a link is half a word, and counts cells from the heap's bins on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneWord;

impl<const MARKS: usize> Granule for TwoWords<MARKS> {
    const BYTES: usize = 2 * size_of::<usize>();
    const REACH: usize = usize::MAX;
    const MARKS: usize = MARKS;
}

impl Granule for OneWord {
    const BYTES: usize = size_of::<usize>();
    // A bit tells a size from a link.
    const REACH: usize = (1 << (Half::BITS - 1)) * size_of::<Half>();
}

/// Half a word.
#[cfg(target_pointer_width = "64")]
type Half = u32;
#[cfg(target_pointer_width = "32")]
type Half = u16;

/// Added to sizes as they are kept: a link is even.
const IS_SIZE: usize = 1;

use sealed::Cells;

mod sealed {
    use super::{Debug, NonNull};

    /// What stands in a cell: a link to a free chunk, a place that holds such a link, or a size.
    ///
    /// # Safety of its methods
    /// All are unsafe for one reason: `cell` must be the address of a cell that nobody else uses, and one that is read must
    /// hold what is read. `base` is the same for all of a heap's cells, and what a link leads to lies in its allocation and
    /// within reach above it, where that is limited.
    pub trait Cells: Debug + Copy + Eq + 'static {
        /// Bytes in a cell.
        const CELL: usize;

        /// The address of a chunk, if it is one.
        unsafe fn link(base: NonNull<u8>, cell: NonNull<u8>) -> Option<NonNull<u8>>;
        /// Writes the address of a chunk, or that there is none.
        unsafe fn set_link(base: NonNull<u8>, cell: NonNull<u8>, chunk: Option<NonNull<u8>>);
        /// The address of a cell.
        unsafe fn place(base: NonNull<u8>, cell: NonNull<u8>) -> NonNull<u8>;
        /// Writes the address of a cell.
        unsafe fn set_place(base: NonNull<u8>, cell: NonNull<u8>, place: NonNull<u8>);
        /// A number of bytes, whole granules, if it is one.
        unsafe fn size(cell: NonNull<u8>) -> Option<usize>;
        /// Writes a number of bytes, whole granules.
        unsafe fn set_size(cell: NonNull<u8>, bytes: usize);
    }
}

impl<const MARKS: usize> Cells for TwoWords<MARKS> {
    const CELL: usize = size_of::<usize>();

    #[inline(always)]
    unsafe fn link(_base: NonNull<u8>, cell: NonNull<u8>) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says.
        unsafe { cell.cast::<Option<NonNull<u8>>>().read() }
    }

    #[inline(always)]
    unsafe fn set_link(_base: NonNull<u8>, cell: NonNull<u8>, chunk: Option<NonNull<u8>>) {
        // SAFETY: as the caller says.
        unsafe { cell.cast::<Option<NonNull<u8>>>().write(chunk) };
    }

    #[inline(always)]
    unsafe fn place(_base: NonNull<u8>, cell: NonNull<u8>) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe { cell.cast::<NonNull<u8>>().read() }
    }

    #[inline(always)]
    unsafe fn set_place(_base: NonNull<u8>, cell: NonNull<u8>, place: NonNull<u8>) {
        // SAFETY: as the caller says.
        unsafe { cell.cast::<NonNull<u8>>().write(place) };
    }

    #[inline(always)]
    unsafe fn size(cell: NonNull<u8>) -> Option<usize> {
        // SAFETY: as the caller says.
        let word = unsafe { cell.cast::<usize>().read() };
        if word & IS_SIZE != 0 { Some(word - IS_SIZE) } else { None }
    }

    #[inline(always)]
    unsafe fn set_size(cell: NonNull<u8>, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe { cell.cast::<usize>().write(bytes + IS_SIZE) };
    }
}

impl OneWord {
    /// What a cell holds, even if it is a link.
    #[inline(always)]
    unsafe fn read(cell: NonNull<u8>) -> usize {
        // SAFETY: as the caller says.
        unsafe { cell.cast::<Half>().read() as usize }
    }

    #[inline(always)]
    unsafe fn write(cell: NonNull<u8>, what: usize) {
        // SAFETY: as the caller says.
        unsafe { cell.cast::<Half>().write(what as Half) };
    }

    /// Twice the number of cells below a cell.
    #[inline(always)]
    fn number_of(base: NonNull<u8>, place: NonNull<u8>) -> usize {
        distance(base, place) / Self::CELL * 2
    }

    #[inline(always)]
    unsafe fn numbered(base: NonNull<u8>, number: usize) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe { after(base, number / 2 * Self::CELL) }
    }
}

impl Cells for OneWord {
    const CELL: usize = size_of::<Half>();

    #[inline(always)]
    unsafe fn link(base: NonNull<u8>, cell: NonNull<u8>) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says. The first cell is a bin's, not a chunk's.
        unsafe {
            let number = Self::read(cell);
            if number == 0 { None } else { Some(Self::numbered(base, number)) }
        }
    }

    #[inline(always)]
    unsafe fn set_link(base: NonNull<u8>, cell: NonNull<u8>, chunk: Option<NonNull<u8>>) {
        // SAFETY: as the caller says.
        unsafe { Self::write(cell, chunk.map_or(0, |chunk| Self::number_of(base, chunk))) };
    }

    #[inline(always)]
    unsafe fn place(base: NonNull<u8>, cell: NonNull<u8>) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe { Self::numbered(base, Self::read(cell)) }
    }

    #[inline(always)]
    unsafe fn set_place(base: NonNull<u8>, cell: NonNull<u8>, place: NonNull<u8>) {
        // SAFETY: as the caller says.
        unsafe { Self::write(cell, Self::number_of(base, place)) };
    }

    #[inline(always)]
    unsafe fn size(cell: NonNull<u8>) -> Option<usize> {
        // SAFETY: as the caller says.
        let number = unsafe { Self::read(cell) };
        if number & IS_SIZE != 0 { Some(number / 2 * Self::BYTES) } else { None }
    }

    #[inline(always)]
    unsafe fn set_size(cell: NonNull<u8>, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe { Self::write(cell, bytes / Self::BYTES * 2 + IS_SIZE) };
    }
}

/// The granules that `bytes` fill; one at least, so that every block in use has an address of its own.
#[inline(always)]
pub(crate) const fn granules<G: Granule>(bytes: usize) -> usize {
    // Nothing rounds up as one byte does.
    let bytes = bytes + (bytes == 0) as usize;
    (bytes - 1) / G::BYTES + 1
}

/// The bytes of the granules that `bytes` bytes fill: none for none, nor for so many that no address space has them.
#[inline(always)]
pub(crate) const fn rounded<G: Granule>(bytes: usize) -> usize {
    bytes.wrapping_add(G::BYTES - 1) & !(G::BYTES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_up_to_granules_and_never_to_none() {
        round_up::<TwoWords>();
        round_up::<OneWord>();
    }

    fn round_up<G: Granule>() {
        assert_eq!(granules::<G>(0), 1);
        assert_eq!(granules::<G>(1), 1);
        assert_eq!(granules::<G>(G::BYTES), 1);
        assert_eq!(granules::<G>(G::BYTES + 1), 2);
        assert_eq!(granules::<G>(usize::MAX), usize::MAX / G::BYTES + 1);
        let expected =
            [(0, 0), (1, G::BYTES), (G::BYTES, G::BYTES), (G::BYTES + 1, 2 * G::BYTES), (usize::MAX, 0)];
        for (bytes, rounded_up) in expected {
            assert_eq!(rounded::<G>(bytes), rounded_up);
        }
    }

    #[test]
    fn cells_hold_what_they_were_given() {
        hold::<TwoWords>(usize::MAX / 4 * 2);
        hold::<OneWord>(OneWord::REACH);
    }

    fn hold<G: Granule>(largest: usize) {
        let mut memory = [0_usize; 8];
        let base = NonNull::from(&mut memory).cast::<u8>();
        // SAFETY: the cells are the test's own, and all that is linked to lies in them.
        unsafe {
            let (cell, far) = (after::<u8>(base, G::CELL), after::<u8>(base, 6 * G::CELL));
            G::set_link(base, cell, Some(far));
            assert_eq!((G::link(base, cell), G::size(cell)), (Some(far), None));
            G::set_link(base, cell, None);
            assert_eq!((G::link(base, cell), G::size(cell)), (None, None));
            for place in [base, far] {
                G::set_place(base, cell, place);
                assert_eq!((G::place(base, cell), G::size(cell)), (place, None));
            }
            for bytes in [2 * G::BYTES, largest - largest % G::BYTES - G::BYTES] {
                G::set_size(cell, bytes);
                assert_eq!(G::size(cell), Some(bytes));
            }
            assert_eq!(memory.as_ptr().cast::<u8>().add(2 * G::CELL).read(), 0);
        }
    }
}
