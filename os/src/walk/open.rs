//! Opening directories: to read them, or only as a place to start from, which takes no permission to read.

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

fn open(dir: impl AsFd, name: &CStr, flags: OFlags) -> io::Result<OwnedFd> {
    openat(dir, name, flags | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
