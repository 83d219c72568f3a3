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

/// A thread that has `mib` MiB, leaves one block in `part`, and ends.
fn leaves(mib: usize, part: usize) {
    let run = move || {
        let blocks: Vec<_> = (0..mib * MIB / 4096).map(|_| written(4096)).collect();
        for (number, block) in (1..).zip(blocks) {
            if number % part != 0 {
                // SAFETY: nobody uses the block.
                unsafe { process::deallocate(block) }.unwrap();
            }
        }
    };
    thread::spawn(run).join().unwrap();
}

#[test]
fn what_a_thread_has_left_between_its_blocks_goes_back_when_nobody_comes_for_it_and_at_once_if_it_is_much() {
    go_on();
    let before = resident_bytes();
    let held = || resident_bytes().saturating_sub(before);
    leaves(40, 512);
    assert!(held() < 2 * MIB, "{} bytes are held for nothing", held());
    let before = resident_bytes();
    let held = || resident_bytes().saturating_sub(before);
    leaves(10, 10 * MIB / 4096);
    thread::sleep(Duration::from_millis(1200));
    go_on();
    assert!(held() < MIB, "{} bytes are held for nothing", held());
    assert_eq!(process::check(), Ok(()));
}
