//! Huge blocks where the address space is limited: alone in a program, which it limits.

mod thread_support;
mod usage_support;

use std::alloc::Layout;

use memalloc_os::process;
use rustix::mm::{Advice, madvise};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use thread_support::{Block, allocate, free};
use usage_support::mapped_bytes;

const MIB: usize = 1 << 20;

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 16).unwrap()
}

fn resize(block: &mut Block, size: usize) {
    // SAFETY: the block is used by the newest pointer alone.
    *block = Block(unsafe { process::resize(block.0, size) }.unwrap().expect("there is room"));
}

/// Allocates all that there is.
fn use_up(blocks: &mut Vec<Block>, size: usize) {
    while let Some(block) = process::allocate(layout(size)) {
        assert!(blocks.len() < blocks.capacity(), "memory of the test's own allocator");
        blocks.push(Block(block));
    }
}

fn free_all(blocks: &mut Vec<Block>) {
    blocks.drain(..).for_each(|block| assert_eq!(free(block), Ok(())));
}

#[test]
fn what_is_free_serves_huge_blocks() {
    what_the_kernel_was_told_of_a_part_is_no_obstacle();
    let mut blocks = Vec::with_capacity(4 << 20);
    let before = getrlimit(Resource::As);
    let limit = mapped_bytes() as u64 + 200 * MIB as u64;
    setrlimit(Resource::As, Rlimit { current: Some(limit), ..before }).unwrap();
    for size in [20, 60, 120] {
        use_up(&mut blocks, 80);
        free_all(&mut blocks);
        // They wait for requests of their size.
        let mut block = allocate(layout(size * MIB));
        assert_eq!(free(block), Ok(()));
        block = allocate(layout(4 * MIB));
        use_up(&mut blocks, 80);
        free_all(&mut blocks);
        resize(&mut block, size * MIB);
        assert_eq!(free(block), Ok(()));
    }
    a_block_grows_where_nothing_is_idle(&mut blocks);
    what_is_idle_is_a_small_part_of_the_limit(limit);
    what_is_idle_makes_way_for_a_block_that_grows(limit);
    a_block_that_shrinks_needs_no_memory(&mut blocks);
    setrlimit(Resource::As, before).unwrap();
}

/// To more than half of all that there is, twice: nothing stays behind.
fn a_block_grows_where_nothing_is_idle(blocks: &mut Vec<Block>) {
    for _ in 0..2 {
        let mut block = allocate(layout(4 * MIB));
        process::trim();
        resize(&mut block, 120 * MIB);
        assert_eq!(free(block), Ok(()));
    }
    process::trim();
    let large = allocate(layout(150 * MIB));
    blocks.push(large);
    free_all(blocks);
}

fn what_is_idle_is_a_small_part_of_the_limit(limit: u64) {
    process::trim();
    let (large, before) = (allocate(layout(100 * MIB)), process::totals().source());
    let block = allocate(layout(60 * MIB));
    assert_eq!(free(block), Ok(()));
    let idle = (process::totals().source() - before) as u64;
    assert!(idle <= limit / 8, "{idle} bytes are idle");
    assert_eq!(free(large), Ok(()));
}

fn what_is_idle_makes_way_for_a_block_that_grows(limit: u64) {
    process::trim();
    let [above, mut block, left] = [60, 80, 24].map(|mib| allocate(layout(mib * MIB)));
    assert_eq!(above.0.addr().get() - block.0.addr().get(), 80 * MIB, "it lies below");
    assert_eq!(free(above), Ok(()));
    let before = process::totals().source();
    assert_eq!((free(left), process::totals().source()), (Ok(()), before), "it is idle");
    // There is room where it lies, and nowhere else.
    assert!(limit - (mapped_bytes() as u64) < 136 * MIB as u64);
    resize(&mut block, 136 * MIB);
    assert_eq!(free(block), Ok(()));
}

fn a_block_that_shrinks_needs_no_memory(others: &mut Vec<Block>) {
    let mut block = allocate(layout(50 * MIB));
    // SAFETY: the block has these bytes.
    unsafe { block.0.write_bytes(7, 1000) };
    use_up(others, 1000);
    resize(&mut block, 1000);
    // SAFETY: as above.
    assert!(unsafe { std::slice::from_raw_parts(block.0.as_ptr(), 1000) }.iter().all(|&byte| byte == 7));
    assert_eq!(process::usable_size(block.0), Ok(1008));
    let large = allocate(layout(40 * MIB));
    others.extend([block, large]);
    free_all(others);
}

/// Where the block was, what was told would hold for others, so that this does not stay.
fn what_the_kernel_was_told_of_a_part_is_no_obstacle() {
    // As large as any that is freed below: it would be kept for others otherwise.
    assert_eq!(free(allocate(layout(30 * MIB))), Ok(()));
    process::trim();
    let before = process::totals().source();
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
        let held = process::totals().source() - before;
        // It may start in the midst of a slot.
        let least = larger.next_multiple_of(4 * MIB);
        assert!(held == least || held == least + 4 * MIB, "{held} for {larger}");
    }
    assert_eq!(free(block), Ok(()));
}
