//! The way from the root of a walk down to where it is: an explicit stack, so that no depth of the tree is too deep.
//!
//! Only the root and the lowest few levels are kept open. A level above them is opened again when the walk comes back
//! to it, through `..` or, if that leads elsewhere by now, from the root down.

use std::ffi::CStr;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{self, Errno};

use super::inode::{Facts, Inode};
use super::map_vec::MapVec;
use super::names::Names;
use super::open;
use super::record::PlaceId;
use super::sink::Sink;

/// How many levels below the root are kept open.
const KEPT: usize = 6;

/// How many levels one system call climbs at most.
const CLIMB: usize = 256;

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

struct Kept {
    depth: usize,
    dir: OwnedFd,
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
    root: Option<OwnedFd>,
    /// The open level of depth d is at d modulo `KEPT`.
    kept: [Option<Kept>; KEPT],
}

impl Levels {
    pub(super) const fn new() -> Self {
        Self { stack: MapVec::new(), root: None, kept: [const { None }; KEPT] }
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
        let depth = self.depth();
        if depth == 0 {
            self.root = Some(dir);
        } else if let Some(slot) = self.kept.get_mut(depth % KEPT) {
            *slot = Some(Kept { depth, dir });
        }
    }

    /// The current directory, if it is open.
    pub(super) fn dir(&self) -> Option<BorrowedFd<'_>> {
        match self.depth() {
            0 => self.root.as_ref(),
            depth => {
                self.kept.get(depth % KEPT)?.as_ref().filter(|kept| kept.depth == depth).map(|kept| &kept.dir)
            }
        }
        .map(AsFd::as_fd)
    }

    /// Closes the highest level that is kept open, but neither the root nor the current one; false if there is none.
    pub(super) fn close_one(&mut self) -> bool {
        let current = self.depth();
        let open =
            self.kept.iter_mut().filter(|slot| slot.as_ref().is_some_and(|kept| kept.depth != current));
        let highest = open.min_by_key(|slot| slot.as_ref().map(|kept| kept.depth));
        highest.is_some_and(|slot| slot.take().is_some())
    }

    /// Goes up to the level of this depth, and sees to it that it is open; an error says that it cannot be reached any
    /// more.
    pub(super) fn rise_to(&mut self, depth: usize, names: &Names) -> io::Result<()> {
        self.stack.truncate(depth + 1);
        let below = self.kept.iter_mut().filter(|slot| slot.as_ref().is_some_and(|kept| kept.depth > depth));
        let next = below.min_by_key(|slot| slot.as_ref().map(|kept| kept.depth)).and_then(Option::take);
        for slot in &mut self.kept {
            slot.take_if(|kept| kept.depth > depth);
        }
        if self.dir().is_none() {
            let dir = self.regain(next, names)?;
            self.keep(dir);
        }
        Ok(())
    }

    /// Leaves the root.
    pub(super) fn clear(&mut self) {
        self.stack.truncate(0);
        self.root = None;
        self.kept = [const { None }; KEPT];
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

    fn regain(&self, below: Option<Kept>, names: &Names) -> io::Result<OwnedFd> {
        let expected = self.stack.last().ok_or(Errno::NOENT)?.inode;
        if let Some(dir) = below.and_then(|below| climb_from(below.dir, below.depth - self.depth()).ok())
            && Facts::of(&dir)?.inode == expected
        {
            return Ok(dir);
        }
        let dir = self.open_from_root(names)?;
        if Facts::of(&dir)?.inode == expected { Ok(dir) } else { Err(Errno::NOENT) }
    }

    fn open_from_root(&self, names: &Names) -> io::Result<OwnedFd> {
        let root = self.root.as_ref().ok_or(Errno::NOENT)?;
        let mut dir = open::to_start(root, c".")?;
        for level in self.stack.iter().skip(1) {
            dir = open::to_start(&dir, names.ending_at(level.floor))?;
        }
        Ok(dir)
    }
}

/// Opens the directory so many levels above.
pub(super) fn climb_from(mut dir: OwnedFd, mut levels: usize) -> io::Result<OwnedFd> {
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
        dir = open::to_start(&dir, way.ok_or(Errno::NOENT)?)?;
        levels -= step;
    }
    Ok(dir)
}
