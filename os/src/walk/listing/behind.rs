//! Directories that links lead to. Whether one is to be walked depends on all that was met before, which the parent alone
//! knows: workers only tell of them, and the parent walks them when their turn comes.

use std::ffi::{CStr, CString};

use rustix::io::{self, Errno};

use super::super::diagnostic::Trouble;
use super::super::inode::Facts;
use super::super::open;
use super::super::watcher::Watcher;
use super::fold::Fold;
use super::tree::Tree;

/// What the parent walks with.
pub(super) struct Behind<'a> {
    pub(super) tree: &'a mut Tree,
    pub(super) watcher: &'a mut Watcher,
}

impl Behind<'_> {
    /// Walks what the entry `name` of the directory that the fold is in leads to.
    pub(super) fn walk(&mut self, name: &[u8], fold: &mut Fold<'_>) {
        if fold.broken || self.watcher.has_stopped() {
            return;
        }
        let depth = fold.depth();
        let started = CString::new(name).map_err(|_| Errno::INVAL).and_then(|name| self.start(&name, fold));
        match started {
            Ok(()) => self.walk_on(fold),
            // The directory has vanished.
            Err(Errno::NOENT) => {}
            Err(errno) => fold.complain(name, Trouble::Access(errno.into())),
        }
        fold.rise_to(depth);
        self.tree.clear();
    }

    fn start(&mut self, name: &CStr, fold: &Fold<'_>) -> io::Result<()> {
        let dir = open::far(fold.path())?;
        let inode = Facts::of(&dir)?.inode;
        if fold.inode().is_some_and(|expected| expected != inode) {
            return Err(Errno::NOENT);
        }
        self.tree.start_at_entry(dir, inode, fold.path(), fold.depth(), name)
    }

    fn walk_on(&mut self, fold: &mut Fold<'_>) {
        while self.tree.steps(fold) {
            if fold.broken || self.watcher.stops(fold.bytes()) {
                break;
            }
        }
        self.tree.flush(fold);
    }
}
