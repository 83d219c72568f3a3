//! What a listing must know about one inode.

use std::ffi::CStr;

use rustix::fd::AsFd;
use rustix::fs::{AtFlags, FileType, StatxAttributes, StatxFlags, StatxTimestamp, makedev, statx};
use rustix::io;

use super::super::inode::Inode;
use super::origin::Origin;
use super::totals::Totals;
use super::{Listing, Size, Time, TimeStamp};

/// Bytes of the blocks that `stx_blocks` counts.
const BLOCK: u64 = 512;

/// One look at an inode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) inode: Inode,
    pub(super) kind: FileType,
    /// How many names it has.
    pub(super) links: u32,
    /// What it takes, all blocks of a file shared; a directory takes nothing where only some files count.
    pub(super) totals: Totals,
    pub(super) modified: TimeStamp,
    /// If that is to be told.
    pub(super) origin: Option<Origin>,
    /// Something is mounted here.
    pub(super) is_mount: bool,
}

/// Where to look.
#[derive(Clone, Copy)]
pub(super) enum At<'n> {
    /// At what the descriptor is open on.
    Itself,
    /// At an entry of the directory itself, be it a link.
    Entry(&'n CStr),
    /// At what the entry leads to.
    Behind(&'n CStr),
}

impl Listing {
    /// Looks at something.
    pub(super) fn look(&self, dir: impl AsFd, at: At<'_>) -> io::Result<Look> {
        let (name, flags) = match at {
            At::Itself => (c"", AtFlags::EMPTY_PATH),
            At::Entry(name) => (name, AtFlags::SYMLINK_NOFOLLOW),
            At::Behind(name) => (name, AtFlags::empty()),
        };
        let always = StatxFlags::TYPE | StatxFlags::NLINK | StatxFlags::INO;
        let found = statx(dir, name, flags | AtFlags::NO_AUTOMOUNT, always | self.wanted())?;
        let (length, blocks) = (found.stx_size, found.stx_blocks.saturating_mul(BLOCK));
        let (size, other) = match self.size {
            Size::Apparent => (length, blocks),
            Size::Disk => (blocks, length),
        };
        let other = if self.both_sizes { other } else { 0 };
        let modified = time_stamp(found.stx_mtime);
        let newest = match self.time {
            Some(Time::Accessed) => time_stamp(found.stx_atime),
            Some(Time::Changed) => time_stamp(found.stx_ctime),
            Some(Time::Modified) | None => modified,
        };
        let kind = FileType::from_raw_mode(found.stx_mode.into());
        let is_passed_over = kind == FileType::Directory && self.filter.is_some();
        // As much as it can be, until somebody looks.
        let shared = if self.shared && kind == FileType::RegularFile { blocks } else { 0 };
        let totals =
            if is_passed_over { Totals::NONE } else { Totals { size, other, shared, inodes: 1, newest } };
        Ok(Look {
            inode: Inode { dev: makedev(found.stx_dev_major, found.stx_dev_minor), ino: found.stx_ino },
            kind,
            links: found.stx_nlink,
            totals,
            modified,
            origin: self.origins.then(|| Origin::new(kind, found.stx_uid)),
            is_mount: found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
        })
    }

    fn wanted(&self) -> StatxFlags {
        let size = match self.size {
            _ if self.both_sizes => StatxFlags::SIZE | StatxFlags::BLOCKS,
            Size::Apparent => StatxFlags::SIZE,
            Size::Disk => StatxFlags::BLOCKS,
        };
        let time = match self.time {
            Some(Time::Accessed) => StatxFlags::ATIME,
            Some(Time::Changed) => StatxFlags::CTIME,
            Some(Time::Modified) => StatxFlags::MTIME,
            None => StatxFlags::empty(),
        };
        let filter = if self.filter.is_some() { StatxFlags::MTIME } else { StatxFlags::empty() };
        let owner = if self.origins { StatxFlags::UID } else { StatxFlags::empty() };
        let blocks = if self.shared { StatxFlags::BLOCKS } else { StatxFlags::empty() };
        size | time | filter | owner | blocks
    }
}

fn time_stamp(StatxTimestamp { tv_sec, tv_nsec, .. }: StatxTimestamp) -> TimeStamp {
    (tv_sec, tv_nsec)
}
