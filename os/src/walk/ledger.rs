//! The parent's account: what the walks reported, each inode counted once.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString};
use std::io;

use super::census::Census;
use super::diagnostic::{Diagnostic, Trouble};
use super::inode::Inode;
use super::places::{Place, Places};
use super::record::{Failed, PlaceId, Record};
use super::sink::Sink;

/// The number of the parent among the workers.
pub(super) const PARENT: u32 = 0;

/// What one process is to walk: the sub-directory `name` of a place, or, if that is empty, of all its sub-directories
/// a part.
struct Task {
    place: Place,
    name: Box<CStr>,
}

/// A link to a directory.
pub(super) struct Link {
    pub(super) place: Place,
    pub(super) name: Box<CStr>,
    pub(super) directory: Inode,
}

/// A file with one name that a link leads to. Whether its directory counts it is known at the end only.
struct Loose {
    file: Inode,
    bytes: u64,
    home: Option<Inode>,
}

struct Note {
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
    /// What the workers' numbers of places mean.
    announced: HashMap<u32, Vec<Place>>,
    /// The parts that count of the directories that were read in parts.
    parts: HashMap<Inode, u32>,
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

    /// Notes what a process is to walk: the sub-directory `name` of `place`, or, if it is empty, a part of all of them.
    pub(super) fn open_task(&mut self, place: Place, name: &CStr) -> u32 {
        self.tasks.push(Task { place, name: name.into() });
        u32::try_from(self.tasks.len() - 1).expect("fewer than 2^32 sub-directories")
    }

    /// What records are to call a place.
    pub(super) fn announce(&mut self, place: Place) -> PlaceId {
        let places = self.announced.entry(PARENT).or_default();
        places.push(place);
        PlaceId { worker: PARENT, number: (places.len() - 1) as u32 }
    }

    /// Takes what a worker reports.
    pub(super) fn accept(&mut self, worker: u32, record: &Record<'_>) {
        match *record {
            Record::Directory { inode, bytes, read } => {
                if self.census.add_directory(inode, read) {
                    self.add(bytes);
                }
            }
            Record::Part { inode, bytes, parts } => {
                if self.census.add_directory(inode, true) {
                    self.parts.insert(inode, parts);
                }
                if self.parts.get(&inode) == Some(&parts) {
                    self.add(bytes);
                }
            }
            Record::Linked { inode, bytes } => self.count_file(inode, bytes),
            Record::Place { parent, inode, name } => {
                let parent = self.place(parent);
                let place = self.places.add(Some(parent), owned(name), false, inode);
                self.announced.entry(worker).or_default().push(place);
            }
            Record::Link { place, inode, name } => {
                let place = self.place(place);
                self.links.push(Link { place, name: owned(name), directory: inode });
            }
            Record::Loose { inode, bytes, home } => self.count_later(inode, bytes, home),
            Record::Trouble { place, failed, errno, name } => {
                let error = io::Error::from_raw_os_error(errno.cast_signed());
                let trouble = match failed {
                    Failed::Access => Trouble::Access(error),
                    Failed::ReadDirectory => Trouble::ReadDirectory(error),
                };
                let place = self.place(place);
                self.notes.push(Note { place, name: owned(name), trouble });
            }
            Record::End { .. } => {}
        }
    }

    /// Notes how a process ended before it had done its task.
    pub(super) fn note_lost(&mut self, task: u32, trouble: Trouble) {
        let Task { place, name } = &self.tasks[task as usize];
        let note = Note { place: *place, name: name.clone(), trouble };
        self.notes.push(note);
    }

    /// Notes trouble that the parent had with an entry of a place, or, if the name is empty, with the place.
    pub(super) fn note(&mut self, place: Place, name: &CStr, trouble: Trouble) {
        self.notes.push(Note { place, name: name.into(), trouble });
    }

    /// Counts a file or a link by itself.
    pub(super) fn count_file(&mut self, inode: Inode, bytes: u64) {
        if self.census.add_file(inode) {
            self.add(bytes);
        }
    }

    /// Leaves it to [`settle`](Self::settle) whether a file with one name counts.
    pub(super) fn count_later(&mut self, file: Inode, bytes: u64, home: Option<Inode>) {
        self.loose.push(Loose { file, bytes, home });
    }

    /// Counts the loose files that no counted directory holds, now that all directories are known.
    pub(super) fn settle(&mut self) {
        for Loose { file, bytes, home } in std::mem::take(&mut self.loose) {
            if !home.is_some_and(|home| self.census.has_entries_of(home)) {
                self.count_file(file, bytes);
                // A later operand may hold its directory.
                self.census.share(file);
            }
        }
    }

    /// Takes the links to directories that have not been counted, one for each, in an order that does not depend on
    /// which process came first.
    pub(super) fn take_links(&mut self) -> Vec<Link> {
        let mut links = std::mem::take(&mut self.links);
        links.retain(|link| !self.census.has_directory(link.directory));
        if links.len() > 1 {
            let ranks = self.places.ranks();
            links.sort_by(|one, other| {
                let by_place = ranks[one.place.index()].cmp(&ranks[other.place.index()]);
                by_place.then_with(|| one.name.cmp(&other.name))
            });
            let mut found = HashSet::new();
            links.retain(|link| found.insert(link.directory));
        }
        links
    }

    /// Puts back a link that is to be resolved again.
    pub(super) fn put_back(&mut self, link: Link) {
        self.links.push(link);
    }

    /// Takes all diagnostics, by directory and name, whichever process came first. What several processes say of one
    /// directory is said once.
    pub(super) fn take_diagnostics(&mut self) -> impl Iterator<Item = Diagnostic> {
        let mut notes = std::mem::take(&mut self.notes);
        let ranks = if notes.is_empty() { Vec::new() } else { self.places.ranks() };
        let rank = |note: &Note| ranks[note.place.index()];
        notes.sort_by(|one, other| {
            let by_place = rank(one).cmp(&rank(other)).then_with(|| one.name.cmp(&other.name));
            by_place.then_with(|| one.trouble.order().cmp(&other.trouble.order()))
        });
        notes.dedup_by(|one, other| {
            let same_trouble = one.trouble.is_of_directory() && one.trouble.order() == other.trouble.order();
            same_trouble && rank(one) == rank(other) && one.name == other.name
        });
        let places = &self.places;
        notes.into_iter().map(|Note { place, name, trouble }| Diagnostic {
            path: places.path(place, name.to_bytes()),
            trouble,
        })
    }

    fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// What records mean by a name.
    fn place(&self, id: PlaceId) -> Place {
        self.announced[&id.worker][id.number as usize]
    }
}

fn owned(name: &[u8]) -> Box<CStr> {
    CString::new(name).unwrap_or_default().into_boxed_c_str()
}

/// The parent's own sink: it walks too where there can be no child.
pub(super) struct Direct<'l>(pub(super) &'l mut Ledger);

impl Sink for Direct<'_> {
    fn census(&self) -> &Census {
        &self.0.census
    }

    fn put(&mut self, record: Record<'_>) {
        self.0.accept(PARENT, &record);
    }

    fn announce(&mut self, parent: PlaceId, inode: Inode, name: &CStr) -> PlaceId {
        let parent = self.0.place(parent);
        let place = self.0.places.add(Some(parent), name.into(), false, inode);
        self.0.announce(place)
    }
}
