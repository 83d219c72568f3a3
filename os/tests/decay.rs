//! Pages that a thread has free for long go back to the system, though blocks keep every region, and not before.

mod usage_support;

use core::alloc::Layout;
use core::ptr::NonNull;
use std::thread::sleep;
use std::time::{Duration, Instant};

use memalloc_os::process;
use usage_support::resident_bytes;

const LONG: usize = 300 << 10;
const SHORT: usize = 40 << 10;

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

#[test]
fn pages_of_long_free_chunks_go_back_after_a_second() {
    let (long, short): (Vec<_>, Vec<_>) = (0..200).map(|_| (block(LONG), block(SHORT))).unzip();
    let before = resident_bytes();
    free(long);
    assert!(resident_bytes() > before - LONG, "they stay for whoever asks next");

    let deadline = Instant::now() + Duration::from_secs(60);
    while resident_bytes() > before - 190 * LONG {
        assert!(Instant::now() < deadline, "{} after {before}", resident_bytes());
        sleep(Duration::from_millis(100));
        free((0..16).map(|_| block(SHORT)).collect());
    }
    assert_eq!(process::check(), Ok(()));
    free(short);
}
