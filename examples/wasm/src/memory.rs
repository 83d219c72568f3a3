//! A page source that grows linear memory.

use core::arch::wasm32::{memory_grow, memory_size};
use core::iter::successors;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use memalloc_core::{BlocksSource, PageSource};

/// Bytes in a page of WebAssembly's.
const PAGE: usize = 64 << 10;
/// Pages of all the address space but the last, so that each block has an end.
const PAGES: usize = usize::MAX / PAGE;
/// Blocks, at most. Each is as large as all before it, until memory is nearly at its end, and half as large as the last
/// from there on.
const BLOCKS: usize = 2 * PAGES.ilog2() as usize + 2;

/// Lends what linear memory grows by. It cannot shrink: what comes back is lent again.
pub struct LinearMemory {
    blocks: BlocksSource<BLOCKS>,
    pages: usize,
}

impl LinearMemory {
    /// A source that has no memory yet.
    pub const fn new() -> Self {
        Self { blocks: BlocksSource::new(), pages: 0 }
    }

    /// Adds a block of `min` bytes at least: of as many pages as there are already, or as many as can be had.
    fn grow(&mut self, min: usize) -> Option<()> {
        let least = min.div_ceil(PAGE).max(1);
        let sizes =
            successors(Some(self.pages.max(least)), |pages| (*pages > least).then(|| least.max(pages / 2)));
        let (first, pages) = sizes.filter_map(|pages| Some((grown_by(pages)?, pages))).next()?;
        self.pages += pages;
        let start = with_exposed_provenance_mut(first * PAGE);
        // SAFETY: these pages were not there before, so nobody else uses them, and they stay.
        unsafe { self.blocks.add_raw(start, pages * PAGE) }.ok()
    }
}

/// Grows linear memory by `pages`. The first of them, if there are any more.
fn grown_by(pages: usize) -> Option<usize> {
    if pages > PAGES - memory_size::<0>().min(PAGES) {
        return None;
    }
    let first = memory_grow::<0>(pages);
    (first != usize::MAX).then_some(first)
}

// SAFETY: the blocks are a source's that promises the same.
unsafe impl PageSource for LinearMemory {
    const ALIGN: usize = BlocksSource::<BLOCKS>::ALIGN;

    fn largest(&self) -> usize {
        PAGES * PAGE
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        // SAFETY: as the caller says.
        let block = unsafe { self.blocks.request(min) };
        block.or_else(|| {
            self.grow(min)?;
            // SAFETY: as the caller says.
            unsafe { self.blocks.request(min) }
        })
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        // SAFETY: as the caller says.
        unsafe { self.blocks.release(block) };
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        self.blocks.block_of(address)
    }
}
