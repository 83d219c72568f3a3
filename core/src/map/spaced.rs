//! Granules at equal distances, as bits, a word at a time.

use super::WORD_GRANULES;

/// The granules `from`, `from + step`, and so on, below `end`: the index of each word that has some, and their bits.
/// The step is not 0. O(words).
#[inline]
pub fn spaced(from: usize, step: usize, end: usize) -> impl Iterator<Item = (usize, usize)> {
    let pattern = multiples(step);
    let mut next = from;
    core::iter::from_fn(move || {
        if next >= end {
            return None;
        }
        let word = next / WORD_GRANULES;
        let mut bits: usize = pattern << (next % WORD_GRANULES);
        if end / WORD_GRANULES == word {
            bits &= (1 << (end % WORD_GRANULES)) - 1;
        }
        let last = WORD_GRANULES - 1 - bits.leading_zeros() as usize;
        next = word * WORD_GRANULES + last + step;
        Some((word, bits))
    })
}

/// The bits of the multiples of `step`. O(log(word)).
#[inline]
const fn multiples(step: usize) -> usize {
    let (mut bits, mut distance) = (1, step);
    while distance < WORD_GRANULES {
        bits |= bits << distance;
        distance *= 2;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_granules_of_the_row_and_no_others_have_a_bit() {
        for step in 1..=2 * WORD_GRANULES {
            for from in [0, 1, 5, WORD_GRANULES - 1, WORD_GRANULES] {
                for end in from..from + 3 * WORD_GRANULES {
                    let granules = spaced(from, step, end).flat_map(|(word, bits)| {
                        let is_set = move |g: &usize| bits >> g & 1 != 0;
                        (0..WORD_GRANULES).filter(is_set).map(move |g| word * WORD_GRANULES + g)
                    });
                    assert!(granules.eq((from..end).step_by(step)), "{from}, {step}, {end}");
                }
            }
        }
    }
}
