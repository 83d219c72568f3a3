//! Reading one directory, a batch of entries at a time: which entries count with it, which by themselves, which are to
//! be visited.
//!
//! Only the names of sub-directories are kept: a directory may hold any number of plain files.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

use super::inode::{Facts, Inode};
use super::levels::Levels;
use super::links::{self, Follower, Target};
use super::names::Names;
use super::record::{Failed, Record};
use super::sink::Sink;

/// Bytes of directory entries that one system call fetches: who reads along takes so many at least.
pub(super) const BATCH: usize = 8 * 1024;

/// Bytes of an entry without its name and of its padding, at most.
const ENTRY: usize = 19 + 8;

/// Bytes of entries in as many of which it pays to have others read along,
const LONG: usize = 32 * 1024;
/// of which each link counts as so many, as it takes so much longer.
const LINK: usize = 8;

/// How many batches make a directory long even if they are small, as those of servers are.
const MANY: u32 = 4;

/// A directory, the current level, that has not been read to its end.
pub(super) struct Reading {
    dir: OwnedFd,
    /// Of the directory itself, and of the entries up to now that count with it.
    bytes: u64,
    /// No file counts with the directory.
    scattered: bool,
    /// The number by which those know each other that read it together.
    parts: Option<u32>,
    /// Batches up to now.
    batches: u32,
    /// Bytes of entries up to now, those of links many times.
    work: usize,
    /// The last batch was as large as a batch can be, or there have been many: there is most likely another.
    goes_on: bool,
}

impl Reading {
    /// Starts on a directory.
    pub(super) fn new(dir: OwnedFd, facts: &Facts, sink: &impl Sink) -> Self {
        let scattered = sink.census().is_scattered(facts.inode);
        Self { dir, bytes: facts.bytes, scattered, parts: None, batches: 0, work: 0, goes_on: false }
    }

    /// Takes in a batch of entries; false if that was the last one.
    pub(super) fn read_on(
        &mut self,
        batch: &mut [MaybeUninit<u8>],
        follower: &mut Follower,
        levels: &mut Levels,
        names: &mut Names,
        sink: &mut impl Sink,
    ) -> bool {
        let room = batch.len();
        let mut reader = Reader { follower, levels, names, sink, scattered: self.scattered };
        let read = reader.read(self.dir.as_fd(), batch);
        self.bytes = self.bytes.saturating_add(read.bytes);
        self.batches = self.batches.saturating_add(1);
        self.work = self.work.saturating_add(read.work);
        let is_full = read.filled + ENTRY + 255 >= room;
        self.goes_on = !read.is_last && (is_full && self.work >= LONG || self.batches >= MANY);
        !read.is_last
    }

    /// Whether it is worth while to have others read along.
    pub(super) fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// From now on others, who hold the same open directory, read the rest of it too; the kernel gives each batch to
    /// one of them. They know each other by the number `parts`, unless they have one already.
    pub(super) fn share(&mut self, parts: u32) {
        self.parts.get_or_insert(parts);
    }

    /// The same in one of the others, who has not read any of it yet.
    pub(super) fn start_part(&mut self, parts: u32) {
        self.share(parts);
        self.bytes = 0;
    }

    /// Leaves the rest to somebody else.
    pub(super) fn leave(self) -> OwnedFd {
        self.dir
    }

    /// What has been read, as a record, and the directory.
    pub(super) fn finish(self, levels: &Levels) -> (Record<'static>, OwnedFd) {
        let (inode, bytes) = (levels.inode(), self.bytes);
        let record = match self.parts {
            None => Record::Directory { inode, bytes, read: true },
            Some(parts) => Record::Part { inode, bytes, parts },
        };
        (record, self.dir)
    }
}

/// What a batch of entries had.
#[derive(Default)]
struct Batch {
    /// Of those that count with their directory.
    bytes: u64,
    /// Bytes of the entries themselves, and the same, of links many times.
    filled: usize,
    work: usize,
    is_last: bool,
}

impl Batch {
    fn count(&mut self, entry: usize, kind: FileType) {
        self.filled += entry;
        self.work += if kind == FileType::Symlink { LINK * entry } else { entry };
    }
}

/// Takes in entries of the current level.
struct Reader<'t, S> {
    follower: &'t mut Follower,
    levels: &'t mut Levels,
    names: &'t mut Names,
    sink: &'t mut S,
    scattered: bool,
}

