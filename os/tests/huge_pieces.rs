//! What huge blocks left in several places serves one that is larger than each: alone in a program, as it counts pages.

mod thread_support;
mod usage_support;

use std::alloc::Layout;
use std::slice;

use memalloc_os::process;

use thread_support::{Block, allocate, free};
use usage_support::page_faults;

const MIB: usize = 1 << 20;

fn layout(mib: usize) -> Layout {
    Layout::from_size_align(mib * MIB, 16).unwrap()
}

fn fill(block: Block, mib: usize) {
    // SAFETY: the block has these bytes.
    unsafe { block.0.write_bytes(5, mib * MIB) };
}

#[test]
fn what_lies_idle_in_pieces_serves_a_larger_block_without_new_pages() {
    // From then on as much is kept.
    assert_eq!(free(allocate(layout(28))), Ok(()));
    let (left, between): (Vec<_>, Vec<_>) =
        (0..3).map(|_| (allocate(layout(8)), allocate(layout(4)))).unzip();
    for block in left {
        fill(block, 8);
        assert_eq!(free(block), Ok(()));
    }
    let held = process::totals().source();

    let before = page_faults();
    let block = allocate(layout(20));
    fill(block, 20);
    assert!(page_faults() - before < 20 * MIB / 4096 / 10, "{}", page_faults() - before);
    assert_eq!((process::totals().source(), free(block)), (held, Ok(())));

    // However large: but for what none has left.
    let before = page_faults();
    let block = allocate(layout(40));
    fill(block, 40);
    assert!(page_faults() - before < 20 * MIB / 4096 * 11 / 10, "{}", page_faults() - before);
    // The largest so far: it goes back.
    assert_eq!(free(block), Ok(()));
    let left: Vec<_> = (0..6).map(|_| allocate(layout(4))).collect();
    left.into_iter().for_each(|block| assert_eq!(free(block), Ok(())));

    let zeroed = process::allocate_zeroed(layout(28)).map(Block).unwrap();
    // SAFETY: the block has these bytes.
    let bytes = unsafe { slice::from_raw_parts(zeroed.0.as_ptr(), 28 * MIB) };
    assert!(bytes.iter().all(|&byte| byte == 0));
    assert_eq!(process::totals().source(), held + 4 * MIB);
    assert_eq!((free(zeroed), process::check()), (Ok(()), Ok(())));
    between.into_iter().for_each(|block| assert_eq!(free(block), Ok(())));
}
