//! One bit for each granule.

use core::ptr::NonNull;

use crate::sync::AtomicUsize;
use crate::sync::Ordering::{AcqRel, Acquire, Relaxed};

const WORD_BITS: usize = usize::BITS as usize;

/// A view of one bit for each granule of a span.
///
/// # Safety of its methods
/// All are unsafe for one reason: the words must be there, at least [`Bits::words`] of them for the granules asked about,
/// and nobody else may write them meanwhile.
#[derive(Clone, Copy)]
pub struct Bits {
    first: NonNull<usize>,
    /// From one word to the next.
    step: usize,
}

impl Bits {
    /// Words for `granules` granules.
    pub const fn words(granules: usize) -> usize {
        granules.div_ceil(WORD_BITS)
    }

    /// The bits whose first word stands at `first`, and each other `step` words behind the one before.
    #[inline(always)]
    pub const fn at(first: NonNull<usize>, step: usize) -> Self {
        Self { first, step }
    }

    /// The bit of granule `g`.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn is_set(self, g: usize) -> bool {
        // SAFETY: the caller gives a granule that has a bit.
        unsafe { self.word(g) }.load(Relaxed) & 1 << (g % WORD_BITS) != 0
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

    /// Flips bits of a word, given its index.
    ///
    /// # Safety
    /// As for the type; the index is below [`Bits::words`].
    #[inline(always)]
    pub unsafe fn flip_many(self, index: usize, bits: usize) {
        // SAFETY: the caller gives a word.
        let word = unsafe { self.word(index * WORD_BITS) };
        word.store(word.load(Relaxed) ^ bits, Relaxed);
    }

    /// Whether the bit of granule `g` is set, before anything else is looked at.
    ///
    /// # Safety
    /// As for the type, but that its owner may write meanwhile.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    #[inline(always)]
    pub unsafe fn is_set_now(self, g: usize) -> bool {
        // SAFETY: the caller gives a granule that has a bit.
        unsafe { self.word(g) }.load(Acquire) >> (g % WORD_BITS) & 1 != 0
    }

    /// Sets the bit of granule `g`, though others may be setting bits too, after all that was written before, and before
    /// anything else is looked at. The word that it is in, as it was. O(1).
    ///
    /// # Safety
    /// As for the type, but that others may set and [`clear`](Self::clear) bits meanwhile.
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    #[inline]
    pub unsafe fn set(self, g: usize) -> usize {
        // SAFETY: the caller gives a granule that has a bit.
        unsafe { self.word(g) }.fetch_or(1 << (g % WORD_BITS), AcqRel)
    }

    /// Clears `bits` of a word, given its index, though others may be setting some, after all that was written before. The
    /// bits that are left. O(1).
    ///
    /// # Safety
    /// As for [`set`](Self::set).
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    #[inline]
    pub unsafe fn clear(self, index: usize, bits: usize) -> usize {
        // SAFETY: the caller gives a word.
        unsafe { self.word(index * WORD_BITS) }.fetch_and(!bits, AcqRel) & !bits
    }

    /// The bits of a word, given its index, before anything else is looked at.
    ///
    /// # Safety
    /// As for [`set`](Self::set).
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    #[inline]
    pub unsafe fn word_now(self, index: usize) -> usize {
        // SAFETY: the caller gives a word.
        unsafe { self.word(index * WORD_BITS) }.load(Acquire)
    }

    /// Clears all bits of a word, given its index, before anything else is looked at. Those that were set. O(1).
    ///
    /// # Safety
    /// As for [`set`](Self::set).
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    #[inline]
    pub unsafe fn take_word(self, index: usize) -> usize {
        // SAFETY: the caller gives a word.
        unsafe { self.word(index * WORD_BITS) }.swap(0, Acquire)
    }

    /// The bits of as many granules as a word has bits.
    ///
    /// # Safety
    /// As for the type; the index is below [`Bits::words`].
    pub(crate) unsafe fn word_at(self, index: usize) -> usize {
        // SAFETY: the caller gives a word.
        unsafe { self.word(index * WORD_BITS) }.load(Relaxed)
    }

    /// How many bits of `granules` granules are set. For the full check.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn count(self, granules: usize) -> usize {
        // SAFETY: the caller gives the words.
        let words = (0..Self::words(granules)).map(|index| unsafe { self.word_at(index) });
        words.map(|word| word.count_ones() as usize).sum()
    }

    #[inline(always)]
    unsafe fn word(&self, g: usize) -> &AtomicUsize {
        // SAFETY: the caller gives a granule that has a bit.
        unsafe { self.first.cast::<AtomicUsize>().add(g / WORD_BITS * self.step).as_ref() }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_granule_has_a_bit_of_its_own() {
        for step in [1, 2] {
            let mut memory = [0_usize; 2 * Bits::words(200)];
            each_has_one(Bits::at(NonNull::from(&mut memory).cast(), step));
            assert!(step == 1 || memory.chunks(2).all(|words| words[0] != 0 && words[1] == 0));
        }
    }

    fn each_has_one(bits: Bits) {
        // SAFETY: the array has the words.
        unsafe {
            for g in 0..200 {
                assert!(!bits.is_set(g));
                bits.flip(g);
                assert!(bits.is_set(g));
                assert_eq!(bits.count(200), g + 1);
            }
            bits.flip(77);
            assert!(!bits.is_set(77) && bits.is_set(76) && bits.is_set(78));
            #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
            {
                let (index, all) = (77 / WORD_BITS, bits.word_now(77 / WORD_BITS));
                let bit = 1 << (77 % WORD_BITS);
                assert_eq!((bits.set(77), bits.set(77), bits.is_set(77)), (all, all | bit, true));
                assert_eq!((bits.clear(index, 2 * bit), bits.is_set(78)), ((all | bit) & !(2 * bit), false));
                assert_eq!((bits.is_set(77), bits.count(200)), (true, 199));
                assert_eq!(bits.take_word(index), (all | bit) & !(2 * bit));
                assert_eq!((bits.word_now(index), bits.is_set(77), bits.set(77)), (0, false, 0));
            }
        }
    }
}
