//! What a trace is replayed on.

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_core::inspect::Fault;
use memalloc_core::{FreeError, GRANULE, Heap, Mode, PageSource};

/// An allocator under test, as malloc(3) is called.
pub(crate) trait Subject {
    /// A block of at least `size` bytes, if there is room.
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>>;

    /// Makes the block at `at`, of `old` bytes, `new` bytes long, wherever it then is, if there is room.
    ///
    /// # Safety
    /// A block of `old` bytes is in use there; once another is returned, nobody uses it any more.
    unsafe fn reallocate(&mut self, at: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>>;

    /// Frees the block at `at`.
    ///
    /// # Safety
    /// If a block is in use there, nobody uses it any more.
    unsafe fn deallocate(&mut self, at: NonNull<u8>) -> Result<(), FreeError>;

    /// Whether `bytes` bytes from `start` on lie in one piece of its memory, and not in what it keeps for itself.
    fn contains(&self, start: usize, bytes: usize) -> bool;

    /// Checks itself.
    fn check(&self) -> Result<(), Fault>;

    /// Bytes held from the source.
    fn held(&self) -> usize;

    /// The lowest address held from the source, 0 if nothing is.
    fn lowest(&self) -> usize;
}

impl<S: PageSource, M: Mode> Subject for Heap<S, M> {
    #[inline]
    fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        Heap::allocate(self, layout(size)?)
    }

    #[inline]
    unsafe fn reallocate(&mut self, at: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller promises what is asked for here.
        unsafe { Heap::reallocate(self, at, layout(old)?, new) }
    }

    #[inline]
    unsafe fn deallocate(&mut self, at: NonNull<u8>) -> Result<(), FreeError> {
        // SAFETY: the caller promises what is asked for here.
        unsafe { Heap::deallocate(self, at) }
    }

    fn contains(&self, start: usize, bytes: usize) -> bool {
        self.spans().any(|span| {
            let block = span.block.cast::<u8>().addr().get();
            let inside = start.checked_sub(block).filter(|&inside| inside >= span.first * GRANULE);
            inside.and_then(|inside| inside.checked_add(bytes)).is_some_and(|end| end <= span.end * GRANULE)
        })
    }

    fn check(&self) -> Result<(), Fault> {
        Heap::check(self)
    }

    fn held(&self) -> usize {
        self.totals().source()
    }

    fn lowest(&self) -> usize {
        self.spans().next().map_or(0, |span| span.block.cast::<u8>().addr().get())
    }
}

/// What malloc(3) is asked for: any size, at a granule's multiple. `None` for a size that no address space has.
#[inline]
fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size, GRANULE).ok()
}
