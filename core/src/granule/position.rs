//! A position in a heap's memory, as links name it, and what a free chunk, or a bin, keeps in a **cell** there: a link or a
//! size.

use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut, without_provenance_mut};

use super::Granule;
use crate::raw::{after, before, distance};

/// Half a word.
#[cfg(target_pointer_width = "64")]
pub(super) type Half = u32;
#[cfg(target_pointer_width = "32")]
pub(super) type Half = u16;

/// Added to twice a size as it is kept, where it is to be told from links: those are even there.
const IS_SIZE: usize = 1;

/// Where a chunk or a cell is: its address or, where links are counted, its number, so many units above the
/// **base** of its heap, the start of its first span. What a number leads to is found from base and number in one step, and a
/// granule's number tells where it stands in the map without its address.
#[derive(Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Position<G>(*mut u8, PhantomData<G>);

impl<G> Clone for Position<G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<G> Copy for Position<G> {}

/// # Safety of its methods
/// All that are unsafe are so for one reason: base and position must be one heap's, and the position, or what it is moved to,
/// in its memory. A cell there that is read must hold what is read, and nobody else may use it.
impl<G: Granule> Position<G> {
    /// Bytes from one number to the next. Where sizes are told from links by the lowest bit, cells have even numbers.
    const UNIT: usize = match (G::COUNTED, G::ROOMY) {
        (false, _) => 1,
        (true, true) => G::CELL,
        (true, false) => G::CELL / 2,
    };

    /// A position that is not looked at.
    pub(crate) const NOWHERE: Self = Self(null_mut(), PhantomData);

    /// The base, as a sentinel: the last link of every list leads here. The cells at the base where a chunk would keep `back` are
    /// reserved, so that to unlink a chunk writes the `back` of the next without asking whether there is one.
    #[inline(always)]
    pub fn sentinel(base: NonNull<u8>) -> Self {
        if G::COUNTED { Self::numbered(0) } else { Self::addressed(base) }
    }

    /// Whether it is the [`sentinel`](Self::sentinel).
    #[inline(always)]
    pub(crate) fn is_sentinel(self, base: NonNull<u8>) -> bool {
        self == Self::sentinel(base)
    }

    /// It, unless it is the [`sentinel`](Self::sentinel), or nowhere.
    #[inline(always)]
    pub(crate) fn unless_sentinel(self, base: NonNull<u8>) -> Option<Self> {
        (!self.is_sentinel(base) && !self.0.is_null()).then_some(self)
    }

    /// The position of the cell with a number, counted from the base, where positions are.
    #[inline(always)]
    pub(crate) fn cell(number: usize) -> Self {
        Self::numbered(number * (G::CELL / Self::UNIT))
    }

