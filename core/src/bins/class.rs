//! Size classes: which bin a size belongs in.
//!
//! Sizes are cut into doublings and each doubling into equal classes, eight or sixteen (two-level segregated fit: Masmano,
//! Ripoll, Crespo and Real, "TLSF: a new dynamic memory allocator for real-time systems", 2004). With eight:
//!
//! ```text
//!   bin     1  2  …  15   16      17      …   23      24      25      …
//!   sizes   1  2  …  15   16,17   18,19   …   30,31   32..35  36..39  …   granules
//! ```
//!
//! Bin 0 would be that of no granules; it is not there.
//!
//! As a request is served from classes all of which it fits, a chunk of its own class may be passed over for a larger one: the
//! more classes, the less a heap falls apart in which blocks of many sizes come and go.

use crate::granule::Granule;

/// Classes in a doubling.
const fn per_doubling<G: Granule>() -> usize {
    1 << G::CLASS_BITS
}

/// Numbers of bins needed for chunks of up to `largest` granules, 0 included.
pub const fn count<G: Granule>(largest: usize) -> usize {
    holding::<G>(largest) + 1
}

/// The largest chunk, in granules, for which so many numbers are enough.
pub const fn largest_for<G: Granule>(bins: usize) -> usize {
    if count::<G>(usize::MAX / G::BYTES) <= bins { usize::MAX / G::BYTES } else { smallest::<G>(bins) - 1 }
}

/// The bin of chunks of `size` granules. O(1).
#[inline(always)]
pub const fn holding<G: Granule>(size: usize) -> usize {
    // Bits of the size that tell no classes apart.
    let scale = (size | per_doubling::<G>()).ilog2() as usize - G::CLASS_BITS as usize;
    (scale << G::CLASS_BITS) + (size >> scale)
}

/// The highest bin some of whose chunks may have fewer than `size` granules, one at least: that of one granule less. O(1).
#[inline(always)]
pub const fn beneath<G: Granule>(size: usize) -> usize {
    holding::<G>(size - 1)
}

/// The lowest bin whose every chunk has `size` granules or more, one at least. O(1).
#[inline(always)]
pub const fn covering<G: Granule>(size: usize) -> usize {
    beneath::<G>(size) + 1
}

/// The smallest size in `bin`, in granules. O(1).
pub const fn smallest<G: Granule>(bin: usize) -> usize {
    let classes = per_doubling::<G>();
    let scale = bin.saturating_sub(classes) / classes;
    (bin - scale * classes) << scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bins::Bins;
    use crate::granule::{OneWord, TwoWords, TwoWordsLive};

    #[test]
    fn bins_are_intervals_in_order_that_leave_no_size_out() {
        intervals::<TwoWords>();
        intervals::<TwoWordsLive>();
    }

    fn intervals<G: Granule>() {
        let mut bin = 0;
        for size in 1..70_000 {
            if holding::<G>(size) != bin {
                bin += 1;
                assert_eq!((holding::<G>(size), smallest::<G>(bin)), (bin, size));
            }
        }
    }

    #[test]
    fn the_covering_bin_is_the_lowest_whose_smallest_size_fits() {
        covers::<TwoWords>();
        covers::<TwoWordsLive>();
    }

    fn covers<G: Granule>() {
        for size in 1..70_000 {
            let bin = covering::<G>(size);
            assert!(bin > 0 && smallest::<G>(bin) >= size);
            assert!(smallest::<G>(bin - 1) < size);
        }
    }

    #[test]
    fn small_sizes_have_a_bin_each_and_large_ones_differ_by_an_eighth_at_most() {
        for size in 1..=15 {
            assert_eq!((holding::<TwoWords>(size), covering::<TwoWords>(size)), (size, size));
        }
        for bin in 16..200 {
            let (smallest, next) = (smallest::<TwoWords>(bin), smallest::<TwoWords>(bin + 1));
            assert!(next - smallest <= smallest / 8, "{bin}");
        }
    }

    const fn first_of_several<G: Granule>() -> usize {
        2 * per_doubling::<G>()
    }

    #[test]
    fn a_bin_has_one_size_up_to_the_first_of_several() {
        sizes_of_bins::<TwoWords>();
        sizes_of_bins::<TwoWordsLive>();
    }

    fn sizes_of_bins<G: Granule>() {
        for bin in 1..200 {
            let sizes = smallest::<G>(bin + 1) - smallest::<G>(bin);
            assert_eq!(sizes > 1, bin >= first_of_several::<G>(), "{bin}");
        }
    }

    #[test]
    fn classes_reach_as_far_as_there_are_bins() {
        reach::<TwoWords>();
        reach::<TwoWordsLive>();
        reach::<OneWord>();
    }

    fn reach<G: Granule>() {
        let all = count::<G>(usize::MAX / G::BYTES);
        for bins in [40, 100, all - 1, all, all + 1] {
            let largest = largest_for::<G>(bins);
            assert!(count::<G>(largest) <= bins);
            assert!(largest == usize::MAX / G::BYTES || count::<G>(largest + 1) == bins + 1);
        }
    }

    #[test]
    fn chunks_may_be_as_large_as_memory_is() {
        const {
            // On 64 bits, 128 GiB.
            let most = if usize::BITS == 64 { usize::MAX >> 27 } else { usize::MAX };
            assert!(Bins::<TwoWords>::LARGEST >= most / TwoWords::BYTES);
            assert!(Bins::<TwoWordsLive>::LARGEST >= most / TwoWordsLive::BYTES);
            assert!(Bins::<OneWord>::LARGEST >= OneWord::REACH / OneWord::BYTES);
        }
    }
}
