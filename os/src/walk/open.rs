//! Opening directories: to read them, or only as a place to start from, which takes no permission to read; and files, to
//! ask about them.

use std::ffi::{CStr, CString};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{self, Errno};

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

/// Bytes of a path that one system call takes.
const PATH_MAX: usize = 4095;

/// Opens the directory at a path of any length, through any number of links, to start from.
pub(super) fn far(path: &[u8]) -> io::Result<OwnedFd> {
    let (mut dir, mut rest, mut most) = (None, path, PATH_MAX);
    while !rest.is_empty() {
        let (start, after) = rest.split_at(step(rest, most));
        let above = dir.as_ref().map_or(CWD, OwnedFd::as_fd);
        let way = CString::new(start).map_err(|_| Errno::INVAL)?;
        match to_start_behind(above, &way) {
            // One system call follows at most 40 links.
            Err(Errno::LOOP) if step(start, start.len() / 2) < start.len() => most = start.len() / 2,
            opened => {
                dir = Some(opened?);
                // What is left is a way from there, and not from the root.
                rest = &after[after.iter().take_while(|&&byte| byte == b'/').count()..];
            }
        }
    }
    dir.ok_or(Errno::NOENT)
}

/// How long the start of a path is that ends before a component and has at most so many bytes, but one component in any
/// case.
fn step(path: &[u8], most: usize) -> usize {
    let slash = match path.get(..most) {
        Some(start) if path.len() > most => {
            let is_slash = |&byte: &u8| byte == b'/';
            start.iter().rposition(is_slash).or_else(|| path.iter().position(is_slash))
        }
        _ => None,
    };
    slash.map_or(path.len(), |slash| slash + 1)
}

/// How many levels one system call climbs at most.
const CLIMB: usize = 256;

/// Opens the directory so many levels above.
pub(super) fn above(mut dir: OwnedFd, mut levels: usize) -> io::Result<OwnedFd> {
    const WAY: [u8; 3 * CLIMB] = {
        let mut way = [b'.'; 3 * CLIMB];
        let mut at = 2;
        while at < way.len() {
            way[at] = b'/';
            at += 3;
        }
        way[3 * CLIMB - 1] = 0;
        way
    };
    while levels > 0 {
        let step = levels.min(CLIMB);
        let way = WAY.get(3 * (CLIMB - step)..).and_then(|way| CStr::from_bytes_with_nul(way).ok());
        dir = to_start(&dir, way.ok_or(Errno::NOENT)?)?;
        levels -= step;
    }
    Ok(dir)
}

/// Opens the file `name` of `dir`, or the one that it leads to, to ask about it.
pub(super) fn file(dir: impl AsFd, name: &CStr, follow: bool) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(dir, name, if follow { flags } else { flags | OFlags::NOFOLLOW }, Mode::empty())
}

fn open(dir: impl AsFd, name: &CStr, flags: OFlags) -> io::Result<OwnedFd> {
    openat(dir, name, flags | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_ends_before_a_component() {
        assert_eq!(step(b"ab/c/d", 6), 6);
        assert_eq!(step(b"ab/c/d", 5), 5);
        assert_eq!(step(b"ab/c/d", 4), 3);
        assert_eq!(step(b"ab/c/d", 1), 3);
        assert_eq!(step(b"/a", 1), 1);
        assert_eq!(step(b"ab", 1), 2);
        assert_eq!(step(b"", 0), 0);
    }
}
