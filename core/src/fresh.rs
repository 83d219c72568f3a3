//! What no block has covered yet: memory that a source gave as zeros, and that need not be zeroed once more.

use core::ptr::NonNull;

use crate::granule::GRANULE;

/// What a free chunk keeps of itself at its start: less than two granules.
const HEAD: usize = 2 * GRANULE;
/// What it keeps at its end.
const FOOTER: usize = GRANULE;

/// The end of a heap's newest span that no block has covered yet, `[from, to)`, by addresses: zeros, but for the head of a
/// free chunk at `from` and a footer at `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh {
    from: usize,
    to: usize,
}

impl Fresh {
    /// Nothing.
    pub(crate) const NONE: Self = Self { from: 0, to: 0 };

    /// All of a new span's one free chunk, of `bytes` bytes at `chunk`.
    pub(crate) fn whole(chunk: NonNull<u8>, bytes: usize) -> Self {
        let from = chunk.addr().get();
        Self { from, to: from + bytes }
    }

    /// A block covers what lies below `end`, if that lies here. O(1).
    #[inline(always)]
    pub(crate) fn cover(&mut self, end: NonNull<u8>) {
        let end = end.addr().get();
        if end.wrapping_sub(self.from) <= self.to.wrapping_sub(self.from) {
            self.from = end;
        }
    }

    /// What of `[block, end)` was fresh before it was handed out: this was then, `now` is after.
    fn before(self, now: Self, block: usize, end: usize) -> Self {
        if self.to == now.to {
            self
        } else if now.from == end {
            // A new span came, and the block is the first in it.
            Self { from: block, to: now.to }
        } else {
            Self::NONE
        }
    }

    /// Zeroes the `size` bytes of a block, but for those that are zero since the source gave them. This is what was fresh
    /// before the block was allocated, `now` what is after.
    ///
    /// # Safety
    /// The block has as many bytes, rounded up to granules, and they are the caller's. The two are of the heap that it was
    /// then allocated from, or of one that it does not lie in.
    pub(crate) unsafe fn clear(self, now: Self, block: NonNull<u8>, size: usize) {
        let start = block.addr().get();
        let end = start + size.next_multiple_of(GRANULE);
        let Self { from, to } = self.before(now, start, end);
        let clear = |at: usize, end: usize| {
            // SAFETY: both ends lie in the block.
            unsafe { block.add(at).write_bytes(0, end - at) };
        };
        if end <= from || end > to {
            return clear(0, size);
        }
        clear(0, size.min(from.saturating_sub(start) + HEAD));
        clear((end - start).saturating_sub(FOOTER).min(size), size);
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    /// A block of `size` bytes in a chunk of 20 granules, covered up to granule `covered`: dirty as heaps leave it.
    fn cleared(covered: usize, at: usize, size: usize) -> vec::Vec<u8> {
        let mut memory = vec![0_u128; 20 * GRANULE / 16];
        let base = NonNull::new(memory.as_mut_ptr().cast::<u8>()).unwrap();
        let mut fresh = Fresh::whole(base, 20 * GRANULE);
        // SAFETY: all lies in the vector.
        unsafe {
            fresh.cover(base.add(covered * GRANULE));
            base.write_bytes(0xa5, covered * GRANULE + HEAD - GRANULE / 2);
            base.add(20 * GRANULE - FOOTER / 2).write_bytes(0xa5, FOOTER / 2);
            let block = base.add(at * GRANULE);
            let mut now = fresh;
            now.cover(block.add(size.next_multiple_of(GRANULE)));
            fresh.clear(now, block, size);
            core::slice::from_raw_parts(base.as_ptr(), 20 * GRANULE).to_vec()
        }
    }

    #[test]
    fn a_block_is_zero_wherever_it_lies_and_what_lies_beyond_is_left_alone() {
        for covered in 0..18 {
            for at in 0..=covered {
                for size in 0..=(20 - at) * GRANULE {
                    let memory = cleared(covered, at, size);
                    let (block, above) = memory[at * GRANULE..].split_at(size);
                    assert!(block.iter().all(|&byte| byte == 0), "{covered} {at} {size}");
                    let dirty = covered * GRANULE + HEAD - GRANULE / 2;
                    let end = at * GRANULE + size;
                    assert!(end >= dirty || above[..dirty - end].iter().all(|&byte| byte == 0xa5));
                    assert!(memory[..at * GRANULE].iter().all(|&byte| byte == 0xa5));
                }
            }
        }
    }

    #[test]
    fn what_is_fresh_shrinks_to_above_the_highest_block() {
        let memory = [0_u8; 64];
        let at = |offset| NonNull::from(&memory[offset]);
        let mut fresh = Fresh::whole(at(16), 32);
        for (end, from) in [(16, 16), (32, 32), (24, 32), (63, 32), (8, 32), (48, 48), (40, 48)] {
            fresh.cover(at(end));
            assert_eq!(fresh.from, at(from).addr().get());
        }
        let mut none = Fresh::NONE;
        none.cover(at(1));
        assert_eq!(none, Fresh::NONE);
    }

    #[test]
    fn in_a_new_span_what_the_first_block_covers_was_fresh() {
        let memory = [0_u8; 64];
        let at = |offset| NonNull::from(&memory[offset]);
        let mut now = Fresh::whole(at(0), 64);
        now.cover(at(32));
        let [start, end] = [0, 32].map(|offset| at(offset).addr().get());
        assert_eq!(Fresh::NONE.before(now, start, end), Fresh::whole(at(0), 64));
        assert_eq!(Fresh::NONE.before(now, start, end - 16), Fresh::NONE);
        assert_eq!(now.before(now, start, end), now);
    }
}
