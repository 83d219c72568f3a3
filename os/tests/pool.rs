//! Threads that each had much, one after another, and wait with nothing: alone in a program, whose memory it measures.

mod usage_support;

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::mpsc::channel;
use std::thread;

use memalloc_os::process;

use usage_support::resident_bytes;

const THREADS: usize = 8;
/// Bytes of one thread's blocks, which stand in as many as this.
const BYTES: usize = 20 << 20;
const SIZES: std::ops::Range<usize> = 16..300;

/// Blocks of all sizes, written to, and freed in another order.
fn allocate_and_free() {
    let sizes = (0..).map(|number: usize| SIZES.start + number * 7919 % SIZES.len());
    let mut left = BYTES;
    let blocks: Vec<NonNull<u8>> = sizes
        .map_while(|size| {
            left = left.checked_sub(size)?;
            let block = process::allocate(Layout::from_size_align(size, 16).unwrap()).unwrap();
            // SAFETY: the block has these bytes.
            unsafe { block.write_bytes(1, size) };
            Some(block)
        })
        .collect();
    // What has no factor in common with the number of blocks leads to each.
    let step = (blocks.len() / 3..).find(|&step| gcd(step, blocks.len()) == 1).unwrap();
    for number in 0..blocks.len() {
        // SAFETY: each block is freed once, and used no more.
        assert_eq!(unsafe { process::deallocate(blocks[number * step % blocks.len()]) }, Ok(()));
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
fn threads_that_wait_with_nothing_hold_next_to_nothing() {
    let before = resident_bytes();
    let (done, is_done) = channel();
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let done = done.clone();
            let (end, is_over) = channel::<()>();
            let thread = thread::spawn(move || {
                allocate_and_free();
                done.send(()).unwrap();
                let _ = is_over.recv();
            });
            is_done.recv().unwrap();
            (thread, end)
        })
        .collect();
    let held = resident_bytes().saturating_sub(before);
    assert!(held < 2 * BYTES, "{held} bytes are held by {THREADS} threads");
    for (thread, end) in threads {
        drop(end);
        thread.join().unwrap();
    }
    assert_eq!(process::check(), Ok(()));
}
