//! Opening directories: to read them, or only as a place to start from, which takes no permission to read; and files, to
//! ask about them.

use std::ffi::CStr;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io;

/// Opens the directory `name` of `dir` (`.` for itself) for reading.
pub(super) fn to_read(dir: impl AsFd, name: &CStr) -> io::Result<OwnedFd> {
    open(dir, name, OFlags::RDONLY | OFlags::NOFOLLOW)
}

/// Opens the directory that `name` in `dir` leads to for reading.
pub(super) fn to_read_behind(dir: impl AsFd, name: &CStr) -> io::Result<OwnedFd> {
    open(dir, name, OFlags::RDONLY)
}

/// Opens the directory that `name` in `dir` is, which may be a path but no link, to start from.
pub(super) fn to_start(dir: impl AsFd, name: &CStr) -> io::Result<OwnedFd> {
    open(dir, name, OFlags::PATH | OFlags::NOFOLLOW)
}

/// Opens the directory that `name` in `dir` leads to, to start from.
pub(super) fn to_start_behind(dir: impl AsFd, name: &CStr) -> io::Result<OwnedFd> {
    open(dir, name, OFlags::PATH)
}

/// Opens the file `name` of `dir`, or the one that it leads to, to ask about it.
pub(super) fn file(dir: impl AsFd, name: &CStr, follow: bool) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(dir, name, if follow { flags } else { flags | OFlags::NOFOLLOW }, Mode::empty())
}

fn open(dir: impl AsFd, name: &CStr, flags: OFlags) -> io::Result<OwnedFd> {
    openat(dir, name, flags | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
