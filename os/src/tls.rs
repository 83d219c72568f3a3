//! The heap of the calling thread: one pointer of thread-local storage.
//!
//! A shared library's thread-local variables are reached through a call, unless they are in the initial block of each
//! thread (the initial-exec model), which Rust has no word for yet: on x86-64 the variable is defined in assembly.

use crate::thread_heap::ThreadHeap;

/// The calling thread's heap; null if it has none.
#[inline(always)]
pub(crate) fn current() -> *const ThreadHeap {
    variable::get()
}

/// Makes `heap` the calling thread's.
pub(crate) fn set_current(heap: *const ThreadHeap) {
    variable::set(heap);
}

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
mod variable {
    use core::arch::{asm, global_asm};

    use super::ThreadHeap;

    global_asm!(
        ".pushsection .tbss.memalloc_thread_heap, \"awT\", @nobits",
        ".globl memalloc_thread_heap",
        ".hidden memalloc_thread_heap",
        ".type memalloc_thread_heap, @object",
        ".size memalloc_thread_heap, 8",
        ".p2align 3",
        "memalloc_thread_heap:",
        ".zero 8",
        ".popsection",
    );

    #[inline(always)]
    pub(super) fn get() -> *const ThreadHeap {
        let heap;
        // SAFETY: the variable is in each thread's block, a pointer, at the offset that the linker or loader has put in.
        unsafe {
            asm!(
                "mov {heap}, qword ptr [rip + memalloc_thread_heap@GOTTPOFF]",
                "mov {heap}, qword ptr fs:[{heap}]",
                heap = out(reg) heap,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        heap
    }

    pub(super) fn set(heap: *const ThreadHeap) {
        // SAFETY: as in `get`.
        unsafe {
            asm!(
                "mov {offset}, qword ptr [rip + memalloc_thread_heap@GOTTPOFF]",
                "mov qword ptr fs:[{offset}], {heap}",
                offset = out(reg) _,
                heap = in(reg) heap,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64")))]
mod variable {
    use core::cell::Cell;
    use core::ptr::null;

    use super::ThreadHeap;

    std::thread_local! {
        static HEAP: Cell<*const ThreadHeap> = const { Cell::new(null()) };
    }

    #[inline(always)]
    pub(super) fn get() -> *const ThreadHeap {
        HEAP.get()
    }

    pub(super) fn set(heap: *const ThreadHeap) {
        HEAP.set(heap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr::{null, without_provenance};

    #[test]
    fn each_thread_has_its_own() {
        let before = current();
        set_current(without_provenance(64));
        assert_eq!(current(), without_provenance(64));
        std::thread::spawn(|| {
            assert_eq!(current(), null());
            set_current(without_provenance(128));
        })
        .join()
        .unwrap();
        assert_eq!(current(), without_provenance(64));
        set_current(before);
    }
}
