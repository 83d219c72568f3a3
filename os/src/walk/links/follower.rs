//! Following many links, most of which lead to few directories: each by what it holds, which takes fewer system calls than to have the
//! kernel follow it and then find out which directory holds what it leads to.

use std::ffi::CStr;

use rustix::fd::BorrowedFd;
use rustix::fs::FileType;

use super::path::Path;
use super::ways::Ways;
use super::{Target, follow};
use crate::walk::inode::{Facts, Inode};
use crate::walk::kernfs::is_kernfs;

/// So many links in a row are followed one by one; where there are more, the kernel is asked what they lead to, and where that lies is
/// found with files that are opened.
const MOST_HOPS: usize = 8;

/// Follows the links of a walk.
pub(in crate::walk) struct Follower {
    /// What the link that was followed last holds, or a link that this leads to.
    path: Path,
    /// Whether the path names no link, as far as that was seen.
    is_final: bool,
    ways: Ways,
    /// The device that was asked about last, and whether what its links hold is where they lead.
    device: Option<(u64, bool)>,
}

impl Follower {
    pub(in crate::walk) const fn new() -> Self {
        Self { path: Path::new(), is_final: false, ways: Ways::new(), device: None }
    }

    /// Follows the link `name` in `dir`, which is `here`.
    pub(in crate::walk) fn follow(&mut self, dir: BorrowedFd<'_>, here: Inode, name: &CStr) -> Target {
        self.is_final = false;
        self.follow_path(dir, here, name).unwrap_or_else(|| follow(dir, name))
    }

    /// [`follow`](Self::follow), by what the link holds, as far as that is a name in the same directory, or no link. `None` if the kernel is
    /// to be asked.
    fn follow_path(&mut self, dir: BorrowedFd<'_>, here: Inode, name: &CStr) -> Option<Target> {
        if !self.is_plain(dir, here) {
            return None;
        }
        self.path.read_link(dir, name).ok()?;
        for _ in 0..MOST_HOPS {
            let facts = Facts::of_entry(dir, self.path.whole()).ok()?;
            match facts.kind {
                FileType::Symlink if self.path.is_a_name() => self.path.go_on(dir).ok()?,
                FileType::Symlink => return None,
                FileType::Directory => return Some(Target::Directory(facts)),
                _ => {
                    self.is_final = true;
                    return Some(Target::File(facts));
                }
            }
        }
        None
    }

    /// Whether the links in `dir`, which is `here`, lead where they say.
    fn is_plain(&mut self, dir: BorrowedFd<'_>, here: Inode) -> bool {
        match self.device {
            Some((device, is_plain)) if device == here.dev => is_plain,
            _ => self.device.insert((here.dev, !is_kernfs(dir))).1,
        }
    }

    /// The directory that holds the name by which the link that was just followed, in `dir`, which is `here`, leads to `file`, as far as
    /// that is soon said.
    pub(in crate::walk) fn home(&mut self, dir: BorrowedFd<'_>, here: Inode, file: Inode) -> Option<Inode> {
        for _ in 0..MOST_HOPS {
            if self.is_final {
                return self.holder(dir, here);
            }
            let facts = Facts::of_entry(dir, self.path.whole()).ok()?;
            if facts.kind == FileType::Symlink {
                self.path.go_on(dir).ok()?;
            } else if facts.inode == file {
                self.is_final = true;
            } else {
                return None;
            }
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
