//! Size classes: which bin a size belongs in.
//!
//! Sizes are cut into doublings and each doubling into four equal classes (two-level segregated fit: Masmano,
//! Ripoll, Crespo and Real, "TLSF: a new dynamic memory allocator for real-time systems", 2004):
//!
//! ```text
//!   bin     0  1  2  3  4  5  6  7     8       9       10      11      12
//!   sizes   1  2  3  4  5  6  7  8,9   10,11   12,13   14,15   16..19  20..23   granules
//! ```

const SUB_BITS: usize = 2;
const PER_DOUBLING: usize = 1 << SUB_BITS;

/// Bins needed for chunks of up to `largest` granules.
pub const fn count(largest: usize) -> usize {
    bin_or_one_above(largest)
}

/// The bin of chunks of `size` granules, one at least. O(1).
#[inline(always)]
pub const fn holding(size: usize) -> usize {
    bin_or_one_above(size) - 1
}

/// The lowest bin whose every chunk has `size` granules or more, one at least: the one above that which holds one granule less.
/// O(1).
#[inline(always)]
pub const fn covering(size: usize) -> usize {
    bin_or_one_above(size - 1)
}

/// One more than the bin of `size` granules, so that none has an answer.
#[inline(always)]
const fn bin_or_one_above(size: usize) -> usize {
    // Bits of the size that tell no classes apart.
    let scale = (size | PER_DOUBLING).ilog2() as usize - SUB_BITS;
    (scale << SUB_BITS) + (size >> scale)
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
        assert_eq!(holding(1), 0);
        for size in 1..70_000 {
            if holding(size) != bin {
                bin += 1;
                assert_eq!(holding(size), bin);
                assert_eq!(smallest(bin), size);
            }
        }
    }

    #[test]
    fn the_covering_bin_is_the_lowest_whose_smallest_size_fits() {
        for size in 1..70_000 {
            let bin = covering(size);
            assert!(smallest(bin) >= size);
            assert!(bin == 0 || smallest(bin - 1) < size);
        }
    }

    #[test]
    fn small_sizes_have_a_bin_each() {
        for size in 1..=7 {
            assert_eq!((holding(size), covering(size)), (size - 1, size - 1));
        }
    }

    #[test]
    fn classes_reach_the_end_of_the_address_space() {
        let most = usize::MAX / size_of::<usize>();
        assert!(count(most) <= super::super::MOST);
        assert!(smallest(holding(most)) <= most);
    }
}
