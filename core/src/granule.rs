//! The unit of memory: two words.

/// Bytes in a granule: two words, so that a free chunk of one granule holds its two links. Every chunk is a whole
/// number of granules, and every pointer the heap hands out a multiple of it.
pub const GRANULE: usize = 2 * size_of::<usize>();

/// The granules that `bytes` fill; one at least, so that every block in use has an address of its own.
#[inline(always)]
pub(crate) const fn granules(bytes: usize) -> usize {
    // Nothing rounds up as one byte does.
    let bytes = bytes + (bytes == 0) as usize;
    (bytes - 1) / GRANULE + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_up_to_granules_and_never_to_none() {
        assert_eq!(granules(0), 1);
        assert_eq!(granules(1), 1);
        assert_eq!(granules(GRANULE), 1);
        assert_eq!(granules(GRANULE + 1), 2);
        assert_eq!(granules(usize::MAX), usize::MAX / GRANULE + 1);
    }
}