    /// The position at `address`, where a granule or a cell starts.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn new(base: NonNull<u8>, address: NonNull<u8>) -> Self {
        if G::COUNTED {
            Self::numbered(distance(base, address) / Self::UNIT)
        } else {
            Self::addressed(address)
        }
    }

    /// The position of granule `g` of the span at `base`, not the first, if numbers count from there.
    #[inline(always)]
    pub(crate) unsafe fn of_granule(base: NonNull<u8>, g: usize) -> Self {
        if G::COUNTED {
            return Self::numbered(g * (G::BYTES / Self::UNIT));
        }
        // SAFETY: the caller gives a granule above the base.
        Self::addressed(unsafe { after(base, g * G::BYTES) })
    }

    /// The granule that starts there, of the span at `base`.
    #[inline(always)]
    pub(crate) fn granule(self, base: NonNull<u8>) -> usize {
        if G::COUNTED {
            self.0.addr() / (G::BYTES / Self::UNIT)
        } else {
            (self.0.addr() - base.addr().get()) / G::BYTES
        }
    }

    /// Its address.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn address(self, base: NonNull<u8>) -> NonNull<u8> {
        // SAFETY: the position is the base, or lies above it; no memory is at address 0.
        unsafe {
            if G::COUNTED { after(base, self.0.addr() * Self::UNIT) } else { NonNull::new_unchecked(self.0) }
        }
    }

    /// `granules` granules further up.
    #[inline(always)]
    pub(crate) unsafe fn up(self, granules: usize) -> Self {
        // SAFETY: as the caller says.
        unsafe { self.moved_up(granules * (G::BYTES / Self::UNIT)) }
    }

    /// `granules` granules further down.
    #[inline(always)]
    pub(crate) unsafe fn down(self, granules: usize) -> Self {
        // SAFETY: as the caller says.
        unsafe { self.moved_down(granules * (G::BYTES / Self::UNIT)) }
    }

    /// `cells` cells further up.
    #[inline(always)]
    pub(crate) unsafe fn cells_up(self, cells: usize) -> Self {
        // SAFETY: as the caller says.
        unsafe { self.moved_up(cells * (G::CELL / Self::UNIT)) }
    }

    /// A cell further down.
    #[inline(always)]
    pub(crate) unsafe fn cell_down(self) -> Self {
        // SAFETY: as the caller says.
        unsafe { self.moved_down(G::CELL / Self::UNIT) }
    }

    /// Whether it lies below another, and is not the [`sentinel`](Self::sentinel).
    #[inline(always)]
    pub(crate) fn is_chunk_below(self, base: NonNull<u8>, other: Self) -> bool {
        if G::COUNTED {
            // The sentinel, 0, comes round to the highest.
            return self.0.addr().wrapping_sub(1) < other.0.addr();
        }
        self.0.addr() < other.0.addr() && !self.is_sentinel(base)
    }

    /// How many cells it lies above another; many, if it lies below.
    #[inline(always)]
    pub(crate) fn cells_above(self, other: Self) -> usize {
        self.0.addr().wrapping_sub(other.0.addr()) / (G::CELL / Self::UNIT)
    }

    /// The position that the cell there names.
    #[inline(always)]
    pub(crate) unsafe fn link(self, base: NonNull<u8>) -> Self {
        // SAFETY: as the caller says.
        unsafe {
            if G::COUNTED {
                Self::numbered(self.half(base))
            } else {
                Self(self.0.cast::<*mut u8>().read(), PhantomData)
            }
        }
    }

    /// Writes a link to a position into the cell there.
    #[inline(always)]
    pub(crate) unsafe fn set_link(self, base: NonNull<u8>, position: Self) {
        // SAFETY: as the caller says.
        unsafe {
            if G::COUNTED {
                self.set_half(base, position.0.addr());
            } else {
                self.0.cast::<*mut u8>().write(position.0);
            }
        }
    }

    /// The number of granules in the cell there, if it holds one.
    #[inline(always)]
    pub(crate) unsafe fn size(self, base: NonNull<u8>) -> Option<usize> {
        // SAFETY: as the caller says.
        let kept = unsafe { if G::COUNTED { self.half(base) } else { self.0.cast::<usize>().read() } };
        if G::ROOMY {
            return Some(kept);
        }
        if kept & IS_SIZE != 0 { Some(kept / 2) } else { None }
    }

    /// Writes a number of granules into the cell there.
    #[inline(always)]
    pub(crate) unsafe fn set_size(self, base: NonNull<u8>, size: usize) {
        let kept = if G::ROOMY { size } else { size * 2 + IS_SIZE };
        // SAFETY: as the caller says.
        unsafe { if G::COUNTED { self.set_half(base, kept) } else { self.0.cast::<usize>().write(kept) } }
    }

    /// The position with a number, where they are counted.
    #[inline(always)]
    fn numbered(number: usize) -> Self {
        Self(without_provenance_mut(number), PhantomData)
    }

    /// The position at an address, where they are not.
    #[inline(always)]
    fn addressed(address: NonNull<u8>) -> Self {
        Self(address.as_ptr(), PhantomData)
    }

    #[inline(always)]
    unsafe fn moved_up(self, units: usize) -> Self {
        if G::COUNTED {
            return Self::numbered(self.0.addr() + units);
        }
        // SAFETY: as the caller says.
        Self::addressed(unsafe { after(NonNull::new_unchecked(self.0), units) })
    }

    #[inline(always)]
    unsafe fn moved_down(self, units: usize) -> Self {
        if G::COUNTED {
            return Self::numbered(self.0.addr() - units);
        }
        // SAFETY: as the caller says; nothing is below the base.
        Self::addressed(unsafe { before(NonNull::new_unchecked(self.0), units) })
    }

    #[inline(always)]
    unsafe fn half(self, base: NonNull<u8>) -> usize {
        // SAFETY: as the caller says.
        unsafe { self.address(base).cast::<Half>().read() as usize }
    }

    #[inline(always)]
    unsafe fn set_half(self, base: NonNull<u8>, kept: usize) {
        // SAFETY: as the caller says.
        unsafe { self.address(base).cast::<Half>().write(kept as Half) };
    }
}

#[cfg(test)]
mod tests {
    use super::super::{OneWord, TwoWords, Within};
    use super::*;
    use crate::ArenaSource;

    #[test]
    fn cells_hold_what_they_were_given() {
        hold::<TwoWords>(usize::MAX / 4);
        hold::<Within<ArenaSource, TwoWords>>(<Within<ArenaSource, TwoWords>>::REACH / TwoWords::BYTES);
        hold::<OneWord>(OneWord::REACH / OneWord::BYTES);
    }

    fn hold<G: Granule>(most: usize) {
        let mut memory = [0_usize; 8];
        let base = NonNull::from(&mut memory).cast::<u8>();
        // SAFETY: the cells are the test's own, and all that is linked to lies in them.
        unsafe {
            let cell = |index: usize| Position::<G>::new(base, after(base, index * G::CELL));
            let is_size = |cell: Position<G>| !G::ROOMY && cell.size(base).is_some();
            for position in [cell(1), cell(6)] {
                cell(3).set_link(base, position);
                assert_eq!((cell(3).link(base), is_size(cell(3))), (position, false));
                assert!(!position.is_sentinel(base));
            }
            cell(3).set_link(base, Position::sentinel(base));
            assert_eq!((cell(3).link(base), is_size(cell(3))), (Position::sentinel(base), false));
            for size in [1, 2, 77, most - 1] {
                cell(3).set_size(base, size);
                assert_eq!(cell(3).size(base), Some(size));
            }
            assert!([2, 4].map(cell).iter().all(|cell| cell.address(base).cast::<Half>().read() == 0));
        }
    }

    #[test]
    fn positions_are_where_their_granules_are() {
        are_there::<TwoWords>();
        are_there::<Within<ArenaSource, TwoWords>>();
        are_there::<OneWord>();
    }

    fn are_there<G: Granule>() {
        let mut memory = [0_usize; 64];
        let base = NonNull::from(&mut memory).cast::<u8>();
        for g in 1..16 {
            // SAFETY: the granules lie in the memory.
            unsafe {
                let position = Position::<G>::of_granule(base, g);
                let address = after(base, g * G::BYTES);
                assert_eq!((position.address(base), position.granule(base)), (address, g));
                assert_eq!(Position::new(base, address), position);
                assert_eq!(position.up(3), Position::of_granule(base, g + 3));
                assert_eq!(position.up(3).down(3), position);
                assert_eq!(position.cells_up(1).address(base), after(address, G::CELL));
                assert_eq!(
                    (position.cells_up(1).cell_down(), position.cells_up(5).cells_above(position)),
                    (position, 5)
                );
            }
        }
    }
}
