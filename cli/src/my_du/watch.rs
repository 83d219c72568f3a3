//! What is done while a walk goes on: on a terminal a line tells how far it is; when the user interrupts, it ends, and what
//! is known is printed.

use std::ffi::c_int;
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::scale::Scale;

/// From when on the line is shown.
const LATE: Duration = Duration::from_secs(1);
/// How often it changes, in milliseconds.
const OFTEN: u64 = 100;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static START: OnceLock<Instant> = OnceLock::new();
/// Milliseconds from the start until the line is to change.
static NEXT: AtomicU64 = AtomicU64::new(LATE.as_millis() as u64);
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// From now on an interrupt ends the walk, and only a second one the program.
pub(super) fn start() {
    START.get_or_init(Instant::now);
    extern "C" fn note(_signal: c_int) {
        INTERRUPTED.store(true, Relaxed);
    }
    // SAFETY: all zeros are a valid action, and the handler does nothing but to set a flag.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGINT, std::ptr::null(), &raw mut action);
        // In the background of a shell without job control, interrupts are for others.
        if action.sa_sigaction == libc::SIG_DFL {
            action.sa_sigaction = note as extern "C" fn(c_int) as usize;
            action.sa_flags = libc::SA_RESETHAND;
            libc::sigaction(libc::SIGINT, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Whether the user has interrupted.
pub(super) fn is_interrupted() -> bool {
    INTERRUPTED.load(Relaxed)
}

/// Ends the program as an interrupt does, so that whoever started it sees that.
pub(super) fn end_as_interrupted() {
    // SAFETY: the signal's action is the default one again, as it came once.
    unsafe { libc::raise(libc::SIGINT) };
}

/// Tells the user how far the walk is, and the walk whether it is to go on.
pub(super) fn watch(bytes: u64) -> ControlFlow<()> {
    if is_interrupted() {
        return ControlFlow::Break(());
    }
    let elapsed = START.get_or_init(Instant::now).elapsed();
    if elapsed.as_millis() as u64 >= NEXT.load(Relaxed) {
        show(bytes, elapsed);
    }
    ControlFlow::Continue(())
}

fn show(bytes: u64, elapsed: Duration) {
    let mut err = io::stderr().lock();
    if !err.is_terminal() {
        return NEXT.store(u64::MAX, Relaxed);
    }
    let mut line = b"\r\x1b[K".to_vec();
    Scale::Powers(1024).append(bytes, &mut line);
    line.extend_from_slice(format!(" counted in {} s", elapsed.as_secs()).as_bytes());
    let _ = err.write_all(&line);
    IS_SHOWN.store(true, Relaxed);
    NEXT.store(elapsed.as_millis() as u64 + OFTEN, Relaxed);
}

/// Takes the line away, before anything else is printed.
pub(super) fn erase() {
    if IS_SHOWN.swap(false, Relaxed) {
        let _ = io::stderr().write_all(b"\r\x1b[K");
    }
}
