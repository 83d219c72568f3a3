//! `linked_list_allocator`, first fit by address.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::Peer;

/// Its heap over one slice.
pub struct LinkedList(linked_list_allocator::Heap);

impl Peer for LinkedList {
    const NAME: &'static str = "linked_list_allocator";

    type Freed = ();

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        Self(linked_list_allocator::Heap::from_slice(arena))
    }

    #[inline(always)]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.allocate_first_fit(layout).ok()
    }

    #[inline(always)]
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller gives the block up.
        unsafe { self.0.deallocate(block, layout) };
    }
}
