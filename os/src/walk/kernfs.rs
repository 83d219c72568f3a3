//! File systems that hold no files, but show and steer the kernel: what they say of sizes means nothing, and some of their links lead to
//! what no path does.

use rustix::fd::AsFd;
use rustix::fs::fstatfs;

/// The kinds, as `linux/magic.h` and the file systems themselves number them.
const KINDS: [u32; 17] = [
    0x0000_9fa0, // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup 2
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x6165_676c, // pstore
    0xcafe_4a11, // bpf
    0x6265_6570, // configfs
    0x0000_1cd1, // devpts
    0x4249_4e4d, // binfmt_misc
    0xf97c_ff8c, // selinux
    0x4341_5d53, // smack
    0x5a3c_69f0, // apparmor
    0x6e73_6673, // nsfs
    0xde5e_81e4, // efivarfs
];

/// Whether a directory lies in such a file system.
pub(super) fn is_kernfs(dir: impl AsFd) -> bool {
    // A kind has 32 bits, whatever type an architecture keeps it in, and fills up with its sign.
    fstatfs(dir).is_ok_and(|facts| KINDS.contains(&(facts.f_type as u32)))
}
