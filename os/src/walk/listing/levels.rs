//! The way from the operand down to where a walk is: an explicit stack, so that no depth of the tree is too deep.
//!
//! Only the operand and the lowest few levels are kept open. A level above them is opened again when the walk comes
//! back to it, through `..` or, if that leads elsewhere by now, from the operand down.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{self, Errno};

use super::super::inode::{Facts, Inode};
use super::super::levels::climb_from;
use super::super::map_vec::MapVec;
use super::super::open;
use super::entries::{Entries, List};

/// How many levels below the operand are kept open.
const KEPT: usize = 6;

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

struct Kept {
    depth: usize,
    dir: OwnedFd,
}

/// The levels of one walk.
pub(super) struct Levels {
    stack: MapVec<Level>,
    root: Option<OwnedFd>,
    /// The open level of depth d is at d modulo `KEPT`.
    kept: [Option<Kept>; KEPT],
    /// Links are followed on the way.
    follow: bool,
}

impl Levels {
    pub(super) fn new(follow: bool) -> Self {
        Self { stack: MapVec::new(), root: None, kept: [const { None }; KEPT], follow }
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
        self.keep(dir);
        Ok(())
    }

    /// Goes up until there are so many levels, and sees to it that the last one is open; an error says that it cannot be
    /// reached any more.
    pub(super) fn truncate(&mut self, len: usize, entries: &Entries) -> io::Result<()> {
        self.stack.truncate(len);
        let Some(depth) = len.checked_sub(1) else {
            self.root = None;
            self.kept = [const { None }; KEPT];
            return Ok(());
        };
        let below = self.kept.iter_mut().filter(|slot| slot.as_ref().is_some_and(|kept| kept.depth > depth));
        let next = below.min_by_key(|slot| slot.as_ref().map(|kept| kept.depth)).and_then(Option::take);
        for slot in &mut self.kept {
            slot.take_if(|kept| kept.depth > depth);
        }
        if self.dir().is_none() {
            let dir = self.regain(next, entries)?;
            self.keep(dir);
        }
        Ok(())
    }

    /// The current directory, if it is open.
    pub(super) fn dir(&self) -> Option<BorrowedFd<'_>> {
        match self.stack.len() {
            0 => None,
            1 => self.root.as_ref(),
            len => {
                let kept = self.kept.get((len - 1) % KEPT)?.as_ref();
                kept.filter(|kept| kept.depth == len - 1).map(|kept| &kept.dir)
            }
        }
        .map(AsFd::as_fd)
    }

    /// Closes the highest level that is kept open, but neither the operand nor the current one; false if there is none.
    pub(super) fn close_one(&mut self) -> bool {
        let current = self.stack.len().saturating_sub(1);
        let open =
            self.kept.iter_mut().filter(|slot| slot.as_ref().is_some_and(|kept| kept.depth != current));
        let highest = open.min_by_key(|slot| slot.as_ref().map(|kept| kept.depth));
        highest.is_some_and(|slot| slot.take().is_some())
    }

    fn keep(&mut self, dir: OwnedFd) {
        let depth = self.stack.len().saturating_sub(1);
        if depth == 0 {
            self.root = Some(dir);
        } else if let Some(slot) = self.kept.get_mut(depth % KEPT) {
            *slot = Some(Kept { depth, dir });
        }
    }

    fn regain(&self, below: Option<Kept>, entries: &Entries) -> io::Result<OwnedFd> {
        let expected = self.stack.last().ok_or(Errno::NOENT)?.inode;
        let depth = self.stack.len() - 1;
        if let Some(dir) = below.and_then(|below| climb_from(below.dir, below.depth - depth).ok())
            && Facts::of(&dir)?.inode == expected
        {
            return Ok(dir);
        }
        let dir = self.open_from_root(entries)?;
        if Facts::of(&dir)?.inode == expected { Ok(dir) } else { Err(Errno::NOENT) }
    }

    fn open_from_root(&self, entries: &Entries) -> io::Result<OwnedFd> {
        let root = self.root.as_ref().ok_or(Errno::NOENT)?;
        let mut dir = open::to_start(root, c".")?;
        for level in self.stack.iter().skip(1) {
            let (_, name, _) = entries.at(level.name);
            let above = dir;
            dir =
                if self.follow { open::to_start_behind(&above, name) } else { open::to_start(&above, name) }?;
        }
        Ok(dir)
    }
}
