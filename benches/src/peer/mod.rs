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
pub use self::rlsf::Rlsf;
pub use self::talc::Talc;
pub use floor::Floor;
pub use linked_list::LinkedList;
pub use ours::{Compact, General, RealTime};

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

/// Memory that allocators under test have in turns. All of it was written to before, so that none of their time is the
/// kernel's.
pub struct Memory(&'static mut [MaybeUninit<u8>]);

impl Memory {
    /// Of `size` bytes.
    pub fn of(size: usize) -> Self {
        let memory = arena(size);
        memory.fill(MaybeUninit::new(1));
        Self(memory)
    }

    /// All of it, for the next allocator.
    ///
    /// # Safety
    /// Whoever had it before uses it no more.
    pub unsafe fn lend(&mut self) -> &'static mut [MaybeUninit<u8>] {
        // SAFETY: the memory is there for the process's life, and in nobody else's hands.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr(), self.0.len()) }
    }
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
