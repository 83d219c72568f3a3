//! The way from the operand down to where a walk is: an explicit stack, so that no depth of the tree is too deep.

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io;

use super::super::inode::Inode;
use super::super::open;
use super::super::open_levels::OpenLevels;
use super::entries::{Entries, List};
use crate::map_vec::MapVec;

/// One directory on the way.
#[derive(Clone, Copy)]
pub(super) struct Level {
    pub(super) inode: Inode,
    /// Where its name stands among the entries of the level above.
    pub(super) name: usize,
    /// How long the path is without it.
    pub(super) path: usize,
    pub(super) list: List,
    /// It has been told of.
    pub(super) told: bool,
}

/// The levels of one walk.
pub(super) struct Levels {
    stack: MapVec<Level>,
    open: OpenLevels,
    /// Links are followed on the way.
    follow: bool,
}

impl Levels {
    pub(super) fn new(follow: bool) -> Self {
        Self { stack: MapVec::new(), open: OpenLevels::new(), follow }
    }

    /// How many levels there are.
    pub(super) fn len(&self) -> usize {
        self.stack.len()
    }

    pub(super) fn get(&self, depth: usize) -> Option<&Level> {
        self.stack.get(depth)
    }

    pub(super) fn get_mut(&mut self, depth: usize) -> Option<&mut Level> {
        self.stack.get_mut(depth)
    }

    /// The current level.
    pub(super) fn last(&self) -> Option<&Level> {
        self.stack.last()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Level> {
        self.stack.last_mut()
    }

    /// How many levels have been told of, from the operand down.
    pub(super) fn told(&self) -> usize {
        self.stack.iter().rposition(|level| level.told).map_or(0, |depth| depth + 1)
    }

    /// Whether a directory is on the way.
    pub(super) fn contain(&self, directory: Inode) -> bool {
        self.stack.iter().any(|level| level.inode == directory)
    }

    /// Goes down to a directory.
    pub(super) fn push(&mut self, level: Level, dir: OwnedFd) -> io::Result<()> {
        self.stack.push(level)?;
        self.open.keep(self.depth(), dir);
        Ok(())
    }

    /// Goes up until there are so many levels, and sees to it that the last one is open; an error says that it cannot be
    /// reached any more.
    pub(super) fn truncate(&mut self, len: usize, entries: &Entries) -> io::Result<()> {
        self.stack.truncate(len);
        let Some(&Level { inode, .. }) = self.last() else {
            self.open.clear();
            return Ok(());
        };
        let mut way = self.stack.iter().skip(1).map(|level| entries.at(level.name));
        let open = if self.follow { open::to_start_behind } else { open::to_start };
        let down = |root| way.try_fold(root, |dir, (_, name, _)| open(dir, name));
        self.open.rise_to(self.depth(), inode, down)
    }

    /// The current directory, if it is open.
    pub(super) fn dir(&self) -> Option<BorrowedFd<'_>> {
        self.open.at(self.depth())
    }

    /// Closes the highest level that is held open, but neither the operand nor the current one; false if there is none.
    pub(super) fn close_one(&mut self) -> bool {
        self.open.close_one(self.depth())
    }

    /// How many levels lie between the operand and the current one.
    fn depth(&self) -> usize {
        self.stack.len().saturating_sub(1)
    }
}
