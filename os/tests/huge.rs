//! Huge blocks: alone in a program, as it looks at totals.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::thread;

use memalloc_core::FreeError;
use memalloc_os::process;

/// A block that goes from thread to thread.
#[derive(Clone, Copy)]
struct Block(NonNull<u8>);

// SAFETY: the test sees to who uses it.
unsafe impl Send for Block {}

fn allocate(layout: Layout) -> Block {
    Block(process::allocate(layout).expect("there is memory"))
}

fn free(Block(block): Block) -> Result<(), FreeError> {
    // SAFETY: the test uses no block that it has freed; what is no block is to be refused.
    unsafe { process::deallocate(block) }
}

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
