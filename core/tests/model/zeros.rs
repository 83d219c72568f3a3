//! A source that lends zeros.

use core::ptr::NonNull;

use memalloc_core::PageSource;

/// Lends what the inner source lends, zeroed.
pub struct Zeros<S>(pub S);

// SAFETY: as of the inner source.
unsafe impl<S: PageSource> PageSource for Zeros<S> {
    const ALIGN: usize = S::ALIGN;
    const ONE_BLOCK: bool = S::ONE_BLOCK;
    const ZEROED: bool = true;

    fn largest(&self) -> usize {
        self.0.largest()
    }

    fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        let block = self.0.request(min)?;
        // SAFETY: the block is the caller's, and nobody uses it yet.
        unsafe { block.cast::<u8>().write_bytes(0, block.len()) };
        Some(block)
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        // SAFETY: as the caller says.
        unsafe { self.0.release(block) };
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        self.0.block_of(address)
    }
}
