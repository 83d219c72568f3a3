//! A source of several blocks that need not touch.

use core::fmt;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::{ArenaSource, PageSource};
use crate::granule::GRANULE;

/// Lends up to `N` separate pieces of memory, each whole: the RAM banks of a board, the usable ranges of a machine's
/// memory map. A request gets the smallest piece that holds it. `block_of` looks at up to `N` pieces.
///
/// ```
/// use core::alloc::Layout;
/// use core::mem::MaybeUninit;
/// use memalloc_core::{BlocksSource, Heap};
///
/// let mut source = BlocksSource::<2>::new();
/// source.add(Box::leak(Box::new([MaybeUninit::uninit(); 2048]))).unwrap();
/// source.add(Box::leak(Box::new([MaybeUninit::uninit(); 8192]))).unwrap();
/// let mut heap = Heap::new(source);
/// assert!(heap.allocate(Layout::new::<[u8; 1000]>()).is_some());
/// assert!(heap.allocate(Layout::new::<[u8; 6000]>()).is_some());
/// ```
#[derive(Debug)]
pub struct BlocksSource<const N: usize> {
    blocks: [ArenaSource; N],
    count: usize,
}

/// The source already has as many blocks as it can keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlocksFull;

impl fmt::Display for BlocksFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the source has no place for another block")
    }
}

impl core::error::Error for BlocksFull {}

impl<const N: usize> BlocksSource<N> {
    /// A source with no memory yet.
    pub const fn new() -> Self {
        Self { blocks: [const { ArenaSource::one_of_many(core::ptr::null_mut(), 0) }; N], count: 0 }
    }

    /// Adds `block`. Add the largest before the heap's first allocation: the heap sizes its bins by it, and takes no larger one.
    ///
    /// # Errors
    /// [`BlocksFull`] when `N` blocks are there already.
    pub fn add(&mut self, block: &'static mut [MaybeUninit<u8>]) -> Result<(), BlocksFull> {
        // SAFETY: an exclusive reference for ever is valid, unshared memory.
        unsafe { self.add_raw(block.as_mut_ptr().cast(), block.len()) }
    }

    /// Adds the `size` bytes at `memory`.
    ///
    /// # Errors
    /// [`BlocksFull`] when `N` blocks are there already.
    ///
    /// # Safety
    /// As for [`ArenaSource::from_raw`].
    pub unsafe fn add_raw(&mut self, memory: *mut u8, size: usize) -> Result<(), BlocksFull> {
        let place = self.blocks.get_mut(self.count).ok_or(BlocksFull)?;
        *place = ArenaSource::one_of_many(memory, size);
        self.count += 1;
        Ok(())
    }
}

impl<const N: usize> Default for BlocksSource<N> {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: each block is an arena's, and arenas promise the same.
unsafe impl<const N: usize> PageSource for BlocksSource<N> {
    const ALIGN: usize = GRANULE;

    fn largest(&self) -> usize {
        self.blocks.iter().map(ArenaSource::largest).max().unwrap_or(0)
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        let idle = self.blocks.iter_mut().filter(|block| block.can_lend(min));
        // SAFETY: as the caller says.
        unsafe { idle.min_by_key(|block| block.largest())?.request(min) }
    }

    fn can_lend(&self, min: usize) -> bool {
        self.blocks.iter().any(|block| block.can_lend(min))
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        let start = block.cast::<u8>();
        for arena in &mut self.blocks {
            if arena.block_of(start.addr().get()) == Some(start) {
                // SAFETY: the caller hands back what this arena lent.
                unsafe { arena.release(block) };
            }
        }
    }

    #[inline]
    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        self.blocks.iter().find_map(|block| block.block_of(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leak(size: usize) -> &'static mut [MaybeUninit<u8>] {
        std::boxed::Box::leak(std::vec![MaybeUninit::uninit(); size].into_boxed_slice())
    }

    fn three() -> BlocksSource<3> {
        let mut source = BlocksSource::new();
        for size in [4096, 1024, 2048] {
            source.add(leak(size)).unwrap();
        }
        source
    }

    fn request(source: &mut BlocksSource<3>, min: usize) -> Option<NonNull<[u8]>> {
        // SAFETY: no heap is given the source.
        unsafe { source.request(min) }
    }

    #[test]
    fn lends_the_smallest_that_fits() {
        let mut source = three();
        assert!(request(&mut source, 1500).unwrap().len() <= 2048);
        assert!(request(&mut source, 1500).unwrap().len() > 2048);
        assert!(!source.can_lend(1500) && request(&mut source, 1500).is_none());
        assert!(source.can_lend(500) && request(&mut source, 500).is_some());
        assert!(!source.can_lend(0) && request(&mut source, 0).is_none());
    }

    #[test]
    fn takes_no_more_than_it_can_keep() {
        assert_eq!(three().add(leak(64)), Err(BlocksFull));
    }

    #[test]
    fn a_released_block_can_be_lent_again_and_is_not_found_before() {
        let mut source = three();
        let block = request(&mut source, 3000).unwrap();
        let start = block.cast::<u8>();
        assert_eq!(source.block_of(start.addr().get() + 7), Some(start));
        // SAFETY: the block was just requested and is unused.
        unsafe { source.release(block) };
        assert_eq!(source.block_of(start.addr().get() + 7), None);
        assert_eq!(request(&mut source, 3000), Some(block));
    }
}
