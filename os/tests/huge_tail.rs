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
fn what_is_cut_off_is_there_for_others_and_goes_back_when_asked_for() {
    let mut block = allocate(Layout::from_size_align(4096 * KIB, 16).unwrap());
    fill(block, 4096);
    // The first that is cut off is the largest so far, and goes.
    resize(&mut block, 3500);
    resize(&mut block, 4096);
    fill(block, 4096);
    let before = page_faults();
    for _ in 0..100 {
        resize(&mut block, 3500);
        resize(&mut block, 3700);
        resize(&mut block, 4096);
        fill(block, 4096);
    }
    assert!(page_faults() - before < 50, "{}", page_faults() - before);

    resize(&mut block, 9 * 1024);
    fill(block, 9 * 1024);
    let before = page_faults();
    resize(&mut block, 5 * 1024);
    let other = allocate(Layout::from_size_align(4 * 1024 * KIB, 16).unwrap());
    fill(other, 4 * 1024);
    assert!(page_faults() - before < 50, "{}", page_faults() - before);
    assert_eq!(free(other), Ok(()));

    // The kernel's count may be off by some hundred KiB.
    process::trim();
    let full = resident_bytes();
    resize(&mut block, 3 * 1024);
    process::trim();
    assert!(full - resident_bytes() > 1500 * KIB, "{} of {full}", resident_bytes());
    // In small steps too.
    let full = resident_bytes();
    for kib in (200..3 * 1024).rev() {
        resize(&mut block, kib);
    }
    process::trim();
    assert!(full - resident_bytes() > 2300 * KIB, "{} of {full}", resident_bytes());
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
