//! Where heaps get their memory: an arena of a fixed size, or the operating system.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use memalloc_core::{ArenaSource, Granule, Heap, Mode, PageSource};
use memalloc_os::MmapSource;

/// Where fresh heaps can be had, one at a time.
pub(crate) trait Supply {
    /// What such a heap draws on.
    type Source<'supply>: PageSource
    where
        Self: 'supply;

    /// A fresh source, of which nothing is in use.
    fn source(&mut self) -> Self::Source<'_>;

    /// A fresh heap.
    fn heap<M: Mode>(&mut self) -> Heap<Self::Source<'_>, M> {
        Heap::with_mode(self.source())
    }

    /// Whether all memory lies in one block of a fixed size, so that how far up a heap reaches says more than what
    /// it holds.
    const IS_ARENA: bool;
}

/// The operating system's memory.
pub(crate) struct Mapped;

impl Supply for Mapped {
    type Source<'supply> = MmapSource;

    fn source(&mut self) -> MmapSource {
        MmapSource::new()
    }

    const IS_ARENA: bool = false;
}

/// A page, so that an arena starts at the same place in a page each time.
#[repr(align(4096))]
#[derive(Clone, Copy)]
struct Page {
    _bytes: [MaybeUninit<u8>; Self::SIZE],
}

impl Page {
    const SIZE: usize = 4096;
}

/// One piece of memory of a fixed size.
pub(crate) struct Arena {
    pages: Vec<Page>,
    size: usize,
}

impl Arena {
    /// An arena of `size` bytes; `None` if they cannot be had.
    pub(crate) fn new(size: usize) -> Option<Self> {
        let mut pages = Vec::new();
        pages.try_reserve_exact(size.div_ceil(Page::SIZE)).ok()?;
        Some(Self { pages, size })
    }

    /// Makes it smaller, or as large as it was made.
    pub(crate) fn resize(&mut self, size: usize) {
        self.size = size.min(self.pages.capacity() * Page::SIZE);
    }
}

impl Supply for Arena {
    type Source<'supply> = BorrowedArena<'supply>;

    fn source(&mut self) -> BorrowedArena<'_> {
        let memory = self.pages.spare_capacity_mut().as_mut_ptr().cast();
        // SAFETY: the vector has room for the bytes, which are its own. It is borrowed, and so neither dropped, moved
        // to other memory nor lent twice, for as long as the source lives.
        BorrowedArena { source: unsafe { ArenaSource::from_raw(memory, self.size) }, arena: PhantomData }
    }

    const IS_ARENA: bool = true;
}

/// The source of an arena that is borrowed.
#[derive(Debug)]
pub(crate) struct BorrowedArena<'arena> {
    source: ArenaSource,
    arena: PhantomData<&'arena mut [MaybeUninit<u8>]>,
}

// SAFETY: the source within keeps the promises; every call is passed on to it.
unsafe impl PageSource for BorrowedArena<'_> {
    const ALIGN: usize = ArenaSource::ALIGN;
    const ZEROED: bool = ArenaSource::ZEROED;
    const ONE_BLOCK: bool = ArenaSource::ONE_BLOCK;

    fn largest(&self) -> usize {
        self.source.largest()
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        // SAFETY: as the caller says.
        unsafe { self.source.request(min) }
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        // SAFETY: the caller promises what is asked for here.
        unsafe { self.source.release(block) }
    }

    #[inline(always)]
    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        self.source.block_of(address)
    }

    #[inline(always)]
    fn granule_at<G: Granule>(&self, address: usize) -> Option<(NonNull<u8>, usize)> {
        self.source.granule_at::<G>(address)
    }

    #[inline(always)]
    unsafe fn block_of_own(&self, address: usize) -> NonNull<u8> {
        // SAFETY: the caller promises what is asked for here.
        unsafe { self.source.block_of_own(address) }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::Layout;

    use memalloc_core::General;

    use super::*;

    #[test]
    fn an_arena_has_its_size_each_time() {
        let mut arena = Arena::new(100_000).unwrap();
        for size in [100_000, 8192, 99_999] {
            arena.resize(size);
            for _ in 0..2 {
                let mut heap = arena.heap::<General>();
                assert!(heap.allocate(Layout::new::<u64>()).is_some());
                assert_eq!(heap.totals().source(), size / 16 * 16);
            }
        }
    }

    #[test]
    fn an_arena_that_cannot_be_had_is_refused() {
        assert!(Arena::new(usize::MAX).is_none());
        assert!(Arena::new(usize::MAX / 2).is_none());
    }
}
