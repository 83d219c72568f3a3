//! Following many links, most of which lead to few directories.

use std::ffi::CStr;

use rustix::fd::BorrowedFd;
use rustix::fs::FileType;

use super::path::Path;
use super::ways::Ways;
use super::{Target, follow};
use crate::walk::inode::{Facts, Inode};

/// So many links in a row are followed one by one; where there are more, the kernel is asked what they lead to, and where that lies is
/// found with files that are opened.
const MOST_HOPS: usize = 8;

/// Follows the links of a walk.
pub(in crate::walk) struct Follower {
    /// What the link that was followed last holds, or a link that this leads to.
    path: Path,
    ways: Ways,
}

/// What a link leads to.
#[derive(Debug)]
pub(in crate::walk) enum Found {
    /// A file in the directory that holds the link.
    Neighbour(Facts),
    /// Anything.
    Other(Target),
}

impl Follower {
    pub(in crate::walk) const fn new() -> Self {
        Self { path: Path::new(), ways: Ways::new() }
    }

    /// Follows the link `name` in `dir`.
    pub(in crate::walk) fn follow(&mut self, dir: BorrowedFd<'_>, name: &CStr) -> Found {
        self.follow_names(dir, name).unwrap_or_else(|| Found::Other(follow(dir, name)))
    }

    /// [`follow`](Self::follow), of links to entries of their own directory, which are the most frequent: the kernel need not look these up
    /// twice.
    fn follow_names(&mut self, dir: BorrowedFd<'_>, name: &CStr) -> Option<Found> {
        self.path.read_link(dir, name).ok()?;
        for _ in 0..MOST_HOPS {
            if !self.path.is_a_name() {
                return None;
            }
            let facts = Facts::of_entry(dir, self.path.whole()).ok()?;
            match facts.kind {
                FileType::Symlink => self.path.go_on(dir).ok()?,
                FileType::Directory => return Some(Found::Other(Target::Directory(facts))),
                _ => return Some(Found::Neighbour(facts)),
            }
        }
        None
    }

    /// The directory that holds the name by which the link that was just followed, in `dir`, which is `here`, leads to `file`, as far as
    /// that is soon said.
    pub(in crate::walk) fn home(&mut self, dir: BorrowedFd<'_>, here: Inode, file: Inode) -> Option<Inode> {
        for _ in 0..MOST_HOPS {
            let facts = Facts::of_entry(dir, self.path.whole()).ok()?;
            if facts.kind != FileType::Symlink {
                return if facts.inode == file { self.holder(dir, here) } else { None };
            }
            self.path.go_on(dir).ok()?;
        }
        None
    }

    /// The directory that the path leads to but for its last component.
    fn holder(&mut self, dir: BorrowedFd<'_>, here: Inode) -> Option<Inode> {
        let (way, _) = self.path.split();
        if way.is_empty() {
            return Some(here);
        }
        self.ways.find(here, way, || Some(Facts::of_target(dir, way).ok()?.inode))
    }
}
