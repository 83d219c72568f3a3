//! A source that lends zeros, but for some blocks.

use core::ptr::NonNull;

use memalloc_core::PageSource;

/// Lends what the inner source lends, zeroed but for each third block.
pub struct Zeros<S> {
    inner: S,
    requests: usize,
}

impl<S> Zeros<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, requests: 0 }
    }
}

// SAFETY: as of the inner source.
unsafe impl<S: PageSource> PageSource for Zeros<S> {
    const ALIGN: usize = S::ALIGN;
    const ONE_BLOCK: bool = S::ONE_BLOCK;
    const ZEROED: bool = true;

    fn largest(&self) -> usize {
        self.inner.largest()
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        // SAFETY: as the caller says.
        let block = unsafe { self.inner.request(min) }?;
        self.requests += 1;
        // SAFETY: the block is the caller's, and nobody uses it yet.
        unsafe { block.cast::<u8>().write_bytes(if self.last_is_zeroed() { 0 } else { 0xdb }, block.len()) };
        Some(block)
    }

    fn can_lend(&self, min: usize) -> bool {
        self.inner.can_lend(min)
    }

    fn last_is_zeroed(&self) -> bool {
        !self.requests.is_multiple_of(3)
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        // SAFETY: as the caller says.
        unsafe { self.inner.release(block) };
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        self.inner.block_of(address)
    }
}
