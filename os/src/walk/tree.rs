//! The walk of a tree in small steps: each directory read once, its sub-directories visited without recursion, and what
//! is pending between two steps can be halved.
//!
//! The same code runs in a forked child and in the parent, so it allocates nothing through the global allocator, takes
//! no lock, and does not panic.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::OwnedFd;
use rustix::fs::FileType;
use rustix::io::{self, Errno};

use super::inode::Facts;
use super::levels::{Levels, Pending};
use super::links::Follower;
use super::names::Names;
use super::open;
use super::reading::{BATCH, Reading, report};
use super::record::{Failed, PlaceId, Record};
use super::sink::Sink;

/// A walk: where it is, and what it has still to visit.
pub(super) struct Tree {
    levels: Levels,
    names: Names,
    /// The current level, if it has not been read to its end.
    reading: Option<Reading>,
    batch: Box<[MaybeUninit<u8>]>,
    follower: Box<Follower>,
}

/// The half of a walk that another process can take over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Half {
    pending: Option<Pending>,
    /// The rest of the current directory is to be read by both.
    reads_along: bool,
}

impl Tree {
    pub(super) fn new() -> Self {
        let batch = Box::new_uninit_slice(BATCH);
        let follower = Box::new(Follower::new());
        Self { levels: Levels::new(), names: Names::new(), reading: None, batch, follower }
    }

    /// Makes `dir`, which records call `place`, the root, and reads a first batch of its entries.
    pub(super) fn enter(&mut self, dir: OwnedFd, place: PlaceId, sink: &mut impl Sink) -> io::Result<()> {
        let facts = Facts::of(&dir)?;
        self.start(dir, &facts, Some(place), sink)
    }

    /// Leaves the root.
    pub(super) fn leave(&mut self) {
        self.reading = None;
        self.levels.clear();
        self.names.truncate(0);
    }

    /// Whether the current directory has not been read to its end.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Whether the current directory most likely has many more entries.
    pub(super) fn goes_on(&self) -> bool {
        self.reading.as_ref().is_some_and(Reading::goes_on)
    }

    /// Takes in another batch of entries of the current directory.
    pub(super) fn read_on(&mut self, sink: &mut impl Sink) {
        let Some(mut reading) = self.reading.take() else { return };
        let Self { levels, names, batch, follower, .. } = self;
        if reading.read_on(batch, follower, levels, names, sink) {
            self.reading = Some(reading);
        } else {
            let (record, dir) = reading.finish(&self.levels);
            sink.put(record);
            self.levels.keep(dir);
        }
    }

    /// The current directory's sub-directory whose turn it is.
    pub(super) fn pending(&self) -> Option<&CStr> {
        self.has_pending().then(|| self.names.top())
    }

    /// Leaves that sub-directory to somebody else.
    pub(super) fn skip(&mut self) {
        self.names.pop();
    }

    /// Leaves all but that sub-directory to somebody else.
    pub(super) fn keep_one(&mut self) {
        let bottom = self.names.below(self.names.end());
        self.levels.raise_bottom(self.levels.depth(), bottom);
    }

    /// Walks that sub-directory of the root and all below it.
    pub(super) fn walk_pending(&mut self, sink: &mut impl Sink) {
        let rest = self.names.below(self.names.end());
        while (self.levels.depth() > 0 || self.names.end() > rest) && self.step(sink) {}
    }

    /// Does the next thing there is to do; false if all is done.
    pub(super) fn step(&mut self, sink: &mut impl Sink) -> bool {
        if self.is_reading() {
            self.read_on(sink);
        } else if self.has_pending() {
            self.descend(sink);
        } else {
            return self.ascend(sink);
        }
        true
    }

    /// Half of what there is to do, if it can be halved: of the highest level's pending sub-directories, where the
    /// largest sub-trees are to be expected, and of a long directory that is being read.
    pub(super) fn half(&self) -> Option<Half> {
        let current = self.levels.depth();
        let mut pending = self.levels.highest_pending(&self.names);
        let reads_along = pending.is_none_or(|pending| pending.depth == current) && self.goes_on();
        if let Some(pending) = &mut pending {
            let goes_on_below = pending.depth < current && (self.is_reading() || self.has_pending());
            pending.top = self.upper_half(pending, goes_on_below || reads_along)?;
        }
        (pending.is_some() || reads_along).then_some(Half { pending, reads_along })
    }

