//! A program that goes over to blocks of another size has the memory of those before at once, and what it then does not
//! ask for goes back to the system soon.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::thread::sleep;
use std::time::Duration;

use memalloc_os::process;

fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn page_faults() -> usize {
    let mut usage = core::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: there is room for what it writes, which is all numbers.
    let usage = unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()), 0);
        usage.assume_init()
    };
    usage.ru_minflt.try_into().unwrap()
}

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
