//! The same numbers for each peer.

use std::alloc::Layout;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A layout of `smallest` to `largest` bytes, each doubling as likely as another.
    pub fn log_uniform(&mut self, smallest: usize, largest: usize) -> Layout {
        let part = self.next() as f64 / u64::MAX as f64;
        let (low, high) = (smallest as f64, (largest + 1) as f64);
        let size = ((low * (high / low).powf(part)) as usize).clamp(smallest, largest);
        Layout::from_size_align(size, 8).expect("a small layout")
    }
}
