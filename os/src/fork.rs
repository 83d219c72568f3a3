//! The one place that forks.

use rustix::io;
use rustix::process::Pid;
use rustix::runtime_448b8ad740e2a26f::{Fork, exit_group, kernel_fork};

/// Forks; the child runs `body`, which has the whole of this process's memory to itself, and ends with status 0.
///
/// # Errors
///
/// What the kernel answers when there can be no child, `EAGAIN` or `ENOMEM`.
///
/// # Safety
///
/// Only the calling thread exists in the child, and no `pthread_atfork` handler has run: `body` must make plain system
/// calls on memory that no other thread was changing. It must not allocate, lock, or use thread-local or libc state.
pub(crate) unsafe fn fork(body: impl FnOnce()) -> io::Result<Pid> {
    // SAFETY: the caller answers for `body`; the guard keeps the child from running anything else.
    match unsafe { kernel_fork() }? {
        Fork::ParentOf(pid) => Ok(pid),
        Fork::Child(_) => {
            let _guard = LeaveOnUnwind;
            body();
            leave(0)
        }
    }
}

/// Ends this process at once: no exit handler runs and no buffer is flushed, for they are the parent's.
pub(crate) fn leave(status: i32) -> ! {
    exit_group(status)
}

/// An unwinding child must not return into its copy of the parent's stack.
struct LeaveOnUnwind;

impl Drop for LeaveOnUnwind {
    fn drop(&mut self) {
        leave(101)
    }
}
