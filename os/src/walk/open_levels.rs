//! The directories on the way from the root of a walk down to where it is that are held open.
//!
//! These are the root and the lowest few levels. A level above them is opened again when the walk comes back to it,
//! through `..` or, if that leads elsewhere by now, from the root down.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{self, Errno};

use super::inode::{Facts, Inode};
use super::open;

/// How many levels below the root are held open.
const KEPT: usize = 6;

struct Kept {
    depth: usize,
    dir: OwnedFd,
}

/// The open levels of one walk.
pub(super) struct OpenLevels {
    root: Option<OwnedFd>,
    /// The open level of depth d is at d modulo `KEPT`.
    kept: [Option<Kept>; KEPT],
}

impl OpenLevels {
    pub(super) const fn new() -> Self {
        Self { root: None, kept: [const { None }; KEPT] }
    }

    /// Closes all.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Holds the level of this depth open; the root's is 0.
    pub(super) fn keep(&mut self, depth: usize, dir: OwnedFd) {
        if depth == 0 {
            self.root = Some(dir);
        } else if let Some(slot) = self.kept.get_mut(depth % KEPT) {
            *slot = Some(Kept { depth, dir });
        }
    }

    /// The level of this depth, if it is open.
    pub(super) fn at(&self, depth: usize) -> Option<BorrowedFd<'_>> {
        if depth == 0 {
            return self.root.as_ref().map(AsFd::as_fd);
        }
        let kept = self.kept.get(depth % KEPT)?.as_ref()?;
        (kept.depth == depth).then(|| kept.dir.as_fd())
    }

    /// Closes the highest open level but the root and the current one; false if there is none.
    pub(super) fn close_one(&mut self, current: usize) -> bool {
        self.take_highest(|depth| depth != current).is_some()
    }

    /// Closes what is below the level of this depth, and sees to it that this one, which is the directory `expected`, is
    /// open. `down` leads there from the root. An error says that it cannot be reached any more.
    pub(super) fn rise_to(
        &mut self,
        depth: usize,
        expected: Inode,
        down: impl FnOnce(OwnedFd) -> io::Result<OwnedFd>,
    ) -> io::Result<()> {
        let below = self.take_highest(|other| other > depth);
        for slot in &mut self.kept {
            slot.take_if(|kept| kept.depth > depth);
        }
        if self.at(depth).is_none() {
            let dir = self.regain(depth, expected, below, down)?;
            self.keep(depth, dir);
        }
        Ok(())
    }

    fn take_highest(&mut self, is_meant: impl Fn(usize) -> bool) -> Option<Kept> {
        let depth = |slot: &Option<Kept>| slot.as_ref().map(|kept| kept.depth);
        let meant = self.kept.iter_mut().filter(|slot| depth(slot).is_some_and(&is_meant));
        meant.min_by_key(|slot| depth(slot)).and_then(Option::take)
    }

    fn regain(
        &self,
        depth: usize,
        expected: Inode,
        below: Option<Kept>,
        down: impl FnOnce(OwnedFd) -> io::Result<OwnedFd>,
    ) -> io::Result<OwnedFd> {
        if let Some(dir) = below.and_then(|below| open::above(below.dir, below.depth - depth).ok())
            && Facts::of(&dir)?.inode == expected
        {
            return Ok(dir);
        }
        let dir = down(open::to_start(self.root.as_ref().ok_or(Errno::NOENT)?, c".")?)?;
        if Facts::of(&dir)?.inode == expected { Ok(dir) } else { Err(Errno::NOENT) }
    }
}
