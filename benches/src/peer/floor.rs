//! A floor: a free list for each power of two and its quarters, never coalesced.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::Peer;

const LISTS: usize = 64;

/// What any allocator with size classes has to do, and nothing else.
pub struct Floor {
    lists: [*mut u8; LISTS],
    fresh: *mut u8,
    left: usize,
}

/// The list for a size, and the bytes of its blocks: 16 to a list up to 64, then four lists to a doubling.
#[inline(always)]
fn class(size: usize) -> (usize, usize) {
    let units = (size.max(1) - 1) >> 4;
    let scale = (units | 4).ilog2() - 2;
    let step = units >> scale;
    (step + 4 * scale as usize, (step + 1) << scale << 4)
}

impl Peer for Floor {
    const NAME: &'static str = "free lists, a floor";

    type Freed = ();

    fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        Self { lists: [std::ptr::null_mut(); LISTS], fresh: arena.as_mut_ptr().cast(), left: arena.len() }
    }

    #[inline(always)]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let (list, bytes) = class(layout.size());
        let head = self.lists.get_mut(list)?;
        if let Some(block) = NonNull::new(*head) {
            // SAFETY: a block in a list starts with its link.
            *head = unsafe { block.cast::<*mut u8>().read() };
            return Some(block);
        }
        self.left = self.left.checked_sub(bytes)?;
        let block = self.fresh;
        self.fresh = block.wrapping_add(bytes);
        NonNull::new(block)
    }

    #[inline(always)]
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        let Some(head) = self.lists.get_mut(class(layout.size()).0) else { return };
        // SAFETY: the caller gives the block up, which has room for a link.
        unsafe { block.cast::<*mut u8>().write(*head) };
        *head = block.as_ptr();
    }
}
