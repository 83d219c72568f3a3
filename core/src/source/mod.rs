//! Floor 1: where memory comes from.
//!
//! A heap asks its [`PageSource`] for **blocks** and lays one span in each. The source alone knows how its blocks
//! lie in the address space, so it also answers which of them holds an address.
//!
//! ```text
//!            request(min)                 ┌──────────── block ────────────┐
//!   heap ──────────────────▶ source ────▶ │ span header │ map │ granules … │
//!        ◀──────────────────              └───────────────────────────────┘
//!            release(block)                 ▲ block_of(any address inside)
//! ```
//!
//! [`ArenaSource`] lends one fixed block, [`BlocksSource`] several that need not touch.

mod arena;
mod blocks;

pub use arena::ArenaSource;
pub use blocks::{BlocksFull, BlocksSource};

use core::ptr::NonNull;

use crate::granule::Granule;

/// Hands out and takes back the memory that a heap manages.
///
/// # Safety
/// An implementation promises, for every block that [`request`](Self::request) returns and until
/// [`release`](Self::release) takes it back:
/// - it is valid for reads and writes, overlaps no other block, and nobody else touches it;
/// - it starts at a multiple of [`ALIGN`](Self::ALIGN), which is a power of two and at least [`GRANULE`](crate::GRANULE), and
///   has a multiple of that of bytes;
/// - [`block_of`](Self::block_of) answers with its start for exactly the addresses inside it, and
///   [`granule_at`](Self::granule_at) and [`block_of_own`](Self::block_of_own) agree with it;
/// - its bytes are all zero if [`ZEROED`](Self::ZEROED) and [`last_is_zeroed`](Self::last_is_zeroed) say so, and
///   [`discard`](Self::discard) leaves zeros zeros;
/// - no other is out at the same time if it says [`ONE_BLOCK`](Self::ONE_BLOCK);
/// - moving the source moves no block;
/// - none of its functions unwinds.
///
/// # Example
/// A source that lends one static array, once:
/// ```
/// use core::ptr::NonNull;
/// use memalloc_core::{Heap, PageSource};
///
/// #[repr(align(16))]
/// struct Array([u8; 4096]);
/// struct Once(Option<Box<Array>>, Option<NonNull<u8>>);
///
/// // SAFETY: the boxed array is lent once, is ours alone, and stays where it is.
/// unsafe impl PageSource for Once {
///     const ALIGN: usize = 16;
///     fn largest(&self) -> usize {
///         4096
///     }
///     unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
///         let array = self.0.take_if(|_| min <= 4096)?;
///         let start = NonNull::from(Box::leak(array)).cast::<u8>();
///         self.1 = Some(start);
///         Some(NonNull::slice_from_raw_parts(start, 4096))
///     }
///     unsafe fn release(&mut self, _block: NonNull<[u8]>) {
///         self.1 = None;
///     }
///     fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
///         self.1.filter(|start| address.wrapping_sub(start.addr().get()) < 4096)
///     }
/// }
///
/// let mut heap = Heap::new(Once(Some(Box::new(Array([0; 4096]))), None));
/// assert!(heap.allocate(core::alloc::Layout::new::<u64>()).is_some());
/// ```
pub unsafe trait PageSource {
    /// Every block starts at a multiple of this many bytes.
    const ALIGN: usize;

    /// Whether a block's bytes are all zero when it is handed out, so that a span's map need not be cleared: of every block,
    /// or of those that [`last_is_zeroed`](Self::last_is_zeroed) says it of.
    const ZEROED: bool = false;

    /// Whether no more than one block is ever out. Its span then stays until [`trim`](crate::Heap::trim), and frees need
    /// not look whether it could go. On 64 bits, the links of a heap in it take half a word: the heap takes no block of more
    /// than 16 GiB.
    const ONE_BLOCK: bool = false;

