//! What a huge block that shrinks has behind it: alone in a program, as it counts pages.

mod thread_support;
mod usage_support;

use std::alloc::Layout;

use memalloc_os::process;

use thread_support::{Block, allocate, free};
use usage_support::{page_faults, resident_bytes};

const KIB: usize = 1 << 10;

fn resize(block: &mut Block, kib: usize) {
    // SAFETY: the block is used by the newest pointer alone.
    *block = Block(unsafe { process::resize(block.0, kib * KIB) }.unwrap().unwrap());
}

fn fill(block: Block, kib: usize) {
    // SAFETY: the block has these bytes.
    unsafe { block.0.write_bytes(5, kib * KIB) };
}

#[test]
fn what_was_a_small_part_of_it_is_kept_and_a_larger_one_goes_back() {
    let mut block = allocate(Layout::from_size_align(4000 * KIB, 16).unwrap());
    fill(block, 4000);
    let before = page_faults();
    for _ in 0..100 {
        resize(&mut block, 3600);
        resize(&mut block, 3700);
        resize(&mut block, 4000);
        fill(block, 4000);
    }
    assert!(page_faults() - before < 50, "{}", page_faults() - before);

    // The kernel's count may be off by some hundred KiB.
    let full = resident_bytes();
    resize(&mut block, 2100);
    assert!(full - resident_bytes() > 1500 * KIB, "{} of {full}", resident_bytes());
    // In small steps too.
    let full = resident_bytes();
    for kib in (200..2100).rev() {
        resize(&mut block, kib);
    }
    assert!(full - resident_bytes() > 1400 * KIB, "{} of {full}", resident_bytes());
    assert_eq!((free(block), process::check()), (Ok(()), Ok(())));

    // One that moves to a heap leaves all its pages for the next.
    let before = page_faults();
    for _ in 0..100 {
        let mut block = allocate(Layout::from_size_align(4000 * KIB, 16).unwrap());
        fill(block, 4000);
        resize(&mut block, 1000);
        assert_eq!(free(block), Ok(()));
    }
    assert!(page_faults() - before < 3000, "{}", page_faults() - before);
    assert_eq!(process::check(), Ok(()));
}
