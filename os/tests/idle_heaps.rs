//! What comes back to the heap of a thread that has ended serves others: alone in a program, whose memory it measures.

mod usage_support;

use std::alloc::Layout;
use std::ptr::NonNull;
use std::thread;

use memalloc_os::process;

use usage_support::resident_bytes;

const BLOCK: Layout = Layout::new::<[u8; 20_000]>();
const BLOCKS: usize = 6_000;
const ALL: usize = BLOCKS * BLOCK.size();

/// The address of a block, written to its end.
fn allocate(layout: Layout) -> usize {
    let block = process::allocate(layout).unwrap();
    // SAFETY: the block has the bytes.
    unsafe { block.write_bytes(1, layout.size()) };
    block.expose_provenance().get()
}

fn free(address: usize) {
    let block = NonNull::new(std::ptr::with_exposed_provenance_mut(address)).unwrap();
    // SAFETY: the block is not used any more.
    unsafe { process::deallocate(block) }.unwrap();
}

#[test]
fn what_others_free_of_a_thread_that_has_ended_goes_back_soon_and_all_before_memory_is_mapped() {
    free(allocate(Layout::new::<[u8; 100]>()));
    let before = resident_bytes();
    let blocks = thread::spawn(|| (0..BLOCKS).map(|_| allocate(BLOCK)).collect::<Vec<_>>());
    blocks.join().unwrap().into_iter().for_each(free);
    let held = resident_bytes().saturating_sub(before);
    assert!(held < ALL / 4 * 3, "{held} bytes are held for nothing");
    // One that nothing idle serves.
    let block = allocate(Layout::from_size_align(ALL, 8).unwrap());
    let held = resident_bytes() - before;
    assert!(held < ALL + ALL / 4, "{held} bytes are held for {ALL}");
    free(block);
}
