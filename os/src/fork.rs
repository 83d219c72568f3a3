//! The one place that forks.

use std::sync::atomic::AtomicI32;

use rustix::io::{self, Errno};
use rustix::process::Pid;
use rustix::runtime_448b8ad740e2a26f::{Fork, exit_group, kernel_fork};

/// Which of the two processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twin {
    /// The one that has forked.
    Old,
    /// The new one.
    New,
}

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

/// Forks a sibling: a child of this process's parent, which alone can wait for it. The kernel writes the sibling's
/// process id to `pid` before either process goes on, so that whoever shares that memory knows of it in any case.
///
/// # Errors
///
/// As for [`fork`]; `pid` is unchanged then.
///
/// # Safety
///
/// This process is itself the child of [`fork`], and so its body answers for what the sibling does.
pub(crate) unsafe fn fork_sibling(pid: &AtomicI32) -> io::Result<Twin> {
    let flags = libc::CLONE_PARENT | libc::CLONE_PARENT_SETTID | libc::SIGCHLD;
    let (flags, no_stack, none) = (flags as usize, 0usize, 0usize);
    // Architectures differ in the order of the last two arguments, which are both none, and one in that of the first two.
    let (first, second) = if cfg!(target_arch = "s390x") { (no_stack, flags) } else { (flags, no_stack) };
    // SAFETY: without a stack of its own the sibling goes on with a copy of this one, as after fork; `pid` is valid for
    // the kernel's write, and atomic for all who read it. The caller answers for the rest.
    match unsafe { libc::syscall(libc::SYS_clone, first, second, pid.as_ptr(), none, none) } {
        -1 => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::AGAIN)),
        0 => Ok(Twin::New),
        _ => Ok(Twin::Old),
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
