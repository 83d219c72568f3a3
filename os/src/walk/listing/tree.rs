//! The walk of a tree in GNU's order, in small steps. What is pending between two steps can be cut in two, such that all
//! of the second part comes after all of the first.
//!
//! The same code runs in a forked child and in the parent, so it allocates nothing through the global allocator, takes
//! no lock, and does not panic.

mod cut;
mod files;
mod tell;

use std::ffi::CStr;
use std::rc::Rc;

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType};
use rustix::io::{self, Errno};

use super::super::inode::Inode;
use super::super::open;
use super::super::record::Failed;
use super::Listing;
use super::cache::is_cache;
use super::entries::{Entries, List};
use super::event::Event;
use super::levels::{Level, Levels};
use super::look::{At, Look};
use super::totals::Totals;
use crate::map_vec::MapVec;
use crate::walk::kernfs::is_kernfs;

/// How many steps are few.
const STEPS: usize = 16;

pub(super) use cut::Cut;

/// Takes what a walk tells.
pub(super) trait Sink {
    /// Takes one event; false if it is a directory that has been met, which is not to be walked then.
    fn tell(&mut self, event: Event<'_>) -> bool;
}

/// A walk: where it is, and what it has still to meet.
pub(super) struct Tree {
    listing: Rc<Listing>,
    levels: Levels,
    entries: Entries,
    /// What has been met and not told, of the lowest directory that was told of, and of those below it.
    own: Totals,
    below: Totals,
    /// So many levels are somebody else's to finish.
    base: usize,
    /// So many levels lie above the first one.
    above: usize,
    /// Links to directories are told of, not followed.
    tells_of_links: bool,
    /// The device that the walk does not leave, if it is not to.
    device: Option<u64>,
    /// The path of the current directory, if names are to be excluded.
    path: MapVec<u8>,
    /// The name of the entry that is being met.
    name: MapVec<u8>,
}

impl Tree {
    pub(super) fn new(listing: Rc<Listing>) -> Self {
        Self {
            levels: Levels::new(listing.follows_all()),
            listing,
            entries: Entries::new(),
            own: Totals::NONE,
            below: Totals::NONE,
            base: 0,
            above: 0,
            tells_of_links: false,
            device: None,
            path: MapVec::new(),
            name: MapVec::new(),
        }
    }

    /// Starts with what `name` is, seen from the working directory.
    pub(super) fn start(&mut self, name: &CStr, sink: &mut impl Sink) {
        (self.base, self.above) = (0, 0);
        self.path.truncate(0);
        if self.is_excluded(name) {
            return;
        }
        let follow = self.listing.follows_operands();
        match self.listing.look(CWD, if follow { At::Behind(name) } else { At::Entry(name) }) {
            Ok(look) => {
                self.device = self.listing.one_file_system.then_some(look.inode.dev);
                if look.kind == FileType::Directory {
                    self.start_in(name, &look, sink);
                } else {
                    self.meet_file(name, &look, sink);
                }
            }
            Err(errno) => self.miss(name, errno, follow, sink),
        }
    }

    /// Starts with what the entry `name` of a directory is, which lies so deep and has been told of.
    pub(super) fn start_at_entry(
        &mut self,
        dir: OwnedFd,
        inode: Inode,
        path: &[u8],
        depth: usize,
        name: &CStr,
    ) -> io::Result<()> {
        self.clear();
        (self.base, self.above) = (1, depth.saturating_sub(1));
        self.path.truncate(0);
        if self.listing.exclude.is_some() {
            self.path.extend(path)?;
        }
        let start = self.entries.end();
        self.entries.push(FileType::Symlink, name, inode.ino)?;
        let list = List { start, next: start, end: self.entries.end(), more: None };
        self.levels.push(Level { inode, name: start, path: self.path.len(), list, told: true }, dir)
    }

    /// From now on, links to directories are somebody else's to follow, if any are followed.
    pub(super) fn tell_of_links(&mut self) {
        self.tells_of_links = self.listing.follows_all();
    }

    fn start_in(&mut self, name: &CStr, look: &Look, sink: &mut impl Sink) {
        let opened = if self.listing.follows_operands() {
            open::to_read_behind(CWD, name)
        } else {
            open::to_read(CWD, name)
        };
        match opened {
            Ok(dir) => self.enter(name, 0, dir, look, sink),
            Err(errno) => self.count_unread(name, look, errno, sink),
        }
    }

    /// Does the next few things there are to do, between which nobody looks at the clock; false if all is done.
    pub(super) fn steps(&mut self, sink: &mut impl Sink) -> bool {
        (0..STEPS).all(|_| self.step(sink))
    }

