//! Zeros in a block just allocated.

use core::ptr::NonNull;

use memalloc_core::GRANULE;

/// What a free chunk keeps of itself at its start: less than two granules.
const HEAD: usize = 2 * GRANULE;
/// What it keeps at its end.
const FOOTER: usize = GRANULE;

/// Zeroes `size` bytes.
///
/// # Safety
/// The block has as many bytes, rounded up to granules, and they are the caller's.
pub(crate) unsafe fn clear(block: NonNull<u8>, size: usize) {
    // SAFETY: the bytes are the caller's.
    unsafe { block.write_bytes(0, size) };
}

/// Zeroes `size` bytes that have been no more than part of a free chunk since the system gave them: only where such a
/// chunk keeps its links and sizes.
///
/// # Safety
/// As for [`clear`]; and the block was cut out of a new span's one free chunk.
pub(crate) unsafe fn clear_fresh(block: NonNull<u8>, size: usize) {
    // SAFETY: both pieces lie in the block.
    unsafe {
        clear(block, size.min(HEAD));
        let end = size.next_multiple_of(GRANULE);
        let footer = end.saturating_sub(FOOTER);
        clear(block.add(footer), size - footer.min(size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_block_loses_what_a_free_chunk_keeps_and_nothing_beyond_its_size() {
        for size in 0..=10 * GRANULE {
            let mut block = std::vec![0_u8; 12 * GRANULE];
            let end = size.next_multiple_of(GRANULE);
            // The words that a free chunk of this size, or a larger one, would have written.
            block[..end.min(3 * GRANULE / 2)].fill(0xff);
            block[end.saturating_sub(GRANULE / 2)..end].fill(0xff);
            block[end..].fill(0xaa);
            // SAFETY: the vector is longer.
            unsafe { clear_fresh(NonNull::new(block.as_mut_ptr()).unwrap(), size) };
            assert!(block[..size].iter().all(|&byte| byte == 0), "{size}");
            assert!(block[end..].iter().all(|&byte| byte == 0xaa), "{size}");
        }
    }
}
