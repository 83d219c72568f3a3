//! A program that goes over to blocks of another size has the memory of those before at once, and what it then does not
//! ask for goes back to the system soon.

mod usage_support;

use core::alloc::Layout;
use core::ptr::NonNull;
use std::thread::sleep;
use std::time::Duration;

use memalloc_os::process;
use usage_support::{page_faults, resident_bytes};

fn blocks(size: usize, count: usize) -> impl Iterator<Item = NonNull<u8>> {
    let layout = Layout::from_size_align(size, 16).unwrap();
    (0..count).map(move |_| {
        let block = process::allocate(layout).expect("there is memory");
        // SAFETY: the block has these bytes.
        unsafe { block.write_bytes(1, size) };
        block
    })
}

#[test]
fn memory_of_small_blocks_serves_larger_ones_and_what_is_left_goes_back() {
    let small: Vec<_> = blocks(48, 96 << 20 >> 6).collect();
    let before = resident_bytes();
    for block in small {
        // SAFETY: the block is used no more.
        assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
    }

    let faults = page_faults();
    let larger: Vec<_> = blocks(1000, 50_000).collect();
    let faults = page_faults() - faults;
    assert!(faults < 1000, "{faults} page faults, where blocks of 50 MB were written to");
    assert!(resident_bytes() < before + (1 << 20), "{} after {before}", resident_bytes());

    sleep(Duration::from_millis(2100));
    let more: Vec<_> = blocks(2000, 1000).collect();
    let limit = before - (20 << 20);
    assert!(resident_bytes() < limit, "{} after {before}", resident_bytes());

    assert_eq!(process::check(), Ok(()));
    for block in larger.into_iter().chain(more) {
        // SAFETY: the block is used no more.
        assert_eq!(unsafe { process::deallocate(block) }, Ok(()));
    }
}
