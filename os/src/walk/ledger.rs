//! The parent's account: what the walks reported, each inode counted once.

use std::ffi::{CStr, CString};
use std::io;

use super::census::Census;
use super::diagnostic::{Diagnostic, Trouble};
use super::inode::{Facts, Inode};
use super::places::{Place, Places};
use super::record::{Failed, Record};
use super::sink::Sink;

/// How a process ended that did not report its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Killed(i32),
    Exited(i32),
    /// Somebody else has waited for it.
    Unknown,
}

/// A sub-directory that one process walks, or a directory that the parent reads.
struct Task {
    /// What the places 0, 1, 2... in the task's records are.
    places: Vec<Place>,
    /// The sub-directory in the first of the places; empty: that place itself.
    name: Box<CStr>,
}

/// A link that has not been resolved yet.
pub(super) struct Link {
    task: u32,
    pub(super) place: Place,
    pub(super) name: Box<CStr>,
}

/// A file with one name that a link leads to. Whether its directory counts it is known at the end only.
pub(super) struct Loose {
    pub(super) file: Facts,
    pub(super) home: Option<Inode>,
}

struct Note {
    task: u32,
    place: Place,
    name: Box<CStr>,
    trouble: Trouble,
}

/// What has been counted for the current operand, and over all operands.
#[derive(Default)]
pub(super) struct Ledger {
    census: Census,
    bytes: u64,
    pub(super) places: Places,
    tasks: Vec<Task>,
    links: Vec<Link>,
    loose: Vec<Loose>,
    notes: Vec<Note>,
}

impl Ledger {
    pub(super) fn census(&self) -> &Census {
        &self.census
    }

    pub(super) fn census_mut(&mut self) -> &mut Census {
        &mut self.census
    }

    /// Starts on an operand: forgets all but the census.
    pub(super) fn start_operand(&mut self) {
        let census = std::mem::take(&mut self.census);
        *self = Self { census, ..Self::default() };
    }

    /// The bytes counted for this operand.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Opens a task: the walk of the sub-directory `name` of `place`, or, if it is empty, the reading of `place`.
    pub(super) fn open_task(&mut self, place: Place, name: &CStr) -> u32 {
        self.tasks.push(Task { places: vec![place], name: name.into() });
        u32::try_from(self.tasks.len() - 1).expect("fewer than 2^32 sub-directories")
    }

    /// Takes what a task reports.
    pub(super) fn accept(&mut self, task: u32, record: &Record<'_>) {
        match *record {
            Record::Directory { inode, bytes, read } => {
                if self.census.add_directory(inode, read) {
                    self.add(bytes);
                }
            }
            Record::Linked { inode, bytes } => self.count_file(inode, bytes),
            Record::Place { parent, inode, name, .. } => {
                let parent = self.place(task, parent);
                let place = self.places.add(Some(parent), owned(name), false, inode);
                self.tasks[task as usize].places.push(place);
            }
            Record::Link { place, name } => {
                let place = self.place(task, place);
                self.links.push(Link { task, place, name: owned(name) });
            }
            Record::Trouble { place, failed, errno, name } => {
                let error = io::Error::from_raw_os_error(errno.cast_signed());
                let trouble = match failed {
                    Failed::Access => Trouble::Access(error),
                    Failed::ReadDirectory => Trouble::ReadDirectory(error),
                };
                let place = self.place(task, place);
                self.notes.push(Note { task, place, name: owned(name), trouble });
            }
            Record::End => {}
        }
    }

    /// Notes that a task's process ended before its task.
    pub(super) fn lose(&mut self, task: u32, fate: Fate) {
        let trouble = match fate {
            Fate::Killed(signal) => Trouble::Killed(signal),
            Fate::Exited(status) => Trouble::Ended(Some(status)),
            Fate::Unknown => Trouble::Ended(None),
        };
        let Task { places, name } = &self.tasks[task as usize];
        let note = Note { task, place: places[0], name: name.clone(), trouble };
        self.notes.push(note);
    }

    /// Notes trouble that the parent had with an entry of a place, or, if the name is empty, with the place.
    pub(super) fn note(&mut self, place: Place, name: &CStr, trouble: Trouble) {
        let task = u32::MAX; // After those of the walks.
        self.notes.push(Note { task, place, name: name.into(), trouble });
    }

    /// Counts a file or a link by itself.
    pub(super) fn count_file(&mut self, inode: Inode, bytes: u64) {
        if self.census.add_file(inode) {
            self.add(bytes);
        }
    }

    /// Leaves it to [`settle`](Self::settle) whether a file with one name counts.
    pub(super) fn count_later(&mut self, loose: Loose) {
        self.loose.push(loose);
    }

    /// Counts the loose files that no counted directory holds, now that all directories are known.
    pub(super) fn settle(&mut self) {
        for Loose { file, home } in std::mem::take(&mut self.loose) {
            if !home.is_some_and(|home| self.census.has_entries_of(home)) {
                self.count_file(file.inode, file.bytes);
                // A later operand may hold its directory.
                self.census.share(file.inode);
            }
        }
    }

    /// Takes all links, in an order that does not depend on which process came first.
    pub(super) fn take_links(&mut self) -> Vec<Link> {
        let mut links = std::mem::take(&mut self.links);
        links.sort_by_key(|link| link.task);
        links
    }

    /// Puts back a link that is to be resolved again.
    pub(super) fn put_back(&mut self, link: Link) {
        self.links.push(link);
    }

    /// Takes all diagnostics, in an order that does not depend on which process came first.
    pub(super) fn take_diagnostics(&mut self) -> impl Iterator<Item = Diagnostic> {
        let mut notes = std::mem::take(&mut self.notes);
        notes.sort_by_key(|note| note.task);
        let places = &self.places;
        notes.into_iter().map(|Note { place, name, trouble, .. }| Diagnostic {
            path: places.path(place, name.to_bytes()),
            trouble,
        })
    }

    fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// What a task means by a number.
    fn place(&self, task: u32, number: u32) -> Place {
        self.tasks[task as usize].places[number as usize]
    }
}

fn owned(name: &[u8]) -> Box<CStr> {
    CString::new(name).unwrap_or_default().into_boxed_c_str()
}

/// The parent's own sink: it walks too where there can be no child.
pub(super) struct Direct<'l> {
    pub(super) ledger: &'l mut Ledger,
    pub(super) task: u32,
}

impl Sink for Direct<'_> {
    fn census(&self) -> &Census {
        &self.ledger.census
    }

    fn put(&mut self, record: Record<'_>) {
        self.ledger.accept(self.task, &record);
    }
}
