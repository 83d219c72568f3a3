//! Allocators over one arena, by one face.

mod dlmalloc;
mod floor;
mod linked_list;
mod ours;
mod rlsf;
mod talc;

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

pub use self::dlmalloc::Dlmalloc;
pub use self::rlsf::{Rlsf, SmallRlsf, TinyRlsf};
pub use self::talc::Talc;
pub use floor::Floor;
pub use linked_list::LinkedList;
pub use ours::{Compact, General, RealTime};

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

    /// What a free answers.
    type Freed;

    /// Whether that is good.
    fn is_good(_freed: Self::Freed) -> bool {
        true
    }

    /// Frees a block.
    ///
    /// # Safety
    /// The block is live, was allocated for `layout`, and is not used any more.
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) -> Self::Freed;

    /// Makes a block `new_size` bytes long, wherever it then is.
    ///
    /// # Safety
    /// The block is live, was allocated for `layout`, and is not used any more once another is returned.
    #[inline(always)]
    unsafe fn reallocate(
        &mut self,
        block: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        let new_layout = Layout::from_size_align(new_size, layout.align()).ok()?;
        let new = self.allocate(new_layout)?;
        // SAFETY: both blocks hold the bytes, and they are two.
        unsafe {
            new.copy_from_nonoverlapping(block, layout.size().min(new_size));
            self.deallocate(block, layout);
        }
        Some(new)
    }
}
