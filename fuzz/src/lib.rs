//! What the fuzz targets share: the bodies, which `cargo test` runs too, and a count of the operations they ran.

#[path = "../../core/tests/fuzz/mod.rs"]
pub mod bodies;
#[path = "../../cli/tests/fuzz_trace/mod.rs"]
pub mod trace;

use std::ffi::c_int;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

static OPERATIONS: AtomicUsize = AtomicUsize::new(0);
static START: OnceLock<Instant> = OnceLock::new();

/// Adds to the operations that were run, which are told on standard error at the end.
pub fn count(operations: usize) {
    START.get_or_init(|| {
        unsafe extern "C" {
            fn atexit(report: extern "C" fn()) -> c_int;
        }
        // SAFETY: the function may be called at any time.
        unsafe { atexit(report) };
        Instant::now()
    });
    OPERATIONS.fetch_add(operations, Ordering::Relaxed);
}

extern "C" fn report() {
    let operations = OPERATIONS.load(Ordering::Relaxed);
    let seconds = START.get().map_or(0.0, |start| start.elapsed().as_secs_f64());
    eprintln!("{operations} operations in {seconds:.1} s, {:.0} a second", operations as f64 / seconds);
}
