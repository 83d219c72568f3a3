//! Huge blocks: alone in a program, as it looks at totals.

mod thread_support;

use std::alloc::Layout;
use std::thread;

use memalloc_core::FreeError;
use memalloc_os::process;

use thread_support::{Block, allocate, free};

#[test]
fn huge_blocks_grow_and_shrink_with_their_bytes_and_are_freed_once() {
    let before = process::totals();
    let mut block = allocate(Layout::from_size_align(5_000_000, 16).unwrap());
    // SAFETY: the block has these bytes; it is used by the newest pointer alone.
    unsafe {
        block.0.write_bytes(9, 5_000_000);
        for size in [5_000_001, 70_000_000, 300_000_000, 8_000_000, 5_000_000] {
            block = Block(process::resize(block.0, size).unwrap().unwrap());
            let kept = std::slice::from_raw_parts(block.0.as_ptr(), 5_000_000);
            assert!(kept.iter().all(|&byte| byte == 9), "{size}");
            assert_eq!(process::totals().used() - before.used(), size.next_multiple_of(16));
        }
        let inside = Block(block.0.add(4096));
        assert_eq!(free(inside), Err(FreeError::NotAStart));
    }
    assert_eq!(thread::spawn(move || free(block)).join().unwrap(), Ok(()));
    assert!(free(block).is_err());
    assert_eq!((process::totals().used(), process::totals().source()), (before.used(), before.source()));
}
