//! What grows by doubling leaves no memory in the holes of the lengths that it had; and what comes and goes keeps its pages.

mod usage_support;

use core::alloc::Layout;
use core::ptr::NonNull;

use memalloc_os::process;
use usage_support::{page_faults, resident_bytes};

const FIRST: usize = 64 << 10;
const LAST: usize = 1 << 20;
/// Between two holes.
const KEPT: usize = 100;

fn block(size: usize) -> NonNull<u8> {
    let layout = Layout::from_size_align(size, 16).unwrap();
    let block = process::allocate(layout).expect("there is memory");
    // SAFETY: the block has these bytes.
    unsafe { block.write_bytes(1, size) };
    block
}

fn free(block: NonNull<u8>) {
    // SAFETY: the block is used no more.
    assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
}

/// Has a table of each length that it has while it grows, and the last.
fn grow(kept: &mut Vec<NonNull<u8>>) -> NonNull<u8> {
    let mut size = FIRST;
    let mut table = block(size);
    while size < LAST {
        size *= 2;
        kept.push(block(KEPT));
        free(core::mem::replace(&mut table, block(size)));
    }
    table
}

#[test]
fn holes_of_a_table_that_grew_hold_no_pages_and_are_given_back_once() {
    let mut kept = vec![block(KEPT)];
    free(block(KEPT));
    let before = resident_bytes();
    let table = grow(&mut kept);
    let grown = resident_bytes() - before;
    // The holes of the lengths from 128 KiB on come to nearly as much once more.
    assert!(grown < LAST + LAST / 2, "{grown} bytes for one of {LAST}");
    free(table);

    let table = grow(&mut kept);
    free(table);
    let before = page_faults();
    for _ in 0..10 {
        let table = grow(&mut kept);
        free(table);
    }
    let faults = page_faults() - before;
    assert!(faults < 100, "{faults} page faults, where nothing is to go back again");

    assert_eq!(process::check(), Ok(()));
    kept.into_iter().for_each(free);
}
