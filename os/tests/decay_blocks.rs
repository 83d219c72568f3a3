//! What waits for long goes back to the system, though the thread has all that it asks for of other blocks that wait.

mod usage_support;

use core::alloc::Layout;
use core::ptr::NonNull;
use std::thread::sleep;
use std::time::Duration;

use memalloc_os::process;
use usage_support::resident_bytes;

const BLOCK: Layout = Layout::new::<[u8; 1008]>();
/// So few that, in all, what waits would not be put in order for their number.
const REQUESTS: usize = 5000;

fn block() -> NonNull<u8> {
    let block = process::allocate(BLOCK).expect("there is memory");
    // SAFETY: the block has these bytes.
    unsafe { block.write_bytes(1, BLOCK.size()) };
    block
}

fn free(block: NonNull<u8>) {
    // SAFETY: the block is used no more.
    assert_eq!(unsafe { process::deallocate_sized(block, BLOCK) }, Ok(()));
}

#[test]
fn blocks_that_wait_go_back_after_seconds_of_few_requests() {
    let mut used: Vec<_> = (0..120_000).map(|_| block()).collect();
    let before = resident_bytes();
    used.drain(60_000..).for_each(free);
    let goes_back = (0..40).any(|_| {
        sleep(Duration::from_millis(300));
        (0..REQUESTS).for_each(|_| free(block()));
        resident_bytes() < before - (30 << 20)
    });
    assert!(goes_back, "{} after {before}", resident_bytes());
    assert_eq!(process::check(), Ok(()));
    used.into_iter().for_each(free);
}