impl<S: Sink> Reader<'_, S> {
    /// Takes in a batch of entries.
    fn read(&mut self, dir: BorrowedFd<'_>, batch: &mut [MaybeUninit<u8>]) -> Batch {
        let mut read = Batch::default();
        let mut entries = RawDir::new(dir, batch);
        loop {
            match entries.next() {
                None => return Batch { is_last: true, ..read },
                Some(Err(errno)) => {
                    self.report(Failed::ReadDirectory, errno, c"");
                    return Batch { is_last: true, ..read };
                }
                Some(Ok(entry)) => {
                    let (name, kind) = (entry.file_name(), entry.file_type());
                    read.count(ENTRY + name.count_bytes(), kind);
                    if !is_dot(name) {
                        read.bytes = read.bytes.saturating_add(self.take(dir, name, kind));
                    }
                }
            }
            if entries.is_buffer_empty() {
                return read;
            }
        }
    }

    /// Takes in one entry; says how many bytes of it count with its directory.
    fn take(&mut self, dir: BorrowedFd<'_>, name: &CStr, kind: FileType) -> u64 {
        match kind {
            FileType::Directory => self.take_directory(name),
            FileType::Symlink => self.take_link(dir, name),
            _ => match Facts::of_entry(dir, name) {
                Ok(facts) if facts.kind == FileType::Directory => self.take_directory(name),
                Ok(facts) if facts.kind == FileType::Symlink => self.take_link(dir, name),
                Ok(facts) => return self.take_file(&facts),
                Err(errno) => self.report(Failed::Access, errno, name),
            },
        }
        0
    }

    fn take_directory(&mut self, name: &CStr) {
        if let Err(errno) = self.names.push(name) {
            self.report(Failed::ReadDirectory, errno, name);
        }
    }

    /// Takes in a link: what it leads to counts, unless the walks meet that by themselves.
    fn take_link(&mut self, dir: BorrowedFd<'_>, name: &CStr) {
        match self.follower.follow(dir, self.levels.inode(), name) {
            Target::Directory(facts) if self.sink.census().was_walked(facts.inode) => {}
            Target::Directory(facts) => {
                let place = self.levels.place(self.names, self.sink);
                self.sink.put(Record::Link { place, inode: facts.inode, name: name.to_bytes() });
            }
            Target::File(file) if self.sink.census().counts_apart(&file) => self.take_apart(&file),
            Target::File(file) => self.take_far(dir, name, &file),
            Target::Nothing(link) => self.take_apart(&link),
            Target::Unknown(errno) => self.report(Failed::Access, errno, name),
        }
    }

    /// Takes in a file with one name that the link `name` leads to, at the price of levels kept open if there are too many
    /// open files.
    fn take_far(&mut self, dir: BorrowedFd<'_>, name: &CStr, file: &Facts) {
        if let Some(home) = self.follower.home(dir, self.levels.inode(), file.inode) {
            return self.take_loose(file, Some(home));
        }
        loop {
            match links::home(dir, name, file.inode) {
                Ok(home) => return self.take_loose(file, home),
                Err(_) if self.levels.close_one() => {}
                // It may count with its directory: better not at all than twice.
                Err(errno) => return self.report(Failed::Access, errno, name),
            }
        }
    }

    /// Takes in a file with one name that a link leads to.
    fn take_loose(&mut self, file: &Facts, home: Option<Inode>) {
        // Most links lead to a neighbour, which counts with this directory.
        if home != Some(self.levels.inode()) || self.scattered {
            self.sink.put(Record::Loose { inode: file.inode, bytes: file.bytes, home });
        }
    }

    fn take_apart(&mut self, file: &Facts) {
        self.sink.put(Record::Linked { inode: file.inode, bytes: file.bytes });
    }

    fn take_file(&mut self, facts: &Facts) -> u64 {
        if !self.scattered && !self.sink.census().counts_apart(facts) {
            return facts.bytes;
        }
        self.take_apart(facts);
        0
    }

    fn report(&mut self, failed: Failed, errno: Errno, name: &CStr) {
        report(self.levels, self.names, self.sink, (failed, errno), name);
    }
}

/// Reports that the entry `name` of the current directory (if empty: that directory) could not be read; not if it has
/// vanished, for then there is nothing to count.
pub(super) fn report(
    levels: &mut Levels,
    names: &Names,
    sink: &mut impl Sink,
    (failed, errno): (Failed, Errno),
    name: &CStr,
) {
    if errno != Errno::NOENT {
        let place = levels.place(names, sink);
        let errno = errno.raw_os_error().unsigned_abs();
        sink.put(Record::Trouble { place, failed, errno, name: name.to_bytes() });
    }
}

fn is_dot(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}
