//! A cell: where a free chunk, or a bin, keeps a link or a size.

use core::marker::PhantomData;
use core::ptr::NonNull;

use super::Granule;
use crate::raw::{after, distance};

/// Half a word.
#[cfg(target_pointer_width = "64")]
pub(super) type Half = u32;
#[cfg(target_pointer_width = "32")]
pub(super) type Half = u16;

/// Added to sizes as they are kept, where they are to be told from links: those are even there.
const IS_SIZE: usize = 1;

/// A cell, by its address. What stands in it: a link to a free chunk, the place of a cell that holds such a link, or a size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell<G>(NonNull<u8>, PhantomData<G>);

/// # Safety of its methods
/// All are unsafe for one reason: nobody else may use the cell, and one that is read must hold what is read. `base` is the
/// same for all of a heap's cells, and what a link leads to lies in its allocation and within reach above it, where that is
/// limited.
impl<G: Granule> Cell<G> {
    /// How far the numbers of neighbouring cells are apart: where sizes are told from links by the lowest bit, it is free.
    const SCALE: usize = if G::ROOMY { 1 } else { 2 };

    /// The cell at an address.
    #[inline(always)]
    pub(crate) fn at(address: NonNull<u8>) -> Self {
        Self(address, PhantomData)
    }

    /// The address of a chunk, if it is one.
    #[inline(always)]
    pub(crate) unsafe fn link(self, base: NonNull<u8>) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says. The first cell is a bin's, not a chunk's.
        unsafe {
            if !G::COUNTED {
                return self.0.cast::<Option<NonNull<u8>>>().read();
            }
            let number = self.number();
            if number == 0 { None } else { Some(Self::numbered(base, number)) }
        }
    }

    /// Writes the address of a chunk, or that there is none.
    #[inline(always)]
    pub(crate) unsafe fn set_link(self, base: NonNull<u8>, chunk: Option<NonNull<u8>>) {
        // SAFETY: as the caller says.
        unsafe {
            if G::COUNTED {
                self.set_number(chunk.map_or(0, |chunk| Self::number_of(base, chunk)));
            } else {
                self.0.cast::<Option<NonNull<u8>>>().write(chunk);
            }
        }
    }

    /// Writes the link that stands in another cell.
    #[inline(always)]
    pub(crate) unsafe fn copy_link(self, from: Self) {
        // SAFETY: as the caller says, of both.
        unsafe {
            if G::COUNTED {
                self.set_number(from.number());
            } else {
                self.0.cast::<Option<NonNull<u8>>>().write(from.0.cast().read());
            }
        }
    }

    /// The address of a cell.
    #[inline(always)]
    pub(crate) unsafe fn place(self, base: NonNull<u8>) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe {
            if G::COUNTED { Self::numbered(base, self.number()) } else { self.0.cast::<NonNull<u8>>().read() }
        }
    }

    /// Writes the address of a cell.
    #[inline(always)]
    pub(crate) unsafe fn set_place(self, base: NonNull<u8>, place: NonNull<u8>) {
        // SAFETY: as the caller says.
        unsafe {
            if G::COUNTED {
                self.set_number(Self::number_of(base, place));
            } else {
                self.0.cast::<NonNull<u8>>().write(place);
            }
        }
    }

    /// A number of bytes, whole granules, if it is one.
    #[inline(always)]
    pub(crate) unsafe fn size(self) -> Option<usize> {
        // SAFETY: as the caller says.
        let number = unsafe { if G::COUNTED { self.number() } else { self.0.cast::<usize>().read() } };
        match (G::COUNTED, G::ROOMY) {
            (true, true) => Some(number * G::BYTES),
            _ if number & IS_SIZE == 0 => None,
            (true, false) => Some(number / 2 * G::BYTES),
            (false, _) => Some(number - IS_SIZE),
        }
    }

    /// Writes a number of bytes, whole granules.
    #[inline(always)]
    pub(crate) unsafe fn set_size(self, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe {
            match (G::COUNTED, G::ROOMY) {
                (true, true) => self.set_number(bytes / G::BYTES),
                (true, false) => self.set_number(bytes / G::BYTES * 2 + IS_SIZE),
                (false, _) => self.0.cast::<usize>().write(bytes + IS_SIZE),
            }
        }
    }

    #[inline(always)]
    unsafe fn number(self) -> usize {
        // SAFETY: as the caller says.
        unsafe { self.0.cast::<Half>().read() as usize }
    }

    #[inline(always)]
    unsafe fn set_number(self, number: usize) {
        // SAFETY: as the caller says.
        unsafe { self.0.cast::<Half>().write(number as Half) };
    }

    #[inline(always)]
    fn number_of(base: NonNull<u8>, place: NonNull<u8>) -> usize {
        distance(base, place) / G::CELL * Self::SCALE
    }

    #[inline(always)]
    unsafe fn numbered(base: NonNull<u8>, number: usize) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe { after(base, number / Self::SCALE * G::CELL) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OneWord, TwoWords, Within};
    use super::*;
    use crate::ArenaSource;

    #[test]
    fn cells_hold_what_they_were_given() {
        hold::<TwoWords>(usize::MAX / 4 * 2);
        hold::<Within<ArenaSource, TwoWords>>(<Within<ArenaSource, TwoWords>>::REACH);
        hold::<OneWord>(OneWord::REACH);
    }

    fn hold<G: Granule>(largest: usize) {
        let mut memory = [0_usize; 8];
        let base = NonNull::from(&mut memory).cast::<u8>();
        // SAFETY: the cells are the test's own, and all that is linked to lies in them.
        unsafe {
            let far = after::<u8>(base, 6 * G::CELL);
            let cell = Cell::<G>::at(after(base, G::CELL));
            let is_size = |cell: Cell<G>| !G::ROOMY && cell.size().is_some();
            cell.set_link(base, Some(far));
            assert_eq!((cell.link(base), is_size(cell)), (Some(far), false));
            let copy = Cell::<G>::at(after(base, 2 * G::CELL));
            copy.copy_link(cell);
            assert_eq!(copy.link(base), Some(far));
            cell.set_link(base, None);
            copy.copy_link(cell);
            assert_eq!(copy.link(base), None);
            assert_eq!((cell.link(base), is_size(cell)), (None, false));
            for place in [base, far] {
                cell.set_place(base, place);
                assert_eq!((cell.place(base), is_size(cell)), (place, false));
            }
            for bytes in [2 * G::BYTES, largest.min(usize::MAX / 2) / G::BYTES * G::BYTES - G::BYTES] {
                cell.set_size(bytes);
                assert_eq!(cell.size(), Some(bytes));
            }
            assert_eq!(memory.as_ptr().cast::<u8>().add(2 * G::CELL).read(), 0);
        }
    }
}
