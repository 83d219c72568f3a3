//! Memory for allocators under test.

use std::mem::MaybeUninit;

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
