//! While a heap touches memory anew, as much of what is idle goes back to the system.

mod usage_support;

use memalloc_os::process;
use usage_support::{grown_by, resident_bytes, written};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

#[test]
fn what_is_idle_makes_way_for_what_is_touched_anew() {
    written(100);
    // What is as large as before is kept when it is freed: the second is.
    for _ in 0..2 {
        let block = written(9 * MIB);
        // SAFETY: the block is not used any more.
        unsafe { process::deallocate(block) }.unwrap();
    }
    assert!(process::totals().source() >= 13 * MIB, "nothing is idle");
    for each in [256, 20 * KIB] {
        let grown = grown_by(3 * MIB / 2, each);
        assert!(grown < MIB, "{grown} bytes more are resident");
    }
    // What was not given back is there for the next.
    let before = resident_bytes();
    written(9 * MIB);
    let grown = resident_bytes().saturating_sub(before);
    assert!((MIB..6 * MIB).contains(&grown), "{grown} bytes more are resident");
}