    /// Does the next thing there is to do; false if all is done.
    fn step(&mut self, sink: &mut impl Sink) -> bool {
        let Some(level) = self.levels.last() else { return false };
        let List { next, end, more, .. } = level.list;
        if next < end {
            self.meet(next, sink);
        } else if more.is_some() {
            self.read_on(sink);
        } else if self.levels.len() > self.base {
            self.leave(sink);
        } else {
            return false;
        }
        true
    }

    /// Forgets where it is.
    pub(super) fn clear(&mut self) {
        let _ = self.levels.truncate(0, &self.entries);
        self.entries.truncate(0);
        (self.own, self.below) = (Totals::NONE, Totals::NONE);
    }

    /// Tells what has been met and not been told.
    pub(super) fn flush(&mut self, sink: &mut impl Sink) {
        for (below, sum) in [(false, &mut self.own), (true, &mut self.below)] {
            if !sum.is_none() {
                sink.tell(Event::Sum { below, totals: std::mem::replace(sum, Totals::NONE) });
            }
        }
    }

    /// Meets the entry at a place of the current list.
    fn meet(&mut self, place: usize, sink: &mut impl Sink) {
        // The list may move while the name is in use.
        let mut copy = std::mem::replace(&mut self.name, MapVec::new());
        copy.truncate(0);
        let (kind, name, after) = self.entries.at(place);
        let copied = copy.extend(name.to_bytes_with_nul());
        if let Some(level) = self.levels.last_mut() {
            level.list.next = after;
        }
        match copied.map(|()| CStr::from_bytes_with_nul(&copy)) {
            Ok(Ok(name)) if self.is_hidden(name) || self.is_excluded(name) => {}
            Ok(Ok(name)) if kind == FileType::Directory => self.descend(name, place, sink),
            Ok(Ok(name)) => self.meet_other(name, kind, place, sink),
            Ok(Err(_)) => {}
            Err(errno) => self.trouble((Failed::ReadDirectory, errno), c"", sink),
        }
        self.name = copy;
    }

    /// Meets an entry that does not say that it is a directory.
    fn meet_other(&mut self, name: &CStr, kind: FileType, place: usize, sink: &mut impl Sink) {
        match self.look(name) {
            Ok(look)
                if look.kind == FileType::Directory && self.tells_of_links && self.is_link(name, kind) =>
            {
                self.flush(sink);
                sink.tell(Event::Linked { name: name.to_bytes() });
            }
            Ok(look) if look.kind == FileType::Directory => self.descend(name, place, sink),
            Ok(look) => self.meet_file(name, &look, sink),
            Err(errno) => self.miss(name, errno, self.listing.follows_all(), sink),
        }
    }

    /// Whether an entry is a link, given what its directory says of it.
    fn is_link(&self, name: &CStr, kind: FileType) -> bool {
        let look = || self.listing.look(self.levels.dir().ok_or(Errno::BADF)?, At::Entry(name));
        kind == FileType::Symlink
            || kind == FileType::Unknown && look().is_ok_and(|look| look.kind == FileType::Symlink)
    }

    /// Looks at an entry of the current directory, through links if they are followed.
    fn look(&self, name: &CStr) -> io::Result<Look> {
        let at = if self.listing.follows_all() { At::Behind(name) } else { At::Entry(name) };
        self.listing.look(self.levels.dir().ok_or(Errno::BADF)?, at)
    }

    /// Goes down to the sub-directory `name`, the entry at a place of the current list.
    fn descend(&mut self, name: &CStr, place: usize, sink: &mut impl Sink) {
        match self.open(name).and_then(|dir| Ok((self.listing.look(&dir, At::Itself)?, dir))) {
            Ok((look, _)) if self.is_on_the_way(&look) || self.is_elsewhere(&look) => {}
            Ok((_, dir)) if self.listing.exclude_caches && self.is_cache(&dir) => {}
            Ok((look, dir)) if self.is_in_kernfs(&look, &dir) => {}
            Ok((look, dir)) => self.enter(name, place, dir, &look, sink),
            Err(errno) => match self.look(name) {
                Ok(look) if look.kind != FileType::Directory => self.meet_file(name, &look, sink),
                Ok(look) if self.is_elsewhere(&look) => {}
                Ok(look) => self.count_unread(name, &look, errno, sink),
                Err(errno) => self.miss(name, errno, self.listing.follows_all(), sink),
            },
        }
    }

    /// Whether something lies on a device that is not to be walked.
    fn is_elsewhere(&self, look: &Look) -> bool {
        self.device.is_some_and(|device| device != look.inode.dev)
    }

    /// Whether a directory lies in a file system that shows the kernel, and is not to be walked. Only links and mounts lead
    /// into one.
    fn is_in_kernfs(&self, look: &Look, dir: &OwnedFd) -> bool {
        self.listing.exclude_kernfs && (self.listing.follows_all() || look.is_mount) && is_kernfs(dir)
    }

