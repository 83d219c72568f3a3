//! The unit of memory: two words, or one in a compact heap.

mod position;

use core::fmt::Debug;
use core::marker::PhantomData;

use crate::bins::{BinBits, WORD_BITS};
use crate::map::{Entry, Live, Plain};
use crate::raw::WORD;
use crate::{Mode, PageSource};
use position::Half;
pub use position::Position;

/// Bytes in a granule of all heaps but [compact](crate::Compact) ones: two words. Every chunk is a whole number of granules,
/// and every pointer the heap hands out a multiple of it.
pub const GRANULE: usize = TwoWords::BYTES;

/// The unit of a heap's memory, and how a free chunk keeps links and sizes in it: in a **cell** each.
pub trait Granule: sealed::Sealed + Debug + Copy + Eq {
    /// Bytes in a granule.
    const BYTES: usize;
    /// What the map has of as many granules as a word has bits.
    type Entry: Entry;
    /// Log2 of how many size classes a doubling of sizes is cut into. Each has a bin, whose head takes a cell.
    const CLASS_BITS: u32;
    /// A bit for each bin.
    type BinBits: BinBits;
    /// Whether a link is half a word, and counts cells from the start of the heap's one span on. If not, it is a pointer.
    const COUNTED: bool;

    /// Bytes in a cell.
    const CELL: usize = if Self::COUNTED { size_of::<Half>() } else { WORD };
    /// Whether a single granule has a cell for each thing that a free chunk keeps. If not, a cell's lowest bit tells what it
    /// holds.
    const ROOMY: bool = Self::BYTES >= 4 * Self::CELL;
    /// The bytes over which links of one heap reach.
    const REACH: usize =
        if Self::COUNTED { Self::CELL << (Half::BITS - !Self::ROOMY as u32) } else { usize::MAX };
}

/// Granules of two words, where links lead anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoWords;

impl Granule for TwoWords {
    const BYTES: usize = 2 * WORD;
    type Entry = Plain;
    const CLASS_BITS: u32 = 3;
    type BinBits = [usize; 256 / WORD_BITS];
    const COUNTED: bool = false;
}

/// [`TwoWords`], in heaps of which others free blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoWordsLive;

impl Granule for TwoWordsLive {
    const BYTES: usize = TwoWords::BYTES;
    type Entry = Live;
    // Such a heap has much memory, and lives for long.
    const CLASS_BITS: u32 = 4;
    type BinBits = [usize; 512 / WORD_BITS];
    const COUNTED: bool = false;
}

/// Granules of one word. A link is half of one, so that a granule holds two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneWord;

impl Granule for OneWord {
    const BYTES: usize = WORD;
    type Entry = Plain;
    const CLASS_BITS: u32 = 3;
    type BinBits = [usize; 256 / WORD_BITS];
    const COUNTED: bool = true;
}

/// The granules `G` of a heap over a source `S`. Links are short in one block of memory, where half a word reaches far enough
/// for that: the smallest chunk then is like any other.
pub struct Within<S, G>(PhantomData<(S, G)>);

/// The granules of a heap.
pub(crate) type Unit<S, M> = Within<S, <M as Mode>::Granule>;

impl<S: PageSource, G: Granule> Granule for Within<S, G> {
    const BYTES: usize = G::BYTES;
    type Entry = G::Entry;
    const CLASS_BITS: u32 = G::CLASS_BITS;
    type BinBits = G::BinBits;
    const COUNTED: bool = G::COUNTED || S::ONE_BLOCK && cfg!(target_pointer_width = "64");
}

impl<S, G> Debug for Within<S, G> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Within")
    }
}

impl<S, G> Clone for Within<S, G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, G> Copy for Within<S, G> {}

impl<S, G> PartialEq for Within<S, G> {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl<S, G> Eq for Within<S, G> {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::TwoWords {}
    impl Sealed for super::TwoWordsLive {}
    impl Sealed for super::OneWord {}
    impl<S, G> Sealed for super::Within<S, G> {}
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

    #[test]
    fn links_of_one_word_granules_reach_as_far_as_is_said() {
        let reach = if cfg!(target_pointer_width = "64") { 8 << 30 } else { 64 << 10 };
        assert_eq!((OneWord::REACH, TwoWords::REACH), (reach, usize::MAX));
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
}
