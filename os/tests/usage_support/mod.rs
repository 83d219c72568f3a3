//! What the system says that this process uses, and blocks that use it.
#![allow(dead_code, reason = "each test asks for what it needs")]

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use memalloc_os::process;
use rustix::param::page_size;

/// Bytes of memory that it has pages for.
pub fn resident_bytes() -> usize {
    bytes_in_statm(1)
}

/// Bytes of address space that it takes.
pub fn mapped_bytes() -> usize {
    bytes_in_statm(0)
}

fn bytes_in_statm(field: usize) -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(field).unwrap().parse::<usize>().unwrap() * page_size()
}

/// Pages that it was given since it started, but for those that were read from a file.
pub fn page_faults() -> usize {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: there is room for what it writes, which is all numbers.
    let usage = unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()), 0);
        usage.assume_init()
    };
    usage.ru_minflt.try_into().unwrap()
}

/// A block of `bytes` bytes, all of them written to.
pub fn written(bytes: usize) -> NonNull<u8> {
    let block = process::allocate(Layout::from_size_align(bytes, 16).unwrap()).unwrap();
    // SAFETY: the block has these bytes.
    unsafe { block.write_bytes(1, bytes) };
    block
}

/// What is resident more than before, once `bytes` bytes are allocated in blocks of `each` and written to.
pub fn grown_by(bytes: usize, each: usize) -> usize {
    let before = resident_bytes();
    for _ in 0..bytes / each {
        written(each);
    }
    resident_bytes().saturating_sub(before)
}
