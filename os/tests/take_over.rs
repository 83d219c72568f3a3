//! What becomes of a thread's heap: alone in a program, as any other thread that ends leaves a heap too.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::thread;

use memalloc_os::process;

const LAYOUT: Layout = Layout::new::<[u8; 200]>();

/// Allocates in a thread that ends then: the block's address, and the number of its heap.
fn allocate_elsewhere() -> (usize, Option<usize>) {
    let body = || {
        let block = process::allocate(LAYOUT).expect("there is memory");
        (block.as_ptr().expose_provenance(), process::owner_of(block))
    };
    thread::spawn(body).join().unwrap()
}

fn free(address: usize) {
    let block = NonNull::new(std::ptr::with_exposed_provenance_mut(address)).unwrap();
    // SAFETY: nobody uses the block.
    assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
}

#[test]
fn the_next_thread_takes_it_over_with_what_has_come_back() {
    let (first, owner) = allocate_elsewhere();
    assert!(owner.is_some());
    free(first);
    // Sends what is gathered here.
    process::totals();
    assert_eq!(allocate_elsewhere(), (first, owner));
    free(first);
    assert_eq!((process::totals().used_chunks(), process::check()), (0, Ok(())));
}
