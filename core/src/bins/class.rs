//! Size classes: which bin a size belongs in.
//!
//! Sizes are cut into doublings and each doubling into four equal classes (two-level segregated fit: Masmano,
//! Ripoll, Crespo and Real, "TLSF: a new dynamic memory allocator for real-time systems", 2004):
//!
//! ```text
//!   bin     0  1  2  3  4  5  6  7     8       9       10      11      12
//!   sizes   1  2  3  4  5  6  7  8,9   10,11   12,13   14,15   16..19  20..23   granules
//! ```

use crate::granule::Granule;

const SUB_BITS: usize = 2;
const PER_DOUBLING: usize = 1 << SUB_BITS;

/// Bins needed for chunks of up to `largest` bytes.
pub const fn count<G: Granule>(largest: usize) -> usize {
    bin_or_one_above::<G>(largest)
}

/// The bin of chunks of `bytes` bytes, a granule or more. O(1).
#[inline(always)]
pub const fn holding<G: Granule>(bytes: usize) -> usize {
    bin_or_one_above::<G>(bytes) - 1
}

/// The lowest bin whose every chunk has `bytes` bytes or more, one at least: the one above that which holds one byte less.
/// O(1).
#[inline(always)]
pub const fn covering<G: Granule>(bytes: usize) -> usize {
    bin_or_one_above::<G>(bytes - 1)
}

/// One more than the bin of the whole granules in `bytes`, so that less than a granule has an answer.
#[inline(always)]
const fn bin_or_one_above<G: Granule>(bytes: usize) -> usize {
    let granule_bits = G::BYTES.ilog2() as usize;
    // Bits of the size that tell no classes apart: all below a granule's, at least.
    let scale = (bytes | PER_DOUBLING << granule_bits).ilog2() as usize - SUB_BITS;
    (scale << SUB_BITS) + (bytes >> scale) - (granule_bits << SUB_BITS)
}

/// The smallest size in `bin`, in granules. O(1).
pub const fn smallest(bin: usize) -> usize {
    if bin + 1 < PER_DOUBLING {
        return bin + 1;
    }
    let scale = (bin + 1 - PER_DOUBLING) / PER_DOUBLING;
    (bin + 1 - scale * PER_DOUBLING) << scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::granule::{OneWord, TwoWords};

    #[test]
    fn bins_are_intervals_in_order_that_leave_no_size_out() {
        are_intervals::<TwoWords>();
        are_intervals::<OneWord>();
    }

    fn are_intervals<G: Granule>() {
        let mut bin = 0;
        assert_eq!(holding::<G>(G::BYTES), 0);
        for size in 1..70_000 {
            if holding::<G>(size * G::BYTES) != bin {
                bin += 1;
                assert_eq!(holding::<G>(size * G::BYTES), bin);
                assert_eq!(smallest(bin), size);
            }
        }
    }

    #[test]
    fn the_covering_bin_is_the_lowest_whose_smallest_size_fits() {
        is_the_lowest::<TwoWords>();
        is_the_lowest::<OneWord>();
    }

    fn is_the_lowest<G: Granule>() {
        for bytes in 1..400_000 {
            let bin = covering::<G>(bytes);
            assert!(smallest(bin) * G::BYTES >= bytes);
            assert!(bin == 0 || smallest(bin - 1) * G::BYTES < bytes);
        }
    }

    #[test]
    fn small_sizes_have_a_bin_each() {
        for size in 1..=7 {
            let bytes = size * crate::GRANULE;
            assert_eq!((holding::<TwoWords>(bytes), covering::<TwoWords>(bytes)), (size - 1, size - 1));
        }
    }

    #[test]
    fn classes_reach_the_end_of_the_address_space() {
        reach_the_end::<TwoWords>();
        reach_the_end::<OneWord>();
    }

    fn reach_the_end<G: Granule>() {
        assert!(count::<G>(usize::MAX) <= super::super::MOST);
        assert!(smallest(holding::<G>(usize::MAX)) <= usize::MAX / G::BYTES);
    }
}
