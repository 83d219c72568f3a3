//! Threads that have much, one after another: alone in a program, as it counts pages.

mod usage_support;

use std::mem;
use std::ptr::NonNull;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use memalloc_os::process;
use rustix::param::page_size;

use usage_support::{page_faults, written};

const MIB: usize = 1 << 20;
const BLOCK: usize = 4096;
/// Three regions' worth.
const EACH: usize = 10 * MIB;

fn has_much_for_a_while() {
    let blocks: Vec<_> = (0..EACH / BLOCK).map(|_| written(BLOCK)).collect();
    blocks.into_iter().for_each(free);
}

fn free(block: NonNull<u8>) {
    // SAFETY: nobody uses the block.
    assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
}

/// 50 such threads, after three others, have next to no pages anew.
fn has_the_pages_of_the_last(mut run: impl FnMut()) {
    (0..3).for_each(|_| run());
    let before = page_faults();
    (0..50).for_each(|_| run());
    let faults = page_faults() - before;
    assert!(
        faults < 5 * EACH / page_size(),
        "{faults} page faults, where 50 times {EACH} bytes were written"
    );
    assert_eq!(process::check(), Ok(()));
}

/// Starts a thread that has a heap, with a block that stays, ends the last one, and has this one go on.
fn follow(last: &mut JoinHandle<()>) {
    let (starts, has_started) = mpsc::channel();
    let next = thread::spawn(move || {
        written(BLOCK);
        let (goes_on, may_go_on) = mpsc::channel::<()>();
        starts.send(goes_on).unwrap();
        may_go_on.recv().unwrap_err();
        has_much_for_a_while();
    });
    let _goes_on_after_that = has_started.recv().unwrap();
    mem::replace(last, next).join().unwrap();
}

#[test]
fn the_next_has_the_pages_that_the_last_one_left() {
    has_the_pages_of_the_last(|| thread::spawn(has_much_for_a_while).join().unwrap());
    let mut last = thread::spawn(|| ());
    has_the_pages_of_the_last(|| follow(&mut last));
}
