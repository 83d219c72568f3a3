//! Blocks that cannot be made shorter, as there is no memory: alone in a program, which it limits.

mod thread_support;
mod usage_support;

use std::alloc::Layout;
use std::thread;

use memalloc_os::process::{self, OwnBlock};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use thread_support::{allocate, free};
use usage_support::mapped_bytes;

const SIZE: usize = 100_000;
const SHORTER: usize = 5000;

/// Has no memory left for a block of [`SHORTER`] bytes.
fn use_up() {
    let limit = Rlimit { current: Some(mapped_bytes() as u64), ..getrlimit(Resource::As) };
    setrlimit(Resource::As, limit).unwrap();
    let is_given = |size| process::allocate(Layout::from_size_align(size, 16).unwrap()).is_some();
    let sizes = std::iter::successors(Some(1_usize << 20), |size| (*size > SHORTER / 2).then_some(size / 2));
    sizes.for_each(|size| while is_given(size) {});
}

#[test]
fn a_block_of_another_thread_that_stays_longer_may_be_freed_as_what_was_asked_for() {
    let block = allocate(Layout::from_size_align(SIZE, 16).unwrap());
    thread::spawn(move || {
        let block = block;
        use_up();
        assert!(!OwnBlock::may_be(SHORTER, SIZE));
        // SAFETY: the block is used by the newest pointer alone.
        assert_eq!(unsafe { process::resize(block.0, SHORTER) }, Ok(Some(block.0)));
        assert_eq!(process::usable_size(block.0), Ok(SIZE));
        assert!(OwnBlock::may_be(SHORTER, SIZE));
        assert!(!OwnBlock::may_be(SIZE + 16, SIZE));
        assert_eq!(free(block), Ok(()));
    })
    .join()
    .unwrap();
}
