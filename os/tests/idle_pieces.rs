//! The heap of a thread that has ended keeps its pages for the next thread, and not for longer: alone in a program, whose memory
//! it measures.

mod usage_support;

use std::alloc::Layout;
use std::thread;
use std::time::Duration;

use memalloc_os::process;
use usage_support::{resident_bytes, written};

const MIB: usize = 1 << 20;

/// Requests that no block waits for, and nothing is written to.
fn go_on() {
    for _ in 0..100 {
        process::allocate(Layout::from_size_align(6000, 16).unwrap()).unwrap();
    }
}

#[test]
fn what_a_thread_has_left_between_its_blocks_goes_back_when_nobody_comes_for_it() {
    go_on();
    let before = resident_bytes();
    let leaves_one = || {
        let mut blocks: Vec<_> = (0..10 * MIB / 4096).map(|_| written(4096)).collect();
        blocks.pop();
        // SAFETY: nobody uses the blocks.
        blocks.into_iter().for_each(|block| unsafe { process::deallocate(block) }.unwrap());
    };
    thread::spawn(leaves_one).join().unwrap();
    thread::sleep(Duration::from_millis(1200));
    go_on();
    let held = resident_bytes().saturating_sub(before);
    assert!(held < MIB, "{held} bytes are held for nothing");
    assert_eq!(process::check(), Ok(()));
}
