//! Allocators over one arena, by one face.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use memalloc_core::{ArenaSource, Heap};

/// An arena: aligned as a careful user would align it.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line {
    _bytes: [MaybeUninit<u8>; 64],
}

/// Memory for an allocator under test, for the process's life.
pub fn arena(size: usize) -> &'static mut [MaybeUninit<u8>] {
    let lines = vec![Line { _bytes: [MaybeUninit::uninit(); 64] }; size / 64].leak();
    // SAFETY: a line is 64 bytes, each of which may be uninitialised.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), size) }
}

/// An allocator over one arena.
pub trait Peer: Sized {
    /// What it is called.
    const NAME: &'static str;

    /// Bytes of state outside the arena.
    fn state() -> usize {
        size_of::<Self>()
    }

    /// Over `arena`.
    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self;

    /// A block.
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>>;

    /// Frees a block.
    ///
    /// # Safety
    /// The block is live, was allocated for `layout`, and is not used any more.
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout);
}

/// Ours, as it comes.
pub type Ours = Heap<ArenaSource>;

impl Peer for Ours {
    const NAME: &'static str = "ours";

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        Heap::new(ArenaSource::new(arena))
    }

    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        Heap::allocate(self, layout)
    }

    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller gives the block up.
        let freed = unsafe { self.deallocate_sized(block, layout) };
        assert_eq!(freed, Ok(()), "the block is live");
    }
}

/// `linked_list_allocator`, first fit by address.
pub type LinkedList = linked_list_allocator::Heap;

impl Peer for LinkedList {
    const NAME: &'static str = "linked_list_allocator";

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        Self::from_slice(arena)
    }

    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate_first_fit(layout).ok()
    }

    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller gives the block up.
        unsafe { Self::deallocate(self, block, layout) };
    }
}
