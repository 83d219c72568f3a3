//! The way from the root of a walk down to where it is: an explicit stack, so that no depth of the tree is too deep.
//!
//! Only the root and the lowest few levels are kept open. A level above them is opened again when the walk comes back
//! to it, through `..` or, if that leads elsewhere by now, from the root down.

use std::ffi::CStr;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{self, Errno};

use super::inode::{Facts, Inode};
use super::map_vec::MapVec;
use super::names::Names;
use super::record::Record;
use super::sink::Sink;

/// How many levels below the root are kept open.
const KEPT: usize = 6;

/// A level that no record has named yet.
const UNNAMED: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Level {
    inode: Inode,
    /// The mark where the names of this level's pending sub-directories start. The name that ends there is its own.
    floor: usize,
    /// Its number in the records of this task.
    place: u32,
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
    next_place: u32,
}

impl Levels {
    pub(super) const fn new() -> Self {
        Self { stack: MapVec::new(), root: None, kept: [const { None }; KEPT], next_place: 1 }
    }

    /// How many levels lie between the root and the current directory.
    pub(super) fn depth(&self) -> usize {
        self.stack.len().saturating_sub(1)
    }

    /// The mark where the current level's pending names start.
    pub(super) fn floor(&self) -> usize {
        self.stack.last().map_or(0, |level| level.floor)
    }

    /// Makes the next task's places count from 1 again.
    pub(super) fn restart_places(&mut self) {
        self.next_place = 1;
    }

    /// Goes down to a directory that [`keep`](Self::keep) is then to hold open. The first level is the root.
    pub(super) fn push(&mut self, inode: Inode, floor: usize) -> io::Result<()> {
        let place = if self.stack.is_empty() { 0 } else { UNNAMED };
        self.stack.push(Level { inode, floor, place })
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

    /// Goes up one level, and sees to it that that one is open; an error says that it cannot be reached any more.
    pub(super) fn pop(&mut self, names: &Names) -> io::Result<()> {
        let depth = self.depth();
        self.stack.truncate(depth);
        let left = self.kept.get_mut(depth % KEPT).and_then(|slot| slot.take_if(|kept| kept.depth == depth));
        if self.dir().is_none() {
            let dir = self.regain(left.map(|kept| kept.dir), names)?;
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

    /// The number of the current directory in records, which first name it and what is above it where none has yet.
    pub(super) fn place(&mut self, names: &Names, sink: &mut impl Sink) -> u32 {
        let named = self.stack.iter().rposition(|level| level.place != UNNAMED).unwrap_or(0);
        let mut place = self.stack.get(named).map_or(0, |level| level.place);
        for depth in named + 1..self.stack.len() {
            let Some(level) = self.stack.get_mut(depth) else { break };
            level.place = self.next_place;
            self.next_place = self.next_place.wrapping_add(1);
            let name = names.ending_at(level.floor).to_bytes();
            sink.put(Record::Place { id: level.place, parent: place, inode: level.inode, name });
            place = level.place;
        }
        place
    }

    fn regain(&self, below: Option<OwnedFd>, names: &Names) -> io::Result<OwnedFd> {
        let expected = self.stack.last().ok_or(Errno::NOENT)?.inode;
        if let Some(dir) = below.and_then(|below| open_path(&below, c"..").ok())
            && Facts::of(&dir)?.inode == expected
        {
            return Ok(dir);
        }
        let dir = self.open_from_root(names)?;
        if Facts::of(&dir)?.inode == expected { Ok(dir) } else { Err(Errno::NOENT) }
    }

    fn open_from_root(&self, names: &Names) -> io::Result<OwnedFd> {
        let root = self.root.as_ref().ok_or(Errno::NOENT)?;
        let mut dir = open_path(root, c".")?;
        for level in self.stack.iter().skip(1) {
            dir = open_path(&dir, names.ending_at(level.floor))?;
        }
        Ok(dir)
    }
}

/// Opens a directory as a place to start from only, which needs no permission to read it.
fn open_path(dir: &OwnedFd, name: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(dir, name, flags, Mode::empty())
}
