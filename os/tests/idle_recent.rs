//! While a heap of several touches memory anew, what has only just become idle stays for the others.

mod usage_support;

use std::thread;
use std::time::{Duration, Instant};

use memalloc_os::process;
use usage_support::{grown_by, written};

const MIB: usize = 1 << 20;

#[test]
fn what_has_just_become_idle_stays_for_other_threads_and_makes_way_later() {
    written(100);
    thread::spawn(|| assert_ne!(written(100).addr().get(), 0)).join().unwrap();
    let mut freed = Instant::now();
    // What is as large as before is kept when it is freed: the second is.
    for _ in 0..2 {
        let block = written(9 * MIB);
        freed = Instant::now();
        // SAFETY: the block is not used any more.
        unsafe { process::deallocate(block) }.unwrap();
    }
    let grown = grown_by(3 * MIB / 2, 256);
    let is_recent = freed.elapsed() < Duration::from_millis(10);
    assert!(grown > MIB || !is_recent, "{grown} bytes more are resident");
    thread::sleep(Duration::from_millis(100));
    let grown = grown_by(3 * MIB / 2, 256);
    assert!(grown < MIB, "{grown} bytes more are resident");
}
