//! From what a walk tells, in order, to what is listed: a line per directory, once all that is in it is known.

use std::ops::ControlFlow;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::{ffi::OsString, io};

use super::super::census::Inodes;
use super::super::diagnostic::{Diagnostic, Trouble};
use super::super::inode::Inode;
use super::super::record::Failed;
use super::event::Event;
use super::origin::Origin;
use super::totals::Totals;
use super::tree::{DANGLES, Sink};
use super::{Entry, Listener, Listing};

/// A directory that the walk is in.
struct Level {
    /// If that was told.
    inode: Option<Inode>,
    origin: Option<Origin>,
    own: Totals,
    below: Totals,
    /// How long the path is without it.
    path: usize,
}

/// What has been told of one operand.
pub(super) struct Fold<'a> {
    listing: Rc<Listing>,
    met: &'a mut Inodes,
    total: &'a mut Totals,
    listener: &'a mut dyn Listener,
    levels: Vec<Level>,
    path: Vec<u8>,
    /// How many levels deep the walk is in a directory that has been met.
    skipping: usize,
    /// The listener wants no more.
    pub(super) broken: bool,
}

impl<'a> Fold<'a> {
    pub(super) fn new(
        listing: Rc<Listing>,
        met: &'a mut Inodes,
        total: &'a mut Totals,
        listener: &'a mut dyn Listener,
    ) -> Self {
        let (levels, path) = (Vec::new(), Vec::new());
        Self { listing, met, total, listener, levels, path, skipping: 0, broken: false }
    }

    /// Takes what is told by a walk that cannot know what has been met.
    pub(super) fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Enter { .. } if self.skipping > 0 => self.skipping += 1,
            Event::Leave if self.skipping > 0 => self.skipping -= 1,
            _ if self.skipping > 0 => {}
            Event::Enter { .. } => self.skipping += usize::from(!self.tell(event)),
            _ => _ = self.tell(event),
        }
    }

    /// Leaves directories until it is so deep.
    pub(super) fn rise_to(&mut self, depth: usize) {
        while self.skipping + self.levels.len() > depth {
            self.take(Event::Leave);
        }
    }

    /// Whether the walk is in a directory that has been met.
    pub(super) fn is_skipping(&self) -> bool {
        self.skipping > 0
    }

    /// The path of the current directory.
    pub(super) fn path(&self) -> &[u8] {
        &self.path
    }

    /// How many directories the walk is in.
    pub(super) fn depth(&self) -> usize {
        self.levels.len()
    }

    /// What the current directory is, if that was told.
    pub(super) fn inode(&self) -> Option<Inode> {
        self.levels.last().and_then(|level| level.inode)
    }

    /// There is no more to be told for now.
    pub(super) fn pause(&mut self) {
        if !self.broken {
            self.broken = self.listener.pause() == ControlFlow::Break(());
        }
    }

    /// The bytes counted so far.
    pub(super) fn bytes(&self) -> u64 {
        self.total.size
    }

    /// Which inodes have been met.
    pub(super) fn met(&self) -> &Inodes {
        self.met
    }

    /// Says what is amiss with an entry of the current directory, or, if the name is empty, with that directory.
    pub(super) fn complain(&mut self, name: &[u8], trouble: Trouble) {
        if self.broken {
            return;
        }
        let len = self.extend_path(name);
        let path = PathBuf::from(OsString::from_vec(self.path.clone()));
        self.path.truncate(len);
        self.listener.diagnostic(Diagnostic { path, trouble });
    }

    fn enter(&mut self, name: &[u8], inode: Option<Inode>, origin: Option<Origin>, totals: Totals) {
        let path = self.extend_path(name);
        let depth = self.levels.len();
        self.levels.push(Level { inode, origin, own: totals, below: Totals::NONE, path });
        self.total.add(&totals);
        if depth <= self.listing.depth && !self.broken {
            let entry = Entry { path: &self.path, depth, totals, is_directory: true, origin };
            self.broken = self.listener.enter(&entry) == ControlFlow::Break(());
        }
    }

    fn leave(&mut self) {
        let Some(Level { origin, own, below, path, .. }) = self.levels.pop() else { return };
        let mut all = own;
        all.add(&below);
        if let Some(above) = self.levels.last_mut() {
            above.below.add(&all);
        }
        self.list(if self.listing.separate { own } else { all }, true, origin);
        self.path.truncate(path);
    }

    fn file(&mut self, name: &[u8], below: bool, origin: Option<Origin>, totals: Totals) {
        self.sum(below, &totals);
        if !name.is_empty() {
            let len = self.extend_path(name);
            self.list(totals, false, origin);
            self.path.truncate(len);
        }
    }

    fn sum(&mut self, below: bool, totals: &Totals) {
        self.total.add(totals);
        if let Some(level) = self.levels.last_mut() {
            if below { &mut level.below } else { &mut level.own }.add(totals);
        }
    }

    /// Lists what the path is.
    fn list(&mut self, totals: Totals, is_directory: bool, origin: Option<Origin>) {
        let depth = self.levels.len();
        if depth <= self.listing.depth && !self.broken {
            let entry = Entry { path: &self.path, depth, totals, is_directory, origin };
            self.broken = self.listener.entry(&entry) == ControlFlow::Break(());
        }
    }

    /// Adds a name to the path, and says how long that was.
    fn extend_path(&mut self, name: &[u8]) -> usize {
        let len = self.path.len();
        if !name.is_empty() {
            if self.path.last().is_some_and(|&last| last != b'/') {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name);
        }
        len
    }
}

impl Sink for Fold<'_> {
    fn tell(&mut self, event: Event<'_>) -> bool {
        match event {
            Event::Enter { inode: Some(inode), .. } | Event::File { inode: Some(inode), .. }
                if !self.met.insert(inode) =>
            {
                return false;
            }
            Event::Enter { name, inode, origin, totals } => self.enter(name, inode, origin, totals),
            Event::Leave => self.leave(),
            Event::File { name, below, origin, totals, .. } => self.file(name, below, origin, totals),
            Event::Sum { below, totals } => self.sum(below, &totals),
            Event::Trouble { failed, errno, name } => self.complain(name, trouble(failed, errno)),
            Event::Linked { .. } | Event::Fork { .. } => {}
        }
        true
    }
}

fn trouble(failed: Failed, errno: u32) -> Trouble {
    let error = io::Error::from_raw_os_error(errno.cast_signed());
    match failed {
        Failed::Access if errno == DANGLES => Trouble::Dangles,
        Failed::Access => Trouble::Access(error),
        Failed::ReadDirectory => Trouble::ReadDirectory(error),
    }
}
