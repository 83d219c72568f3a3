//! How much memory the process may map.

use core::mem::MaybeUninit;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

/// The limit as it was last read.
static LAST: AtomicU64 = AtomicU64::new(u64::MAX);

/// Reads the limit: that of address space or of data, whichever is lower.
pub(crate) fn read() -> u64 {
    let limit = of(libc::RLIMIT_AS).min(of(libc::RLIMIT_DATA));
    LAST.store(limit, Relaxed);
    limit
}

/// The limit as it was before the first heap, or when memory was last refused. Without a system call: a sandbox may end a process
/// that makes this one.
pub(crate) fn last() -> u64 {
    LAST.load(Relaxed)
}

/// One limit; none, if the process may not ask.
#[allow(clippy::unnecessary_cast, reason = "half as wide on 32 bits")]
fn of(resource: libc::__rlimit_resource_t) -> u64 {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: there is room for what it writes, if it succeeds.
    unsafe {
        if libc::getrlimit(resource, limit.as_mut_ptr()) != 0 {
            return u64::MAX;
        }
        match limit.assume_init().rlim_cur {
            libc::RLIM_INFINITY => u64::MAX,
            bytes => bytes as u64,
        }
    }
}
