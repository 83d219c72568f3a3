//! Blocks of many sizes come and go, for long: the heap does not fall apart.

use core::alloc::Layout;
use core::ptr::NonNull;

use memalloc_os::process;

const BLOCKS: usize = 10_000;
const OPERATIONS: usize = 1_000_000;

/// Numbers that look random, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// Most are small, and one of 200 is large.
    fn size(&mut self) -> usize {
        match self.below(1000) {
            0..700 => 16 + self.below(240),
            700..950 => 256 + self.below(1800),
            950..995 => 2048 + self.below(14_000),
            _ => 16_384 + self.below(100_000),
        }
    }
}

#[test]
fn a_heap_with_blocks_of_many_sizes_stays_as_large_as_it_was() {
    let mut random = Random(1);
    let mut allocate = || {
        let size = random.size();
        let block = process::allocate(Layout::from_size_align(size, 16).unwrap());
        (block.expect("there is memory"), size)
    };
    let mut blocks: Vec<(NonNull<u8>, usize)> = (0..BLOCKS).map(|_| allocate()).collect();
    let mut random = Random(2);
    for _ in 0..OPERATIONS {
        let (old, _) = core::mem::replace(&mut blocks[random.below(BLOCKS)], allocate());
        // SAFETY: the block is used no more.
        assert_eq!(unsafe { process::deallocate(old) }, Ok(()));
    }
    let used: usize = blocks.iter().map(|block| block.1).sum();
    let held = process::totals().source();
    assert!(held <= 2 * used, "{held} bytes for {used}");
    assert_eq!(process::check(), Ok(()));
}
