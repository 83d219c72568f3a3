//! The way from the root of a walk down to where it is: an explicit stack, so that no depth of the tree is too deep.

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io;

use super::inode::Inode;
use super::names::Names;
use super::open;
use super::open_levels::OpenLevels;
use super::record::PlaceId;
use super::sink::Sink;
use crate::map_vec::MapVec;

#[derive(Clone, Copy)]
struct Level {
    inode: Inode,
    /// The mark where the names of this level's sub-directories start. The name that ends there is its own.
    floor: usize,
    /// The mark where those names start that are still to be visited: the ones below are somebody else's.
    bottom: usize,
    /// What it is called in records, if one has named it.
    place: Option<PlaceId>,
}

/// A piece of a level's pending names: from `bottom` up to `top`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) depth: usize,
    pub(super) bottom: usize,
    pub(super) top: usize,
}

/// The levels of one walk.
pub(super) struct Levels {
    stack: MapVec<Level>,
    open: OpenLevels,
}

impl Levels {
    pub(super) const fn new() -> Self {
        Self { stack: MapVec::new(), open: OpenLevels::new() }
    }

    /// How many levels lie between the root and the current directory.
    pub(super) fn depth(&self) -> usize {
        self.stack.len().saturating_sub(1)
    }

    /// The mark where the current level's pending names start.
    pub(super) fn bottom(&self) -> usize {
        self.stack.last().map_or(0, |level| level.bottom)
    }

    /// The identity of the current directory.
    pub(super) fn inode(&self) -> Inode {
        self.stack.last().map_or_else(Inode::default, |level| level.inode)
    }

    /// The highest level with pending names.
    pub(super) fn highest_pending(&self, names: &Names) -> Option<Pending> {
        (0..self.stack.len()).find_map(|depth| self.pending_at(depth, names))
    }

    /// The lowest level above the current one with pending names.
    pub(super) fn next_pending(&self, names: &Names) -> Option<Pending> {
        (0..self.depth()).rev().find_map(|depth| self.pending_at(depth, names))
    }

    fn pending_at(&self, depth: usize, names: &Names) -> Option<Pending> {
        let top = match self.stack.get(depth + 1) {
            Some(below) => names.below(below.floor),
            None => names.end(),
        };
        let bottom = self.stack.get(depth)?.bottom;
        (top > bottom).then_some(Pending { depth, bottom, top })
    }

    /// From now on the names of a level below this mark are somebody else's.
    pub(super) fn raise_bottom(&mut self, depth: usize, bottom: usize) {
        if let Some(level) = self.stack.get_mut(depth) {
            level.bottom = bottom;
        }
    }

    /// Goes down to a directory that [`keep`](Self::keep) is then to hold open. The first level is the root.
    pub(super) fn push(&mut self, inode: Inode, floor: usize, place: Option<PlaceId>) -> io::Result<()> {
        self.stack.push(Level { inode, floor, bottom: floor, place })
    }

    /// Holds the current level open.
    pub(super) fn keep(&mut self, dir: OwnedFd) {
        self.open.keep(self.depth(), dir);
    }

    /// The current directory, if it is open.
    pub(super) fn dir(&self) -> Option<BorrowedFd<'_>> {
        self.open.at(self.depth())
    }

    /// Closes the highest level that is held open, but neither the root nor the current one; false if there is none.
    pub(super) fn close_one(&mut self) -> bool {
        self.open.close_one(self.depth())
    }

    /// Goes up to the level of this depth, and sees to it that it is open; an error says that it cannot be reached any
    /// more.
    pub(super) fn rise_to(&mut self, depth: usize, names: &Names) -> io::Result<()> {
        self.stack.truncate(depth + 1);
        let mut way = self.stack.iter().skip(1).map(|level| names.ending_at(level.floor));
        let down = |root| way.try_fold(root, open::to_start);
        self.open.rise_to(depth, self.inode(), down)
    }

    /// Leaves the root.
    pub(super) fn clear(&mut self) {
        self.stack.truncate(0);
        self.open.clear();
    }

    /// What the current directory is called in records, which first name it and what is above it where none has yet.
    pub(super) fn place(&mut self, names: &Names, sink: &mut impl Sink) -> PlaceId {
        let named = self.stack.iter().rposition(|level| level.place.is_some()).unwrap_or(0);
        let mut place = self.stack.get(named).and_then(|level| level.place).unwrap_or_default();
        for depth in named + 1..self.stack.len() {
            let Some(level) = self.stack.get_mut(depth) else { break };
            place = sink.announce(place, level.inode, names.ending_at(level.floor));
            level.place = Some(place);
        }
        place
    }
}
