//! Pages that a thread has free for long go back to the system, though blocks keep every region, and not before.

mod usage_support;

use core::alloc::Layout;
use core::ptr::NonNull;
use std::thread::sleep;
use std::time::{Duration, Instant};

use memalloc_os::process;
use usage_support::resident_bytes;

const KEPT: usize = 40 << 10;

fn block(size: usize) -> NonNull<u8> {
    let layout = Layout::from_size_align(size, 16).unwrap();
    let block = process::allocate(layout).expect("there is memory");
    // SAFETY: the block has these bytes.
    unsafe { block.write_bytes(1, size) };
    block
}

fn free(blocks: Vec<NonNull<u8>>) {
    for block in blocks {
        // SAFETY: the block is used no more.
        assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
    }
}

/// Has `count` blocks of `size` bytes between others that stay, and frees them: of each, all but two pages are to go back.
fn pages_go_back(size: usize, count: usize) {
    let (freed, kept): (Vec<_>, Vec<_>) = (0..count).map(|_| (block(size), block(KEPT))).unzip();
    let before = resident_bytes();
    free(freed);
    assert!(resident_bytes() > before - size, "they stay for whoever asks next");

    let deadline = Instant::now() + Duration::from_secs(60);
    while resident_bytes() > before - count * 95 / 100 * (size - (8 << 10)) {
        assert!(Instant::now() < deadline, "{size}: {} after {before}", resident_bytes());
        sleep(Duration::from_millis(100));
        free((0..16).map(|_| block(KEPT)).collect());
    }
    assert_eq!(process::check(), Ok(()));
    free(kept);
}

#[test]
fn whole_pages_of_free_chunks_go_back_after_a_second_be_they_long_or_short() {
    pages_go_back(300 << 10, 200);
    pages_go_back(20 << 10, 3000);
}