    /// The largest block, in bytes, that [`request`](Self::request) may ever return. The heap sizes its bins to the answer before
    /// its first request; a block that is larger than that is not taken later on. On 64 bits, a heap takes none of 256 GiB or
    /// more, and a [`LocalHeap`](crate::LocalHeap) none of 512 GiB or more.
    fn largest(&self) -> usize;

    /// A block of at least `min` bytes, or `None` if there is none to be had.
    ///
    /// # Safety
    /// A heap lays a span in each block that its source lends it, and takes every block that is out for such a one: while a heap
    /// owns the source, it alone asks, and it is given none of which a block is out.
    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>>;

    /// Whether [`request`](Self::request) would find a block of at least `min` bytes now that some are out; yes, if that is not
    /// known. Where it would not, a heap takes more care to have long chunks free.
    fn can_lend(&self, min: usize) -> bool {
        let _ = min;
        !Self::ONE_BLOCK
    }

    /// Whether the bytes of the block that was handed out last are all zero, where [`ZEROED`](Self::ZEROED) says that they
    /// may be. A source that hands out again what it took back says no of it.
    fn last_is_zeroed(&self) -> bool {
        Self::ZEROED
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `block` came from [`request`](Self::request) of this source, whole, has not been released since, and
    /// is no longer used.
    unsafe fn release(&mut self, block: NonNull<[u8]>);

    /// Whether spans in which nothing is in use had better go back at once: asked now and then while a `LocalHeap` has two or
    /// more. A source may say no for a while to a heap that soon asked for as many again.
    fn wants_back(&self) -> bool {
        true
    }

    /// [`release`](Self::release), in the course of a request, for which all that waited was made free at once. What was in use
    /// a while ago may be asked for again before long, by the same request too, so that a source that has its memory from a system
    /// may keep the block at hand for some time.
    ///
    /// # Safety
    /// As for `release`.
    unsafe fn release_for_now(&mut self, block: NonNull<[u8]>) {
        // SAFETY: as the caller says.
        unsafe { self.release(block) };
    }

    /// What stands in `bytes` bytes at `start`, which lie in a block, is needed no more; what is read there next may be
    /// anything, but if blocks are [zeroed](Self::ZEROED), where zeros have to stay zeros. A source that has its memory from a
    /// system gives whole pages of it back. Called by [`trim`](crate::Heap::trim) and `LocalHeap::discard`, for all that is free
    /// in one piece of 4 KiB or more, and what no block has covered yet.
    ///
    /// # Safety
    /// Nobody uses the bytes.
    unsafe fn discard(&mut self, start: NonNull<u8>, bytes: usize) {
        let _ = (start, bytes);
    }

    /// [`discard`](Self::discard), by a heap that has nothing else in use, and may well need the bytes again. Called by frees, for
    /// what is free in one piece of 64 KiB or more.
    ///
    /// # Safety
    /// As for `discard`.
    unsafe fn discard_for_now(&mut self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe { self.discard(start, bytes) };
    }

    /// The start of the block, handed out and not yet released, that holds `address`; `None` if no block does.
    /// Called by each free: O(1).
    fn block_of(&self, address: usize) -> Option<NonNull<u8>>;

    /// The start of the block that holds `address`, and the granule that starts at `address`, counted from the block's
    /// start; `None` if no block does, or no granule. Called by each free: a source of one block can tell both by one
    /// comparison.
    #[inline(always)]
    fn granule_at<G: Granule>(&self, address: usize) -> Option<(NonNull<u8>, usize)> {
        let block = self.block_of(address)?;
        let offset = address - block.addr().get();
        offset.is_multiple_of(G::BYTES).then_some((block, offset / G::BYTES))
    }

    /// [`block_of`](Self::block_of), when the address is known to lie in a block.
    ///
    /// # Safety
    /// `address` lies in a block that is handed out.
    #[inline(always)]
    unsafe fn block_of_own(&self, address: usize) -> NonNull<u8> {
        // SAFETY: the caller promises that a block holds the address, and `block_of` finds every block.
        unsafe { self.block_of(address).unwrap_unchecked() }
    }
}
