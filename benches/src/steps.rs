//! Instructions, counted one by one: the processor's trap flag stops the program after each, and a handler counts.

use std::arch::asm;
use std::sync::atomic::{AtomicUsize, Ordering};

static STEPS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_signal: libc::c_int) {
    STEPS.fetch_add(1, Ordering::Relaxed);
}

/// Makes [`count`] possible.
pub fn prepare() {
    // SAFETY: the handler only counts.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGTRAP, &action, std::ptr::null_mut()), 0);
    }
}

/// Runs `call`, and says how many instructions that took, a few of this function's own included.
#[inline(always)]
pub fn steps<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = STEPS.load(Ordering::Relaxed);
    // SAFETY: the flag changes nothing but that a signal comes after each instruction.
    unsafe { asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq") };
    let result = call();
    // SAFETY: as above, and no more.
    unsafe { asm!("pushfq", "and qword ptr [rsp], -257", "popfq") };
    (result, STEPS.load(Ordering::Relaxed) - before)
}