    /// Where the names start that the one who gives keeps; he needs none if he has something else to do.
    fn upper_half(&self, Pending { bottom, top, .. }: &Pending, needs_none: bool) -> Option<usize> {
        let middle = self.names.middle(*bottom, *top);
        (middle < *top || needs_none).then_some(middle)
    }

    /// Keeps what is not in a half.
    ///
    /// `parts` is a new number for the directory if it is to be read by both.
    pub(super) fn give(&mut self, half: Half, parts: u32) {
        if let Some(pending) = half.pending {
            self.levels.raise_bottom(pending.depth, pending.top);
        }
        if half.reads_along
            && let Some(reading) = &mut self.reading
        {
            reading.share(parts);
        }
    }

    /// Keeps what is in a half, in the process that takes it over.
    pub(super) fn take(&mut self, half: Half, parts: u32, sink: &mut impl Sink) {
        match self.reading.take() {
            Some(mut reading) if half.reads_along => {
                reading.start_part(parts);
                self.reading = Some(reading);
            }
            Some(reading) => self.levels.keep(reading.leave()),
            None => {}
        }
        if let Some(Pending { depth, top, .. }) = half.pending {
            self.names.truncate(top);
            self.rise_to(depth, sink);
        }
    }

    fn has_pending(&self) -> bool {
        self.names.end() > self.levels.bottom()
    }

    /// Visits the sub-directory on top of the pending names, whose name stays there until the walk goes up again.
    fn descend(&mut self, sink: &mut impl Sink) {
        let visited = match self.open_pending() {
            Ok((_, facts)) if sink.census().was_walked(facts.inode) => Err(None),
            Ok((dir, facts)) => self.start(dir, &facts, None, sink).map_err(Some),
            Err(errno) => Err(Some(errno)),
        };
        if let Err(reason) = visited {
            if let Some(errno) = reason {
                self.count_unread(errno, sink);
            }
            self.names.pop();
        }
    }

    /// Goes down to `dir`, and reads a first batch of its entries.
    fn start(
        &mut self,
        dir: OwnedFd,
        facts: &Facts,
        place: Option<PlaceId>,
        sink: &mut impl Sink,
    ) -> io::Result<()> {
        self.levels.push(facts.inode, self.names.end(), place)?;
        self.reading = Some(Reading::new(dir, facts, sink));
        self.read_on(sink);
        Ok(())
    }

    /// Opens the pending sub-directory, at the price of levels kept open if there are too many open files.
    fn open_pending(&mut self) -> io::Result<(OwnedFd, Facts)> {
        loop {
            let current = self.levels.dir().ok_or(Errno::BADF)?;
            match open::to_read(current, self.names.top()) {
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
        let name = self.names.top();
        let facts = self.levels.dir().ok_or(Errno::BADF).and_then(|current| Facts::of_entry(current, name));
        let (failed, errno) = match facts {
            Ok(facts) if facts.kind != FileType::Directory || sink.census().was_walked(facts.inode) => return,
            Ok(facts) => {
                sink.put(Record::Directory { inode: facts.inode, bytes: facts.bytes, read: false });
                (Failed::ReadDirectory, errno)
            }
            Err(errno) => (Failed::Access, errno),
        };
        report(&mut self.levels, &self.names, sink, (failed, errno), name);
    }

    /// Goes up to the next level where something is pending; false if there is none.
    fn ascend(&mut self, sink: &mut impl Sink) -> bool {
        let Some(Pending { depth, top, .. }) = self.levels.next_pending(&self.names) else { return false };
        self.names.truncate(top);
        self.rise_to(depth, sink);
        true
    }

    fn rise_to(&mut self, depth: usize, sink: &mut impl Sink) {
        if depth < self.levels.depth()
            && let Err(errno) = self.levels.rise_to(depth, &self.names)
        {
            // What is pending there is given up.
            report(&mut self.levels, &self.names, sink, (Failed::ReadDirectory, errno), c"");
            self.names.truncate(self.levels.bottom());
        }
    }
}

#[cfg(test)]
mod tests;