    /// Whether a directory leads back to where it is in. Only links and mounts do.
    fn is_on_the_way(&self, look: &Look) -> bool {
        (self.listing.follows_all() || look.is_mount) && self.levels.contain(look.inode)
    }

    /// Opens a sub-directory, at the price of levels kept open if there are too many open files.
    fn open(&mut self, name: &CStr) -> io::Result<OwnedFd> {
        let follow = self.listing.follows_all();
        loop {
            let dir = self.levels.dir().ok_or(Errno::BADF)?;
            match if follow { open::to_read_behind(dir, name) } else { open::to_read(dir, name) } {
                Err(Errno::MFILE | Errno::NFILE) if self.levels.close_one() => {}
                opened => return opened,
            }
        }
    }

    fn is_cache(&mut self, dir: &OwnedFd) -> bool {
        loop {
            match is_cache(dir) {
                Err(_) if self.levels.close_one() => {}
                found => return found.unwrap_or(false),
            }
        }
    }

    /// Goes down to an open directory, and reads its entries.
    fn enter(&mut self, name: &CStr, place: usize, dir: OwnedFd, look: &Look, sink: &mut impl Sink) {
        let Some(told) = self.tell_directory(name, look, sink) else { return };
        let start = self.entries.end();
        let list = List { start, next: start, end: start, more: None };
        let level = Level { inode: look.inode, name: place, path: self.path.len(), list, told };
        if let Err(errno) = self.levels.push(level, dir) {
            return self.leave_unread(name, told, look, errno, sink);
        }
        if !told {
            self.below.add(&look.totals);
        }
        self.extend_path(name);
        self.read_on(sink);
    }

    fn read_on(&mut self, sink: &mut impl Sink) {
        let Some(mut list) = self.levels.last().map(|level| level.list) else { return };
        self.entries.truncate(list.start);
        (list.next, list.end) = (list.start, list.start);
        let read = self.levels.dir().ok_or(Errno::BADF).and_then(|dir| self.entries.read(dir, &mut list));
        if let Some(level) = self.levels.last_mut() {
            level.list = list;
        }
        if let Err(errno) = read {
            self.trouble((Failed::ReadDirectory, errno), c"", sink);
        }
    }

    /// Goes up a level.
    fn leave(&mut self, sink: &mut impl Sink) {
        let Some(&Level { list, told, path, .. }) = self.levels.last() else { return };
        if told {
            self.flush(sink);
            sink.tell(Event::Leave);
        }
        self.pop_to(self.levels.len() - 1, list.start, path, sink);
    }

    /// Goes up until there are so many levels, and such are their entries and their path.
    fn pop_to(&mut self, len: usize, entries: usize, path: usize, sink: &mut impl Sink) {
        let risen = self.levels.truncate(len, &self.entries);
        self.entries.truncate(entries);
        self.path.truncate(path);
        if let Err(errno) = risen {
            self.give_up(errno, sink);
        }
    }

    /// Gives up what is pending in the current directory, which cannot be reached any more.
    fn give_up(&mut self, errno: Errno, sink: &mut impl Sink) {
        if let Some(level) = self.levels.last_mut() {
            level.list.next = level.list.end;
            level.list.more = None;
        }
        self.trouble((Failed::ReadDirectory, errno), c"", sink);
    }

    /// Counts something with the current directory.
    fn count(&mut self, totals: &Totals) {
        if self.is_told() { &mut self.own } else { &mut self.below }.add(totals);
    }

    /// Whether the current directory has been told of; what is no directory's counts as such.
    fn is_told(&self) -> bool {
        self.levels.last().is_none_or(|level| level.told)
    }

    fn is_hidden(&self, name: &CStr) -> bool {
        self.listing.exclude_hidden && name.to_bytes().starts_with(b".")
    }

    fn is_excluded(&mut self, name: &CStr) -> bool {
        let len = self.path.len();
        self.extend_path(name);
        let excluded = self.listing.exclude.as_ref().is_some_and(|exclude| exclude(&self.path));
        self.path.truncate(len);
        excluded
    }

    fn extend_path(&mut self, name: &CStr) {
        if self.listing.exclude.is_some() {
            let slash: &[u8] = if self.path.last().is_some_and(|&last| last != b'/') { b"/" } else { b"" };
            // Without memory nothing more is excluded.
            let _ = self.path.extend(slash).and_then(|()| self.path.extend(name.to_bytes()));
        }
    }
}

/// Stands for the error of a link that leads to nothing, which has none.
pub(super) const DANGLES: u32 = 0;
