//! Huge blocks where the address space is limited: alone in a program, which it limits.

mod thread_support;

use std::alloc::Layout;

use memalloc_os::process;
use rustix::mm::{Advice, madvise};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use thread_support::{Block, allocate, free};

const MIB: usize = 1 << 20;

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 16).unwrap()
}

fn resize(block: &mut Block, size: usize) {
    // SAFETY: the block is used by the newest pointer alone.
    *block = Block(unsafe { process::resize(block.0, size) }.unwrap().expect("there is room"));
}

/// Allocates all that there is.
fn use_up(size: usize) -> Vec<Block> {
    std::iter::from_fn(|| process::allocate(layout(size)).map(Block)).collect()
}

#[test]
fn what_is_free_serves_huge_blocks() {
    what_the_kernel_was_told_of_a_part_is_no_obstacle();
    let taken = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = taken.split(' ').next().unwrap().parse().unwrap();
    let before = getrlimit(Resource::As);
    let limit = pages * 4096 + 200 * MIB as u64;
    setrlimit(Resource::As, Rlimit { current: Some(limit), ..before }).unwrap();
    for size in [20, 60, 120] {
        use_up(80).into_iter().for_each(|block| assert_eq!(free(block), Ok(())));
        // It waits for requests of its size.
        let mut block = allocate(layout(size * MIB));
        assert_eq!(free(block), Ok(()));
        block = allocate(layout(4 * MIB));
        use_up(80).into_iter().for_each(|block| assert_eq!(free(block), Ok(())));
        resize(&mut block, size * MIB);
        assert_eq!(free(block), Ok(()));
    }
    a_block_that_shrinks_needs_no_memory();
    setrlimit(Resource::As, before).unwrap();
}

fn a_block_that_shrinks_needs_no_memory() {
    let mut block = allocate(layout(50 * MIB));
    // SAFETY: the block has these bytes.
    unsafe { block.0.write_bytes(7, 1000) };
    let others = use_up(1000);
    resize(&mut block, 1000);
    // SAFETY: as above.
    assert!(unsafe { std::slice::from_raw_parts(block.0.as_ptr(), 1000) }.iter().all(|&byte| byte == 7));
    assert_eq!(process::usable_size(block.0), Ok(1008));
    let large = allocate(layout(40 * MIB));
    for block in others.into_iter().chain([block, large]) {
        assert_eq!(free(block), Ok(()));
    }
}

fn what_the_kernel_was_told_of_a_part_is_no_obstacle() {
    let size = 9 * MIB;
    let mut block = allocate(layout(size));
    // SAFETY: the block has these bytes; the advice is about its middle.
    unsafe {
        block.0.write_bytes(7, size);
        madvise(block.0.add(2 * MIB).as_ptr().cast(), 4 * MIB, Advice::LinuxDontFork).unwrap();
    }
    for larger in [30 * MIB, 300 * MIB] {
        resize(&mut block, larger);
        // SAFETY: as above.
        assert!(unsafe { std::slice::from_raw_parts(block.0.as_ptr(), size) }.iter().all(|&byte| byte == 7));
    }
    assert_eq!(free(block), Ok(()));
}
