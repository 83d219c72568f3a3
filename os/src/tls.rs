//! The heap of the calling thread: one pointer of thread-local storage.
//!
//! A shared library's thread-local variables are reached through a call, unless they are in the initial block of each
//! thread (the initial-exec model), which Rust has no word for yet: on x86-64 the variable is defined in assembly.

use crate::thread_heap::{NONE, ThreadHeap};

/// The calling thread's heap; [`NONE`] if it has none. Never null, so that nothing need be compared before it is used.
#[inline(always)]
pub(crate) fn current() -> &'static ThreadHeap {
    let heap = variable::get();
    // SAFETY: the variable has had no other values than those of `set_current`, and its first.
    unsafe {
        core::hint::assert_unchecked(!heap.is_null());
        &*heap
    }
}

/// Makes `heap` the calling thread's.
pub(crate) fn set_current(heap: &'static ThreadHeap) {
    variable::set(heap);
}

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
mod variable {
    use core::arch::{asm, global_asm};

    use super::{NONE, ThreadHeap};

    global_asm!(
        ".pushsection .tdata.memalloc_thread_heap, \"awT\", @progbits",
        ".globl memalloc_thread_heap",
        ".hidden memalloc_thread_heap",
        ".type memalloc_thread_heap, @object",
        ".size memalloc_thread_heap, 8",
        ".p2align 3",
        "memalloc_thread_heap:",
        ".quad {none}",
        ".popsection",
        none = sym NONE,
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

    use super::{NONE, ThreadHeap};

    std::thread_local! {
        static HEAP: Cell<*const ThreadHeap> = const { Cell::new(&raw const NONE) };
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
    use core::ptr;

    static OTHER: [ThreadHeap; 2] = [const { ThreadHeap::nobodys() }; 2];

    #[test]
    fn each_thread_has_its_own() {
        let before = current();
        set_current(&OTHER[0]);
        assert!(ptr::eq(current(), &OTHER[0]));
        std::thread::spawn(|| {
            assert!(ptr::eq(current(), &NONE));
            set_current(&OTHER[1]);
            assert!(ptr::eq(current(), &OTHER[1]));
            set_current(&NONE);
        })
        .join()
        .unwrap();
        assert!(ptr::eq(current(), &OTHER[0]));
        set_current(before);
    }
}
