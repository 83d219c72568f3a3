//! The sizes of blocks in [places](super::long), all compared at once.

/// How many places there are.
pub(super) const PLACES: usize = 64;

/// The granules of the block in each place, or 0.
#[derive(Debug)]
pub(super) struct Sizes([u16; PLACES]);

impl Sizes {
    /// The most granules of a block, and the most to spare. With more, a place without a block might seem to fit, in 16 bits.
    pub(super) const MOST: usize = u16::MAX as usize / 2;

    /// No block in any place.
    pub(super) const NONE: Self = Self([0; PLACES]);

    /// Puts a block of `size` granules, up to [`MOST`](Self::MOST), in place `at`. How many were there.
    #[inline(always)]
    pub(super) const fn replace(&mut self, at: usize, size: usize) -> usize {
        core::mem::replace(&mut self.0[at % PLACES], size as u16) as usize
    }

    /// Of each place.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|&size| size.into())
    }

    /// A bit for each place with a block of `size` granules, or up to `spare` more, up to [`MOST`](Self::MOST) each.
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
    #[inline(always)]
    pub(super) fn that_fit(&self, size: usize, spare: usize) -> u64 {
        self.that_fit_one_by_one(size, spare)
    }

    /// A bit for each place with a block of `size` granules, or up to `spare` more, up to [`MOST`](Self::MOST) each: eight at once.
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    #[inline(always)]
    pub(super) fn that_fit(&self, size: usize, spare: usize) -> u64 {
        use core::arch::x86_64::*;
        // SAFETY: the program is built for processors with these instructions. Eight sizes are there from each `first` on.
        unsafe {
            let (size, spare) = (_mm_set1_epi16(size as i16), _mm_set1_epi16(spare as i16));
            let fit = |first: usize| {
                let there = _mm_loadu_si128(self.0.as_ptr().add(first).cast());
                let beyond_spare = _mm_subs_epu16(_mm_sub_epi16(there, size), spare);
                _mm_cmpeq_epi16(beyond_spare, _mm_setzero_si128())
            };
            let bits = |first| _mm_movemask_epi8(_mm_packs_epi16(fit(first), fit(first + 8))) as u64;
            bits(0) | bits(16) << 16 | bits(32) << 32 | bits(48) << 48
        }
    }

    /// [`that_fit`](Self::that_fit), without a branch, so that processors may compare several at once.
    #[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
    #[inline(always)]
    fn that_fit_one_by_one(&self, size: usize, spare: usize) -> u64 {
        let fits = |there: usize| u64::from(there.wrapping_sub(size) <= spare);
        self.all().zip(0..).fold(0, |all, (there, place)| all | fits(there) << place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn those_fit_that_are_as_long_or_longer_by_no_more_than_is_to_spare() {
        let mut sizes = Sizes::NONE;
        for (at, size) in [(0, 100), (1, 99), (5, 112), (15, 113), (16, 101), (46, Sizes::MOST), (63, 112)] {
            assert_eq!(sizes.replace(at, size), 0);
        }
        assert_eq!(sizes.that_fit(100, 12), 1 << 0 | 1 << 5 | 1 << 16 | 1 << 63);
        assert_eq!([sizes.that_fit(101, 0), sizes.that_fit(Sizes::MOST, 0)], [1 << 16, 1 << 46]);
        assert_eq!((sizes.replace(5, 0), sizes.replace(5, 3), sizes.replace(63, 0)), (112, 0, 112));
    }

    #[test]
    fn it_is_the_same_whether_they_are_compared_one_by_one() {
        let mut random = Random::new(1);
        let mut sizes = Sizes::NONE;
        for most in [4, 300, Sizes::MOST].repeat(1000) {
            sizes.replace(random.below(PLACES), random.below(most + 1));
            let (size, spare) = (1 + random.below(most), random.below(most + 1));
            assert_eq!(sizes.that_fit(size, spare), sizes.that_fit_one_by_one(size, spare), "{sizes:?}");
        }
    }
}
