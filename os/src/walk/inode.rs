//! What names an object of a file system, and the few facts about it that the walk needs.

use std::ffi::CStr;

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{AtFlags, FileType, StatxFlags, makedev, statx};
use rustix::io;

/// The identity of a file, a directory or a link: device and inode number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Inode {
    pub(super) dev: u64,
    pub(super) ino: u64,
}

impl Inode {
    /// The identity as bytes, for this machine only.
    pub(super) fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.dev) << 64 | u128::from(self.ino)).to_ne_bytes()
    }

    /// What [`to_bytes`](Self::to_bytes) has made bytes of.
    pub(super) fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_ne_bytes(bytes);
        Self { dev: (both >> 64) as u64, ino: both as u64 }
    }
}

/// What one look at an object tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) inode: Inode,
    pub(super) kind: FileType,
    /// How many names it has.
    pub(super) links: u32,
    /// Its apparent size, `st_size`.
    pub(super) bytes: u64,
}

impl Facts {
    /// The facts about what `fd` is open on.
    pub(super) fn of(fd: impl AsFd) -> io::Result<Self> {
        look(fd.as_fd(), c"", AtFlags::EMPTY_PATH)
    }

    /// The facts about the entry `name` of `dir` itself, be it a link.
    pub(super) fn of_entry(dir: impl AsFd, name: &CStr) -> io::Result<Self> {
        look(dir.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// The facts about what `name` in `dir` leads to.
    pub(super) fn of_target(dir: impl AsFd, name: &CStr) -> io::Result<Self> {
        look(dir.as_fd(), name, AtFlags::empty())
    }
}

fn look(dir: BorrowedFd<'_>, name: &CStr, flags: AtFlags) -> io::Result<Facts> {
    let wanted = StatxFlags::TYPE | StatxFlags::NLINK | StatxFlags::INO | StatxFlags::SIZE;
    let found = statx(dir, name, flags | AtFlags::NO_AUTOMOUNT, wanted)?;
    Ok(Facts {
        inode: Inode { dev: makedev(found.stx_dev_major, found.stx_dev_minor), ino: found.stx_ino },
        kind: FileType::from_raw_mode(found.stx_mode.into()),
        links: found.stx_nlink,
        bytes: found.stx_size,
    })
}
