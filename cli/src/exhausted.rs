//! What a program does when memory is refused: it says so, and ends.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, for the program of a name.
pub(crate) struct OrEnd(pub(crate) &'static str);

impl OrEnd {
    #[inline]
    fn check(&self, block: *mut u8) -> *mut u8 {
        if block.is_null() { self.end() } else { block }
    }

    /// Needs no memory, and has nothing of the program run any more.
    #[cold]
    fn end(&self) -> ! {
        for text in [self.0, ": memory exhausted\n"] {
            let _ = rustix::io::write(rustix::stdio::stderr(), text.as_bytes());
        }
        // SAFETY: any status will do.
        unsafe { libc::_exit(1) }
    }
}

// SAFETY: the system's allocator keeps what is promised here.
unsafe impl GlobalAlloc for OrEnd {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        self.check(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        self.check(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as the caller says.
        self.check(unsafe { System.realloc(block, layout, new_size) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { System.dealloc(block, layout) }
    }
}
