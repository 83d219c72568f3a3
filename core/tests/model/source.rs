//! A source for tests: blocks from the test's own allocator, some refused, all accounted for.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::alloc::{alloc, dealloc};
use std::collections::BTreeMap;

use memalloc_core::{GRANULE, PageSource};

use super::operations::Random;

/// Which requests are refused, whatever there is.
#[derive(Debug, Clone, Copy)]
pub enum Refusals {
    /// None.
    No,
    /// One in so many, at random.
    OneIn(u64),
    /// The one of this number, from 1 on.
    Nth(usize),
    /// Those whose bits are set, from the lowest on, and again.
    Pattern(u16),
}

/// What a source lends.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Bytes of a block, at least: whole granules.
    pub least: usize,
    /// Bytes that a block has more, at most, at random.
    pub more: usize,
    /// Bytes of a block, at most.
    pub most: usize,
    /// Bytes of the largest block, as it says: heaps make ready for such.
    pub promised: usize,
    /// Bytes in all.
    pub limit: usize,
    /// Blocks at once.
    pub blocks: usize,
    pub refusals: Refusals,
}

impl Terms {
    /// Blocks of up to `most` bytes, a little longer than what is asked for, as many as there is room for in `limit` bytes.
    pub fn varying(limit: usize, most: usize, refusals: Refusals) -> Self {
        Self { least: 0, more: 4096, most, promised: most, limit, blocks: usize::MAX, refusals }
    }
}

/// Lends on its terms; zeros, if `ZEROED`, but for each third block; one block at once, if `ONE_BLOCK`.
pub struct TestSource<const ZEROED: bool = false, const ONE_BLOCK: bool = false> {
    terms: Terms,
    lent: BTreeMap<usize, (NonNull<u8>, usize)>,
    total: usize,
    /// How often it was asked.
    pub requests: usize,
    random: Random,
}

impl<const ZEROED: bool, const ONE_BLOCK: bool> TestSource<ZEROED, ONE_BLOCK> {
    pub fn new(terms: Terms, seed: u64) -> Self {
        let blocks = if ONE_BLOCK { 1 } else { terms.blocks };
        let terms = Terms { blocks, ..terms };
        Self { terms, lent: BTreeMap::new(), total: 0, requests: 0, random: Random::new(seed) }
    }

    /// Bytes of the largest block that it lends.
    pub fn most(&self) -> usize {
        self.terms.most
    }

    /// How many blocks are lent, and their bytes.
    pub fn lent(&self) -> (usize, usize) {
        (self.lent.len(), self.total)
    }

    /// Whether it is known to refuse the next request.
    pub fn refuses(&self) -> bool {
        match self.terms.refusals {
            Refusals::No | Refusals::OneIn(_) => false,
            Refusals::Nth(number) => self.requests + 1 == number,
            Refusals::Pattern(bits) => bits.rotate_right(self.requests as u32) & 1 != 0,
        }
    }

    /// Whether it refuses this request, the next one.
    fn refuses_now(&mut self) -> bool {
        match self.terms.refusals {
            Refusals::OneIn(many) => self.random.number().is_multiple_of(many),
            _ => self.refuses(),
        }
    }

    /// Whether there is such a block.
    fn has(&self, size: usize) -> bool {
        let Terms { most, limit, blocks, .. } = self.terms;
        size <= most && self.total + size <= limit && self.lent.len() < blocks
    }

    /// The bytes of a block for `min`.
    fn size_for(&mut self, min: usize) -> Option<usize> {
        let Terms { least, more, .. } = self.terms;
        let more = if more == 0 { 0 } else { self.random.number() as usize % more / GRANULE * GRANULE };
        min.next_multiple_of(GRANULE).max(least).checked_add(more)
    }

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, GRANULE).unwrap()
    }
}

// SAFETY: blocks come from the global allocator, granule-aligned, and are found by their bounds while lent.
unsafe impl<const ZEROED: bool, const ONE_BLOCK: bool> PageSource for TestSource<ZEROED, ONE_BLOCK> {
    const ALIGN: usize = GRANULE;
    const ONE_BLOCK: bool = ONE_BLOCK;
    const ZEROED: bool = ZEROED;

    fn largest(&self) -> usize {
        self.terms.promised
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        let refuses = self.refuses_now();
        self.requests += 1;
        let size = self.size_for(min)?;
        if refuses || !self.has(size) {
            return None;
        }
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc(Self::layout(size)) })?;
        // SAFETY: the block has the bytes. Unless they are to be, they are not zero, so that a map that is not cleared shows.
        unsafe { start.write_bytes(if self.last_is_zeroed() { 0 } else { 0xdb }, size) };
        self.lent.insert(start.addr().get(), (start, size));
        self.total += size;
        Some(NonNull::slice_from_raw_parts(start, size))
    }

    fn can_lend(&self, min: usize) -> bool {
        !self.refuses() && self.has(min)
    }

    fn last_is_zeroed(&self) -> bool {
        ZEROED && !self.requests.is_multiple_of(3)
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
        unsafe { start.write_bytes(if ZEROED { 0 } else { 0xdc }, bytes) };
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        let (&start, &(block, size)) = self.lent.range(..=address).next_back()?;
        (address - start < size).then_some(block)
    }
}

impl<const ZEROED: bool, const ONE_BLOCK: bool> Drop for TestSource<ZEROED, ONE_BLOCK> {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.lent.is_empty(), "the heap gave every block back");
    }
}
