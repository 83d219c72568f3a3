//! What threads that have ended leave behind: alone in a program, whose memory it measures.

mod usage_support;

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::Barrier;
use std::thread;

use memalloc_os::process;

use usage_support::resident_bytes;

const MIB: usize = 1 << 20;
const THREADS: usize = 8;
const LAYOUT: Layout = Layout::new::<[u8; 256]>();

/// Each has 20 MiB at the same time as the others, and frees all of it.
#[test]
fn what_much_a_thread_had_goes_back_when_it_ends() {
    let before = resident_bytes();
    let all = Barrier::new(THREADS);
    let body = || {
        let block = |_| {
            let block: NonNull<u8> = process::allocate(LAYOUT).expect("there is memory");
            // SAFETY: the block has the bytes.
            unsafe { block.write_bytes(1, LAYOUT.size()) };
            block
        };
        let blocks: Vec<_> = (0..20 * MIB / LAYOUT.size()).map(block).collect();
        all.wait();
        for block in blocks {
            // SAFETY: nobody uses the block.
            assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
        }
        all.wait();
    };
    thread::scope(|scope| {
        // A scope does not wait for what a thread does at its end.
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(body)).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let left = resident_bytes().saturating_sub(before);
    assert!(left < 80 * MIB, "{} MiB are left", left / MIB);
}
