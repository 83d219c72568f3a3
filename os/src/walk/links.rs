//! Where a link leads, and in which directory the file lies that it leads to.
//!
//! A walk asks this too, so nothing here allocates.

mod follower;
mod path;
mod ways;

use std::ffi::CStr;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::FileType;
use rustix::io::{self, Errno};

use super::inode::{Facts, Inode};
use super::open;
pub(super) use follower::Follower;
use path::Path;

/// How many links in a row the kernel follows.
const MOST_LINKS: usize = 40;

/// What a name leads to.
#[derive(Debug)]
pub(super) enum Target {
    Directory(Facts),
    /// Anything else that is not a link.
    File(Facts),
    /// Nothing: these are the facts about the link itself.
    Nothing(Facts),
    /// It cannot be said.
    Unknown(Errno),
}

/// Follows `name` in `dir`, which need not be a link.
pub(super) fn follow(dir: impl AsFd, name: &CStr) -> Target {
    match Facts::of_target(&dir, name) {
        Ok(facts) if facts.kind == FileType::Directory => Target::Directory(facts),
        Ok(facts) => Target::File(facts),
        Err(errno @ (Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NAMETOOLONG)) => {
            match Facts::of_entry(&dir, name) {
                Ok(facts) if facts.kind == FileType::Symlink => Target::Nothing(facts),
                Ok(_) => Target::Unknown(errno),
                Err(errno) => Target::Unknown(errno),
            }
        }
        Err(errno) => Target::Unknown(errno),
    }
}

/// The directory that holds the name by which `path`, seen from `dir`, leads to `file`, which is not a directory.
///
/// `None` if that cannot be said: the links of `/proc` lead to files that no name leads to, and names change.
///
/// # Errors
///
/// `EMFILE` and `ENFILE`: with fewer open files it can be said.
pub(super) fn home(dir: BorrowedFd<'_>, path: &CStr, file: Inode) -> io::Result<Option<Inode>> {
    match home_after_links(dir, path, file) {
        Err(errno @ (Errno::MFILE | Errno::NFILE)) => Err(errno),
        home => Ok(home.ok().flatten()),
    }
}

fn home_after_links(dir: BorrowedFd<'_>, path: &CStr, file: Inode) -> io::Result<Option<Inode>> {
    let mut path = Path::of(path)?;
    let mut at: Option<OwnedFd> = None;
    for _ in 0..=MOST_LINKS {
        let (way, last) = path.split();
        let from = at.as_ref().map_or(dir, OwnedFd::as_fd);
        let parent = if way.is_empty() { None } else { Some(open::to_start_behind(from, way)?) };
        let holder = parent.as_ref().map_or(from, OwnedFd::as_fd);
        let facts = Facts::of_entry(holder, last)?;
        if facts.kind != FileType::Symlink {
            let found = facts.inode == file;
            return if found { Ok(Some(Facts::of(holder)?.inode)) } else { Ok(None) };
        }
        let mut next = Path::new();
        next.read_link(holder, last)?;
        path = next;
        at = parent.or(at);
    }
    Ok(None)
}
