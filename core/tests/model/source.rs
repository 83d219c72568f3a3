//! A source for tests: blocks from the test's own allocator, some refused, all accounted for.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::alloc::{alloc, dealloc};
use std::collections::BTreeMap;

use memalloc_core::{GRANULE, PageSource};

use super::operations::Random;

/// Lends blocks of varying sizes, up to a limit for all, and refuses now and then.
pub struct TestSource {
    lent: BTreeMap<usize, (NonNull<u8>, usize)>,
    total: usize,
    limit: usize,
    largest: usize,
    /// One request in this many is refused.
    refuse: u64,
    random: Random,
}

impl TestSource {
    pub fn new(limit: usize, largest: usize, refuse: u64, seed: u64) -> Self {
        Self { lent: BTreeMap::new(), total: 0, limit, largest, refuse, random: Random::new(seed) }
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, GRANULE).unwrap()
    }
}

// SAFETY: blocks come from the global allocator, granule-aligned, and are found by their bounds while lent.
unsafe impl PageSource for TestSource {
    const ALIGN: usize = GRANULE;

    fn largest(&self) -> usize {
        self.largest
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        let more = (self.random.number() as usize % 4096) / GRANULE * GRANULE;
        let size = min.next_multiple_of(GRANULE).checked_add(more)?;
        if size > self.largest
            || self.total + size > self.limit
            || self.random.number().is_multiple_of(self.refuse)
        {
            return None;
        }
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc(Self::layout(size)) })?;
        // SAFETY: the block has the bytes. They are not zero, so that a map that is not cleared shows.
        unsafe { start.write_bytes(0xdb, size) };
        self.lent.insert(start.addr().get(), (start, size));
        self.total += size;
        Some(NonNull::slice_from_raw_parts(start, size))
    }

    fn can_lend(&self, min: usize) -> bool {
        min <= self.largest && self.total + min <= self.limit
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        let start = block.cast::<u8>();
        let (_, size) = self.lent.remove(&start.addr().get()).expect("the block is lent");
        assert_eq!(size, block.len(), "the block comes back whole");
        self.total -= size;
        // SAFETY: the block was allocated with that layout. Writing first shows a use after release.
        unsafe {
            start.write_bytes(0xdd, size);
            dealloc(start.as_ptr(), Self::layout(size));
        }
    }

    unsafe fn discard(&mut self, start: NonNull<u8>, bytes: usize) {
        let (&block, &(_, size)) =
            self.lent.range(..=start.addr().get()).next_back().expect("a block holds it");
        assert!(start.addr().get() + bytes <= block + size, "it lies in the block");
        // SAFETY: the heap says that nobody uses the bytes.
        unsafe { start.write_bytes(0xdc, bytes) };
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        let (&start, &(block, size)) = self.lent.range(..=address).next_back()?;
        (address - start < size).then_some(block)
    }
}

impl Drop for TestSource {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.lent.is_empty(), "the heap gave every block back");
    }
}
