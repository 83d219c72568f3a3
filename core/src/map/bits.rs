//! One bit for each granule.

use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use crate::raw::word;

const WORD_BITS: usize = usize::BITS as usize;

/// A view of one bit for each granule of a span.
///
/// # Safety of its methods
/// All are unsafe for one reason: the words must be there, at least [`Bits::words`] of them for the granules asked about,
/// and nobody else may write them meanwhile.
#[derive(Clone, Copy)]
pub struct Bits(NonNull<usize>);

impl Bits {
    /// Words for `granules` granules.
    pub const fn words(granules: usize) -> usize {
        granules.div_ceil(WORD_BITS)
    }

    /// The bits that stand at `words`.
    #[inline(always)]
    pub const fn at(words: NonNull<usize>) -> Self {
        Self(words)
    }

    /// Clears the bits of `granules` granules.
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn initialize(self, granules: usize) {
        // SAFETY: the caller gives the words.
        unsafe { self.0.write_bytes(0, Self::words(granules)) };
    }

    /// The bit of granule `g`.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn is_set(self, g: usize) -> bool {
        // SAFETY: the caller gives a granule that has a bit.
        unsafe { self.word(g) }.load(Relaxed) >> (g % WORD_BITS) & 1 != 0
    }

    /// Flips the bit of granule `g`.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn flip(self, g: usize) {
        // SAFETY: the caller gives a granule that has a bit.
        let word = unsafe { self.word(g) };
        word.store(word.load(Relaxed) ^ 1 << (g % WORD_BITS), Relaxed);
    }

    /// How many bits of `granules` granules are set. For the full check.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn count(self, granules: usize) -> usize {
        // SAFETY: the caller gives the words.
        let words = (0..Self::words(granules)).map(|index| unsafe { word(self.0, index).read() });
        words.map(|word| word.count_ones() as usize).sum()
    }

    #[inline(always)]
    unsafe fn word(&self, g: usize) -> &AtomicUsize {
        // SAFETY: the caller gives a granule that has a bit.
        unsafe { word(self.0, g / WORD_BITS).cast().as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_granule_has_a_bit_of_its_own() {
        let mut memory = [usize::MAX; Bits::words(200)];
        let bits = Bits::at(NonNull::from(&mut memory).cast());
        // SAFETY: the array has the words.
        unsafe {
            bits.initialize(200);
            for g in 0..200 {
                assert!(!bits.is_set(g));
                bits.flip(g);
                assert!(bits.is_set(g));
                assert_eq!(bits.count(200), g + 1);
            }
            bits.flip(77);
            assert!(!bits.is_set(77) && bits.is_set(76) && bits.is_set(78));
        }
    }
}
