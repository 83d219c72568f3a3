//! A source that notes what it is asked, and refuses when it is told to.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::alloc::{alloc, dealloc};
use std::collections::BTreeMap;

use memalloc_core::{GRANULE, PageSource};

/// Lends blocks of a size or more, two of three zeroed if `ZEROED`, `MOST` at a time, and refuses as a pattern of bits says.
pub struct Lender<const MOST: usize, const ZEROED: bool> {
    lent: BTreeMap<usize, (NonNull<u8>, usize)>,
    usual: usize,
    most: usize,
    largest: usize,
    refusals: u16,
    /// How often it was asked.
    pub requests: usize,
}

impl<const MOST: usize, const ZEROED: bool> Lender<MOST, ZEROED> {
    /// Blocks have `usual` bytes, whole granules, where that is enough, and `most` at most.
    pub fn new(usual: usize, most: usize, refusals: u16) -> Self {
        Self { lent: BTreeMap::new(), usual, most, largest: most, refusals, requests: 0 }
    }

    /// The same, but that it says that there are blocks of `largest` bytes: heaps make ready for them.
    pub fn promising(self, largest: usize) -> Self {
        Self { largest, ..self }
    }

    /// Bytes of the largest block that it lends.
    pub fn most(&self) -> usize {
        self.most
    }

    /// How many blocks are lent, and their bytes.
    pub fn lent(&self) -> (usize, usize) {
        (self.lent.len(), self.lent.values().map(|block| block.1).sum())
    }

    /// Whether it refuses the next request.
    pub fn refuses(&self) -> bool {
        self.refusals & 1 != 0
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, GRANULE).expect("a block's size")
    }
}

// SAFETY: blocks come from the global allocator, granule-aligned, and are found by their bounds while lent.
unsafe impl<const MOST: usize, const ZEROED: bool> PageSource for Lender<MOST, ZEROED> {
    const ALIGN: usize = GRANULE;
    const ONE_BLOCK: bool = MOST == 1;
    const ZEROED: bool = ZEROED;

    fn largest(&self) -> usize {
        self.largest
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        self.requests += 1;
        let refused = self.refuses();
        self.refusals = self.refusals.rotate_right(1);
        let size = min.next_multiple_of(GRANULE).max(self.usual);
        if refused || size > self.most || self.lent.len() == MOST {
            return None;
        }
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc(Self::layout(size)) })?;
        // SAFETY: the block has the bytes. Unless they are to be, they are not zero, so that a map that is not cleared shows.
        unsafe { start.write_bytes(if self.last_is_zeroed() { 0 } else { 0xdb }, size) };
        self.lent.insert(start.addr().get(), (start, size));
        Some(NonNull::slice_from_raw_parts(start, size))
    }

    fn can_lend(&self, min: usize) -> bool {
        !self.refuses() && min <= self.most && self.lent.len() < MOST
    }

    fn last_is_zeroed(&self) -> bool {
        ZEROED && !self.requests.is_multiple_of(3)
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        let start = block.cast::<u8>();
        let (_, size) = self.lent.remove(&start.addr().get()).expect("the block is lent");
        assert_eq!(size, block.len(), "the block comes back whole");
        // SAFETY: the block was allocated with that layout.
        unsafe { dealloc(start.as_ptr(), Self::layout(size)) };
    }

    unsafe fn discard(&mut self, start: NonNull<u8>, bytes: usize) {
        let (&block, &(_, size)) =
            self.lent.range(..=start.addr().get()).next_back().expect("a block holds it");
        assert!(start.addr().get() + bytes <= block + size, "it lies in the block");
        // SAFETY: the heap says that nobody uses the bytes.
        unsafe { start.write_bytes(if ZEROED { 0 } else { 0xdc }, bytes) };
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        let (&start, &(block, size)) = self.lent.range(..=address).next_back()?;
        (address - start < size).then_some(block)
    }
}
