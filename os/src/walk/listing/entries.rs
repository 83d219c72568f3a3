//! The entries of the directories on the way down: a stack of lists, each read from its front.
//!
//! A list holds the names of a directory in the order in which they are to be met.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FileType, RawDir, SeekFrom, StatFs, fstatfs, seek};
use rustix::io::{self, Errno};

use super::super::open;
use crate::map_vec::MapVec;

/// Bytes of directory entries that one system call fetches.
const BATCH: usize = 32 * 1024;

/// Entries of one directory that are held at once.
const MOST: usize = 100_000;

/// Directories with more entries are read in the order of the inodes, which disks like better.
const SORTED: usize = 10_000;

/// Bytes of an entry before its name: its kind, and the length of the name with its end.
const HEAD: usize = 3;

/// Where a list starts, where its next entry is, and where it ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct List {
    pub(super) start: usize,
    pub(super) next: usize,
    pub(super) end: usize,
    /// Where in the directory those entries start that are not in the list yet.
    pub(super) more: Option<u64>,
}

/// An entry by its inode, and where it stands in the list.
type Rank = (u64, usize);

/// The lists.
pub(super) struct Entries {
    bytes: MapVec<u8>,
    /// Of the list that is being read.
    ranks: MapVec<Rank>,
    sorted: MapVec<u8>,
    batch: Box<[MaybeUninit<u8>]>,
}

impl Entries {
    pub(super) fn new() -> Self {
        let batch = Box::new_uninit_slice(BATCH);
        Self { bytes: MapVec::new(), ranks: MapVec::new(), sorted: MapVec::new(), batch }
    }

    /// Where the next list is to start.
    pub(super) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Takes away all lists that start there or higher.
    pub(super) fn truncate(&mut self, start: usize) {
        self.bytes.truncate(start);
    }

    /// The entry at a place of a list, and the place of the one after it.
    pub(super) fn at(&self, place: usize) -> (FileType, &CStr, usize) {
        let head = self.bytes.get(place..place + HEAD);
        let Some(&[kind, low, high]) = head else { return (FileType::Unknown, c"", self.end()) };
        let after = place + HEAD + usize::from(u16::from_ne_bytes([low, high]));
        let name = self.bytes.get(place + HEAD..after).and_then(|name| CStr::from_bytes_with_nul(name).ok());
        (kind_of(kind), name.unwrap_or_default(), after)
    }

    /// The place that cuts what is left of a list in halves; the first has the odd entry.
    pub(super) fn middle(&self, list: &List) -> usize {
        let half = list.next + list.end.saturating_sub(list.next) / 2;
        let mut place = list.next;
        while place < half {
            (_, _, place) = self.at(place);
        }
        place
    }

    /// Whether what a list holds from `place` on pays for a process of its own.
    pub(super) fn is_worth_a_process(&self, list: &List, mut place: usize) -> bool {
        let mut files = 0;
        while place < list.end {
            let (kind, _, after) = self.at(place);
            files += 1;
            if files > WORTH || matches!(kind, FileType::Directory | FileType::Unknown) {
                return true;
            }
            place = after;
        }
        list.more.is_some()
    }

    /// Reads entries of a directory behind those of its list, which must be the last one: all that there are, or as many
    /// as are held at once.
    pub(super) fn read(&mut self, dir: impl AsFd, list: &mut List) -> io::Result<()> {
        let fresh;
        let dir = match list.more.take() {
            None => dir.as_fd(),
            Some(offset) => {
                fresh = reopened(dir, offset)?;
                fresh.as_fd()
            }
        };
        self.ranks.truncate(0);
        let new = self.end();
        let mut result = self.append(dir, list);
        if self.ranks.len() > SORTED && fstatfs(dir).is_ok_and(|system| gains_by_order(&system)) {
            result = self.sort(new).and(result);
        }
        list.end = self.end();
        result
    }

    fn append(&mut self, dir: impl AsFd, list: &mut List) -> io::Result<()> {
        let mut batch = std::mem::take(&mut self.batch);
        let mut entries = RawDir::new(dir, &mut batch);
        let mut result = Ok(());
        while let Some(entry) = entries.next() {
            let taken = entry.and_then(|entry| {
                if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                    return Ok(None);
                }
                self.push(entry.file_type(), entry.file_name(), entry.ino())?;
                Ok((self.ranks.len() >= MOST).then_some(entry.next_entry_cookie()))
            });
            match taken {
                Ok(None) => {}
                Ok(more) => {
                    list.more = more;
                    break;
                }
                Err(errno) => {
                    result = Err(errno);
                    break;
                }
            }
        }
        drop(entries);
        self.batch = batch;
        result
    }

    /// Appends an entry to the last list.
    pub(super) fn push(&mut self, kind: FileType, name: &CStr, ino: u64) -> io::Result<()> {
        let name = name.to_bytes_with_nul();
        let [low, high] = u16::try_from(name.len()).map_err(|_| Errno::NAMETOOLONG)?.to_ne_bytes();
        let place = self.end();
        self.ranks.push((ino, place))?;
        self.bytes.extend(&[byte_of(kind), low, high])?;
        self.bytes.extend(name).inspect_err(|_| self.bytes.truncate(place))
    }

    /// Puts the entries from `start` on in the order of their inodes; those of one inode stay in theirs.
    fn sort(&mut self, start: usize) -> io::Result<()> {
        self.ranks.sort_unstable();
        self.sorted.truncate(0);
        for &(_, place) in &*self.ranks {
            let (_, _, after) = self.at(place);
            if let Some(entry) = self.bytes.get(place..after) {
                self.sorted.extend(entry)?;
            }
        }
        self.bytes.truncate(start);
        self.bytes.extend(&self.sorted)
    }
}

/// So many files are worth a process of their own.
const WORTH: usize = 256;

fn reopened(dir: impl AsFd, offset: u64) -> io::Result<OwnedFd> {
    let dir = open::to_read(dir, c".")?;
    seek(&dir, SeekFrom::Start(offset))?;
    Ok(dir)
}

/// Whether looking at files in the order of their inodes saves anything on a file system.
fn gains_by_order(system: &StatFs) -> bool {
    const TMPFS: u32 = 0x0102_1994;
    const NFS: u32 = 0x6969;
    !matches!(system.f_type as u32, TMPFS | NFS)
}

fn byte_of(kind: FileType) -> u8 {
    match kind {
        FileType::Directory => b'd',
        FileType::Symlink => b'l',
        FileType::Unknown => b'?',
        _ => b'f',
    }
}

fn kind_of(byte: u8) -> FileType {
    match byte {
        b'd' => FileType::Directory,
        b'l' => FileType::Symlink,
        b'f' => FileType::RegularFile,
        _ => FileType::Unknown,
    }
}
