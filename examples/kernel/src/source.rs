//! A page source over the machine's memory map.
//!
//! The first 4 GiB are cut in pages of a mebibyte. A table says of each page whether it may be lent, and if it is lent, at
//! which page its block starts.

use core::ptr::{NonNull, with_exposed_provenance_mut};

use memalloc_core::PageSource;

/// Bytes in a page.
pub const PAGE: usize = 1 << 20;
const PAGES: usize = (4 << 30) / PAGE;
/// Pages in a block, at most.
const LARGEST: usize = 16;

/// A page that is not RAM, or not ours. (No block starts at the first page, nor at the second.)
const NOT_OURS: u16 = 0;
const IDLE: u16 = 1;

/// Lends the pages that were added to it.
pub struct MapSource {
    pages: [u16; PAGES],
}

impl MapSource {
    /// A source without memory yet.
    pub const fn new() -> Self {
        Self { pages: [NOT_OURS; PAGES] }
    }

    /// Adds the whole pages from `start` up to `end`, but for the first two. How many.
    ///
    /// # Safety
    /// They are RAM, mapped where they are, and nobody else uses them.
    pub unsafe fn add(&mut self, start: usize, end: usize) -> usize {
        let pages = start.div_ceil(PAGE).max(2)..(end / PAGE).min(PAGES);
        let count = pages.len();
        self.pages.iter_mut().take(pages.end).skip(pages.start).for_each(|page| *page = IDLE);
        count
    }

    /// The first of `count` idle pages in a row.
    fn find(&self, count: usize) -> Option<usize> {
        self.pages.windows(count).position(|pages| pages.iter().all(|&page| page == IDLE))
    }

    fn set(&mut self, first: usize, count: usize, what: u16) {
        self.pages.iter_mut().skip(first).take(count).for_each(|page| *page = what);
    }
}

// SAFETY: pages are mapped at their own addresses and lent to one block at a time, of which the table keeps the start.
unsafe impl PageSource for MapSource {
    const ALIGN: usize = PAGE;

    fn largest(&self) -> usize {
        LARGEST * PAGE
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        let count = min.div_ceil(PAGE).max(1);
        if count > LARGEST {
            return None;
        }
        let first = self.find(count)?;
        self.set(first, count, first as u16);
        let start = NonNull::new(with_exposed_provenance_mut(first * PAGE))?;
        Some(NonNull::slice_from_raw_parts(start, count * PAGE))
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        self.set(block.addr().get() / PAGE, block.len() / PAGE, IDLE);
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        match *self.pages.get(address / PAGE)? {
            NOT_OURS | IDLE => None,
            first => NonNull::new(with_exposed_provenance_mut(usize::from(first) * PAGE)),
        }
    }
}
