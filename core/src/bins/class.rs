//! Size classes: which bin a size belongs in.
//!
//! Sizes are cut into doublings and each doubling into four equal classes (two-level segregated fit: Masmano,
//! Ripoll, Crespo and Real, "TLSF: a new dynamic memory allocator for real-time systems", 2004):
//!
//! ```text
//!   bin     0  1  2  3  4  5  6  7     8       9       10      11      12
//!   sizes   1  2  3  4  5  6  7  8,9   10,11   12,13   14,15   16..19  20..23   granules
//! ```

use crate::granule::GRANULE;

const SUB_BITS: u32 = 2;
const PER_DOUBLING: usize = 1 << SUB_BITS;
const GRANULE_BITS: u32 = GRANULE.ilog2();

/// Bins needed for chunks of up to `largest` bytes.
pub const fn count(largest: usize) -> usize {
    bin_or_one_above(largest)
}

/// The bin of chunks of `bytes` bytes, a granule or more. O(1).
#[inline(always)]
pub const fn holding(bytes: usize) -> usize {
    bin_or_one_above(bytes) - 1
}

/// The lowest bin whose every chunk has `bytes` bytes or more: the one above that which holds one byte less. O(1).
#[inline(always)]
pub const fn covering(bytes: usize) -> usize {
    // No bytes are as one byte is.
    bin_or_one_above(bytes - (bytes != 0) as usize)
}

/// One more than the bin of the whole granules in `bytes`, so that less than a granule has an answer.
#[inline(always)]
const fn bin_or_one_above(bytes: usize) -> usize {
    // Bits of the size that tell no classes apart: all below a granule's, at least.
    let scale = (bytes | PER_DOUBLING << GRANULE_BITS).ilog2() - SUB_BITS;
    ((scale as usize) << SUB_BITS) + (bytes >> scale) - ((GRANULE_BITS as usize) << SUB_BITS)
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

    #[test]
    fn bins_are_intervals_in_order_that_leave_no_size_out() {
        let mut bin = 0;
        assert_eq!(holding(GRANULE), 0);
        for size in 1..70_000 {
            if holding(size * GRANULE) != bin {
                bin += 1;
                assert_eq!(holding(size * GRANULE), bin);
                assert_eq!(smallest(bin), size);
            }
        }
    }

    #[test]
    fn the_covering_bin_is_the_lowest_whose_smallest_size_fits() {
        for bytes in 0..400_000 {
            let bin = covering(bytes);
            assert!(smallest(bin) * GRANULE >= bytes);
            assert!(bin == 0 || smallest(bin - 1) * GRANULE < bytes);
        }
    }

    #[test]
    fn small_sizes_have_a_bin_each() {
        for size in 1..=7 {
            assert_eq!((holding(size * GRANULE), covering(size * GRANULE)), (size - 1, size - 1));
        }
    }

    #[test]
    fn classes_reach_the_end_of_the_address_space() {
        assert!(count(usize::MAX) <= super::super::MOST);
        assert!(smallest(holding(usize::MAX)) <= usize::MAX / GRANULE);
    }
}
