//! Huge blocks: alone in a program, as it looks at totals.

mod thread_support;

use std::alloc::Layout;
use std::thread;

use memalloc_core::FreeError;
use memalloc_os::process;

use thread_support::{Block, allocate, free};

const KIB: usize = 1 << 10;

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
    what_has_to_move_to_grow_large_gets_a_mapping_of_its_own();
}

fn what_has_to_move_to_grow_large_gets_a_mapping_of_its_own() {
    let layout = |size| Layout::from_size_align(size, 16).unwrap();
    let mut block = allocate(layout(100 * KIB));
    let above = allocate(layout(KIB));
    // SAFETY: the block has these bytes; it is used by the newest pointer alone.
    unsafe {
        block.0.write_bytes(7, 100 * KIB);
        let before = process::totals();
        for size in [300, 200, 1000, 9000, 130, 128, 300, 127, 100].map(|kib| kib * KIB) {
            block = Block(process::resize(block.0, size).unwrap().unwrap());
            let kept = std::slice::from_raw_parts(block.0.as_ptr(), 100 * KIB);
            assert!(kept.iter().all(|&byte| byte == 7), "{size}");
            assert_eq!(process::usable_size(block.0), Ok(size));
            assert_eq!(process::totals().used() + 100 * KIB, before.used() + size);
            // Once it is in a mapping of its own, what is below 128 KiB alone leads back into a heap.
            let is_huge = process::totals().spans() > before.spans();
            assert_eq!(is_huge, size >= 128 * KIB, "{size}");
        }
    }
    assert_eq!((free(block), free(above)), (Ok(()), Ok(())));
}
