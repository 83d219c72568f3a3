//! Where a link leads, and in which directory the file lies that it leads to.
//!
//! A walk asks this too, so nothing here allocates.

use std::ffi::CStr;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, readlinkat_raw};
use rustix::io::{self, Errno};

use super::inode::{Facts, Inode};
use super::open;

/// How many links in a row the kernel follows.
const MOST_LINKS: usize = 40;

/// What a name leads to.
#[derive(Debug)]
pub(super) enum Target {
    Directory(Facts),
    /// Anything else that is not a link.
    File(Facts),
    /// Such a thing in the directory that holds the link.
    Neighbour(Facts),
    /// Nothing: these are the facts about the link itself.
    Nothing(Facts),
    /// It cannot be said.
    Unknown(Errno),
}

/// Follows `name` in `dir`, which need not be a link.
pub(super) fn follow(dir: impl AsFd, name: &CStr) -> Target {
    match Facts::of_target(&dir, name) {
        Ok(facts) if facts.kind == FileType::Directory => Target::Directory(facts),
        Ok(facts) => Target::File(facts),
        Err(errno @ (Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NAMETOOLONG)) => {
            match Facts::of_entry(&dir, name) {
                Ok(facts) if facts.kind == FileType::Symlink => Target::Nothing(facts),
                Ok(_) => Target::Unknown(errno),
                Err(errno) => Target::Unknown(errno),
            }
        }
        Err(errno) => Target::Unknown(errno),
    }
}

/// Follows the link `name` in `dir`. As [`follow`], but cheaper for the most frequent links, those to a neighbour.
pub(super) fn follow_link(dir: BorrowedFd<'_>, name: &CStr) -> Target {
    neighbour(dir, name).unwrap_or_else(|| follow(dir, name))
}

/// What a link leads to if that is an entry of its own directory, and not a link.
fn neighbour(dir: BorrowedFd<'_>, name: &CStr) -> Option<Target> {
    let mut path = Path::read_link(dir, name).ok()?;
    let (way, last) = path.split();
    if !way.is_empty() {
        return None;
    }
    let facts = Facts::of_entry(dir, last).ok()?;
    match facts.kind {
        FileType::Symlink => None,
        FileType::Directory => Some(Target::Directory(facts)),
        _ => Some(Target::Neighbour(facts)),
    }
}

/// The directory that holds the name by which `path`, seen from `dir`, leads to `file`, which is not a directory.
///
/// `None` if that cannot be said: the links of `/proc` lead to files that no name leads to, and names change.
///
/// # Errors
///
/// `EMFILE` and `ENFILE`: with fewer open files it can be said.
pub(super) fn home(dir: BorrowedFd<'_>, path: &CStr, file: Inode) -> io::Result<Option<Inode>> {
    if let Some(home) = home_after_a_link(dir, path, file) {
        return Ok(Some(home));
    }
    match home_after_links(dir, path, file) {
        Err(errno @ (Errno::MFILE | Errno::NFILE)) => Err(errno),
        home => Ok(home.ok().flatten()),
    }
}

/// As [`home`], where `path` is a link, and what it leads to is not: without opening anything.
fn home_after_a_link(dir: BorrowedFd<'_>, path: &CStr, file: Inode) -> Option<Inode> {
    let mut target = Path::read_link(dir, path).ok()?;
    if path.to_bytes().contains(&b'/') || Facts::of_entry(dir, target.whole()).ok()?.inode != file {
        return None;
    }
    let (way, _) = target.split();
    Some(Facts::of_target(dir, if way.is_empty() { c"." } else { way }).ok()?.inode)
}

fn home_after_links(dir: BorrowedFd<'_>, path: &CStr, file: Inode) -> io::Result<Option<Inode>> {
    let mut path = Path::new(path)?;
    let mut at: Option<OwnedFd> = None;
    for _ in 0..=MOST_LINKS {
        let (way, last) = path.split();
        let from = at.as_ref().map_or(dir, OwnedFd::as_fd);
        let parent = if way.is_empty() { None } else { Some(open::to_start_behind(from, way)?) };
        let holder = parent.as_ref().map_or(from, OwnedFd::as_fd);
        let facts = Facts::of_entry(holder, last)?;
        if facts.kind != FileType::Symlink {
            let found = facts.inode == file;
            return if found { Ok(Some(Facts::of(holder)?.inode)) } else { Ok(None) };
        }
        path = Path::read_link(holder, last)?;
        at = parent.or(at);
    }
    Ok(None)
}

/// Bytes of the longest path that a system call takes, its end included.
const PATH_MAX: usize = 4096;

/// A path that is to be cut.
struct Path {
    bytes: [u8; PATH_MAX],
    len: usize,
}

impl Path {
    fn new(path: &CStr) -> io::Result<Self> {
        let mut new = Self { bytes: [0; PATH_MAX], len: path.count_bytes() };
        let bytes = new.bytes.get_mut(..new.len + 1).ok_or(Errno::NAMETOOLONG)?;
        bytes.copy_from_slice(path.to_bytes_with_nul());
        Ok(new)
    }

    fn read_link(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<Self> {
        let mut new = Self { bytes: [0; PATH_MAX], len: 0 };
        new.len = readlinkat_raw(dir, name, &mut new.bytes[..PATH_MAX - 1])?;
        Ok(new)
    }

    fn whole(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }

    /// Cuts it before its last component: the way there, which is empty if there is but one component, and that.
    fn split(&mut self) -> (&CStr, &CStr) {
        let slash = self.bytes[..self.len].iter().rposition(|&byte| byte == b'/');
        let (way, last) = match slash {
            None => (None, self.bytes.as_slice()),
            Some(0) => (Some(c"/"), &self.bytes[1..]),
            Some(slash) => {
                self.bytes[slash] = 0;
                let (way, last) = self.bytes.split_at(slash + 1);
                (CStr::from_bytes_until_nul(way).ok(), last)
            }
        };
        (way.unwrap_or_default(), CStr::from_bytes_until_nul(last).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;

    #[test]
    fn a_path_is_cut_before_its_last_component() {
        let cut = |path| {
            let mut path = Path::new(path).unwrap();
            let (way, last) = path.split();
            format!("{} {}", way.to_str().unwrap(), last.to_str().unwrap())
        };
        assert_eq!(cut(c"a"), " a");
        assert_eq!(cut(c"/a"), "/ a");
        assert_eq!(cut(c"../a//b"), "../a/ b");
        assert_eq!(cut(c"a/"), "a ");
        let path = |len| CString::new(vec![b'x'; len]).unwrap();
        assert!(Path::new(&path(PATH_MAX)).is_err() && Path::new(&path(PATH_MAX - 1)).is_ok());
    }
}
