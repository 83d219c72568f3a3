//! Reading one directory: which entries count with it, which by themselves, which are to be visited.
//!
//! Only the names of sub-directories are kept: a directory may hold any number of plain files.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

use super::inode::Facts;
use super::levels::Levels;
use super::names::Names;
use super::record::{Failed, Record};
use super::sink::Sink;

/// Reads a directory, the current level.
pub(super) struct Reader<'t, S> {
    pub(super) levels: &'t mut Levels,
    pub(super) names: &'t mut Names,
    pub(super) sink: &'t mut S,
    /// No file counts with the directory.
    pub(super) scattered: bool,
}

impl<S: Sink> Reader<'_, S> {
    /// Takes in all entries; says how many bytes those have that count with their directory.
    pub(super) fn read(&mut self, dir: BorrowedFd<'_>, batch: &mut [MaybeUninit<u8>]) -> u64 {
        let mut bytes = 0u64;
        let mut entries = RawDir::new(dir, batch);
        while let Some(entry) = entries.next() {
            match entry {
                Ok(entry) if is_dot(entry.file_name()) => {}
                Ok(entry) => {
                    let more = self.take(dir, entry.file_name(), entry.file_type());
                    bytes = bytes.saturating_add(more);
                }
                Err(errno) => {
                    self.report(Failed::ReadDirectory, errno, c"");
                    break;
                }
            }
        }
        bytes
    }

    /// Takes in one entry; says how many bytes of it count with its directory.
    fn take(&mut self, dir: BorrowedFd<'_>, name: &CStr, kind: FileType) -> u64 {
        match kind {
            FileType::Directory => self.take_directory(name),
            FileType::Symlink => self.take_link(name),
            _ => match Facts::of_entry(dir, name) {
                Ok(facts) if facts.kind == FileType::Directory => self.take_directory(name),
                Ok(facts) if facts.kind == FileType::Symlink => self.take_link(name),
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

    fn take_link(&mut self, name: &CStr) {
        let place = self.levels.place(self.names, self.sink);
        self.sink.put(Record::Link { place, name: name.to_bytes() });
    }

    fn take_file(&mut self, facts: &Facts) -> u64 {
        if !self.scattered && !self.sink.census().counts_apart(facts) {
            return facts.bytes;
        }
        self.sink.put(Record::Linked { inode: facts.inode, bytes: facts.bytes });
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
