//! What the system says that this process uses.
#![allow(dead_code, reason = "each test asks for what it needs")]

use core::mem::MaybeUninit;

use rustix::param::page_size;

/// Bytes of memory that it has pages for.
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * page_size()
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
