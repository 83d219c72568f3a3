//! What a thread with little takes, where others have left much: alone in a program, whose memory it measures.

mod usage_support;

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::Barrier;
use std::thread;

use memalloc_os::process;

use usage_support::resident_bytes;

const MIB: usize = 1 << 20;
const THREADS: usize = 4;

/// A block, written to its end.
fn allocate(size: usize) -> NonNull<u8> {
    let block = process::allocate(Layout::from_size_align(size, 8).unwrap()).unwrap();
    // SAFETY: the block has the bytes.
    unsafe { block.write_bytes(1, size) };
    block
}

fn free(block: NonNull<u8>) {
    // SAFETY: the block is not used any more.
    assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
}

#[test]
fn a_thread_s_first_region_has_no_pages_that_others_left() {
    free(allocate(100));
    let before = resident_bytes();
    // What is as large as before is kept when it is freed.
    for _ in 0..2 {
        free(allocate(16 * MIB));
    }
    let all = Barrier::new(THREADS + 1);
    let held = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let block = allocate(100);
                all.wait();
                all.wait();
                free(block);
            });
        }
        all.wait();
        let held = resident_bytes().saturating_sub(before);
        all.wait();
        held
    });
    assert!(held < 4 * MIB, "{held} bytes are held");
}
