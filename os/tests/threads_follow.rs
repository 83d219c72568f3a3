//! Threads that have much, one after another: alone in a program, as it counts pages.

mod usage_support;

use std::alloc::Layout;
use std::ptr::NonNull;
use std::thread;

use memalloc_os::process;
use rustix::param::page_size;

use usage_support::page_faults;

const MIB: usize = 1 << 20;
const LAYOUT: Layout = Layout::new::<[u8; 4096]>();
/// Three regions' worth.
const EACH: usize = 10 * MIB;

fn has_much_for_a_while() {
    let block = |_| {
        let block: NonNull<u8> = process::allocate(LAYOUT).expect("there is memory");
        // SAFETY: the block has the bytes.
        unsafe { block.write_bytes(1, LAYOUT.size()) };
        block
    };
    let blocks: Vec<_> = (0..EACH / LAYOUT.size()).map(block).collect();
    for block in blocks {
        // SAFETY: nobody uses the block.
        assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
    }
}

#[test]
fn the_next_has_the_pages_that_the_last_one_left() {
    let run = || thread::spawn(has_much_for_a_while).join().unwrap();
    (0..3).for_each(|_| run());
    let before = page_faults();
    (0..50).for_each(|_| run());
    let faults = page_faults() - before;
    assert!(
        faults < 5 * EACH / page_size(),
        "{faults} page faults, where 50 times {EACH} bytes were written"
    );
    assert_eq!(process::check(), Ok(()));
}
