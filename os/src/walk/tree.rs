//! The walk of a tree: each directory read once, its sub-directories visited without recursion.
//!
//! The same code runs in a forked child and in the parent, so it allocates nothing through the global allocator, takes
//! no lock, and does not panic.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, openat};
use rustix::io::{self, Errno};

use super::directory::{Reader, report};
use super::inode::Facts;
use super::levels::Levels;
use super::names::Names;
use super::record::{Failed, Record};
use super::sink::Sink;

/// Bytes of directory entries that one system call fetches.
const BATCH: usize = 32 * 1024;

/// A walk: where it is, and what it has still to visit.
pub(super) struct Tree {
    levels: Levels,
    names: Names,
    entries: Box<[MaybeUninit<u8>]>,
}

impl Tree {
    pub(super) fn new() -> Self {
        let entries = Box::new_uninit_slice(BATCH);
        Self { levels: Levels::new(), names: Names::new(), entries }
    }

    /// Opens the directory `name` of `dir` (`.` for itself) for reading.
    pub(super) fn open(dir: impl AsFd, name: &CStr) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(dir, name, flags, Mode::empty())
    }

    /// Makes `dir` the root, reads it, and leaves its sub-directories pending.
    pub(super) fn enter(&mut self, dir: OwnedFd, sink: &mut impl Sink) -> io::Result<()> {
        let facts = Facts::of(&dir)?;
        self.read_level(dir, facts, sink)
    }

    /// The root's sub-directory whose turn it is.
    pub(super) fn pending(&self) -> Option<&CStr> {
        self.has_pending().then(|| self.names.top())
    }

    /// Leaves the pending sub-directory to somebody else.
    pub(super) fn skip(&mut self) {
        self.names.pop();
    }

    /// Walks the pending sub-directory of the root and all below it.
    pub(super) fn walk_pending(&mut self, sink: &mut impl Sink) {
        self.levels.restart_places();
        self.descend(sink);
        while self.levels.depth() > 0 {
            if self.has_pending() { self.descend(sink) } else { self.ascend(sink) }
        }
    }

    /// Leaves the root.
    pub(super) fn leave(&mut self) {
        self.levels.clear();
        self.names.truncate(0);
    }

    fn has_pending(&self) -> bool {
        self.names.end() > self.levels.floor()
    }

    /// Visits the sub-directory on top of the pending names, whose name stays there until [`ascend`](Self::ascend).
    fn descend(&mut self, sink: &mut impl Sink) {
        let visited = match self.open_pending() {
            Ok((_, facts)) if sink.census().was_walked(facts.inode) => Err(None),
            Ok((dir, facts)) => self.read_level(dir, facts, sink).map_err(Some),
            Err(errno) => Err(Some(errno)),
        };
        if let Err(reason) = visited {
            if let Some(errno) = reason {
                self.count_unread(errno, sink);
            }
            self.names.pop();
        }
    }

    /// Opens the pending sub-directory, at the price of levels kept open if there are too many open files.
    fn open_pending(&mut self) -> io::Result<(OwnedFd, Facts)> {
        loop {
            let current = self.levels.dir().ok_or(Errno::NOENT)?;
            match Self::open(current, self.names.top()) {
                Err(Errno::MFILE | Errno::NFILE) if self.levels.close_one() => {}
                opened => {
                    let dir = opened?;
                    let facts = Facts::of(&dir)?;
                    return Ok((dir, facts));
                }
            }
        }
    }

    /// Counts the pending sub-directory without its entries, and says why they are missing.
    fn count_unread(&mut self, errno: Errno, sink: &mut impl Sink) {
        let Some(current) = self.levels.dir() else { return };
        let name = self.names.top();
        let (failed, errno) = match Facts::of_entry(current, name) {
            Ok(facts) if facts.kind != FileType::Directory || sink.census().was_walked(facts.inode) => return,
            Ok(facts) => {
                sink.put(Record::Directory { inode: facts.inode, bytes: facts.bytes, read: false });
                (Failed::ReadDirectory, errno)
            }
            Err(errno) => (Failed::Access, errno),
        };
        report(&mut self.levels, &self.names, sink, (failed, errno), name);
    }

    /// Goes down into `dir`, and reads it.
    fn read_level(&mut self, dir: OwnedFd, facts: Facts, sink: &mut impl Sink) -> io::Result<()> {
        self.levels.push(facts.inode, self.names.end())?;
        let scattered = sink.census().is_scattered(facts.inode);
        let mut reader = Reader { levels: &mut self.levels, names: &mut self.names, sink, scattered };
        let bytes = reader.read(dir.as_fd(), &mut self.entries).saturating_add(facts.bytes);
        sink.put(Record::Directory { inode: facts.inode, bytes, read: true });
        self.levels.keep(dir);
        Ok(())
    }

    /// Goes up from a directory that is done, and takes its name off the pending ones.
    fn ascend(&mut self, sink: &mut impl Sink) {
        self.names.truncate(self.levels.floor());
        let reached = self.levels.pop(&self.names);
        self.names.pop();
        if let Err(errno) = reached {
            self.abandon(errno, sink);
        }
    }

    /// Gives up what is pending in a directory that the walk cannot come back to.
    fn abandon(&mut self, errno: Errno, sink: &mut impl Sink) {
        if self.has_pending() {
            report(&mut self.levels, &self.names, sink, (Failed::ReadDirectory, errno), c"");
        }
        self.names.truncate(self.levels.floor());
    }
}
