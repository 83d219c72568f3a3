//! Size classes: which bin a size belongs in.
//!
//! Sizes are cut into doublings and each doubling into `2^sub_bits` equal classes (two-level segregated fit: Masmano,
//! Ripoll, Crespo and Real, "TLSF: a new dynamic memory allocator for real-time systems", 2004). With 4 to a doubling:
//!
//! ```text
//!   bin     0  1  2  3  4  5  6  7     8       9       10      11      12
//!   sizes   1  2  3  4  5  6  7  8,9   10,11   12,13   14,15   16..19  20..23   granules
//! ```

/// How sizes map to bins. Sizes are in granules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classes {
    sub_bits: u32,
}

impl Classes {
    /// Four classes to a doubling.
    pub const COARSE: Self = Self { sub_bits: 2 };
    /// Eight classes to a doubling.
    pub const FINE: Self = Self { sub_bits: 3 };

    /// Bins needed for chunks of up to `largest` granules.
    pub const fn count(self, largest: usize) -> usize {
        self.holding(largest) + 1
    }

    /// The bin of chunks of `size` granules. O(1).
    #[inline(always)]
    pub const fn holding(self, size: usize) -> usize {
        let scale = self.scale(size);
        self.bin(scale, size)
    }

    /// The lowest bin whose every chunk has `size` granules or more. O(1).
    #[inline(always)]
    pub const fn covering(self, size: usize) -> usize {
        let scale = self.scale(size);
        self.bin(scale, size + ((1 << scale) - 1))
    }

    /// The smallest size in `bin`.
    pub const fn smallest(self, bin: usize) -> usize {
        let per_doubling = 1 << self.sub_bits;
        if bin + 1 < per_doubling {
            return bin + 1;
        }
        let scale = (bin + 1 - per_doubling) / per_doubling;
        (bin + 1 - scale * per_doubling) << scale
    }

    /// The width of a class, as a power of two, at `size`.
    #[inline(always)]
    const fn scale(self, size: usize) -> u32 {
        (usize::BITS - 1 - (size | 1 << self.sub_bits).leading_zeros()) - self.sub_bits
    }

    #[inline(always)]
    const fn bin(self, scale: u32, size: usize) -> usize {
        ((scale as usize) << self.sub_bits) + (size >> scale) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_intervals_in_order_that_leave_no_size_out() {
        for classes in [Classes::COARSE, Classes::FINE] {
            let mut bin = 0;
            assert_eq!(classes.holding(1), 0);
            for size in 1..70_000 {
                if classes.holding(size) != bin {
                    bin += 1;
                    assert_eq!(classes.holding(size), bin);
                    assert_eq!(classes.smallest(bin), size);
                }
            }
        }
    }

    #[test]
    fn the_covering_bin_is_the_lowest_whose_smallest_size_fits() {
        for classes in [Classes::COARSE, Classes::FINE] {
            for size in 1..70_000 {
                let bin = classes.covering(size);
                assert!(classes.smallest(bin) >= size);
                assert!(bin == 0 || classes.smallest(bin - 1) < size);
            }
        }
    }

    #[test]
    fn small_sizes_have_a_bin_each() {
        for (classes, exact) in [(Classes::COARSE, 7), (Classes::FINE, 15)] {
            for size in 1..=exact {
                assert_eq!(classes.holding(size), size - 1);
                assert_eq!(classes.covering(size), size - 1);
            }
        }
    }

    #[test]
    fn classes_reach_the_end_of_the_address_space() {
        let largest = usize::MAX / 16;
        assert!(Classes::FINE.count(largest) < 64 * 8);
        assert!(Classes::FINE.smallest(Classes::FINE.holding(largest)) <= largest);
    }
}
