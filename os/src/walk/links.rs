//! Where a link leads, and in which directory the file lies that it leads to.

use std::ffi::{CStr, CString};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, openat, readlinkat};
use rustix::io::{self, Errno};

use super::inode::{Facts, Inode};

/// How many links in a row the kernel follows.
const MOST_LINKS: usize = 40;

/// What a name leads to.
#[derive(Debug)]
pub(super) enum Target {
    Directory(Facts),
    /// Anything else that is not a link.
    File(Facts),
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

/// The directory that holds the name by which `path`, seen from `dir`, leads to `file`, which is not a directory.
///
/// `None` if that cannot be said: the links of `/proc` lead to files that no name leads to, and names change.
pub(super) fn home(dir: impl AsFd, path: &CStr, file: Inode) -> Option<Inode> {
    home_after_links(dir, path, file).ok().flatten()
}

fn home_after_links(dir: impl AsFd, path: &CStr, file: Inode) -> io::Result<Option<Inode>> {
    let mut path = path.to_owned();
    let mut at: Option<OwnedFd> = None;
    for _ in 0..=MOST_LINKS {
        let (way, last) = split(&path);
        let from = at.as_ref().map_or(dir.as_fd(), OwnedFd::as_fd);
        let parent = openat(from, &*way, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let facts = Facts::of_entry(&parent, &last)?;
        if facts.kind != FileType::Symlink {
            return if facts.inode == file { Ok(Some(Facts::of(&parent)?.inode)) } else { Ok(None) };
        }
        path = readlinkat(&parent, &*last, Vec::new())?;
        at = Some(parent);
    }
    Ok(None)
}

/// Cuts a path before its last component.
fn split(path: &CStr) -> (CString, CString) {
    let bytes = path.to_bytes();
    let cut = bytes.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let (way, last) = bytes.split_at(cut);
    (owned(if way.is_empty() { b"." } else { way }), owned(last))
}

/// A part of a C string has no NUL within.
fn owned(part: &[u8]) -> CString {
    CString::new(part).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_before_its_last_component() {
        let cut = |path| {
            let (way, last) = split(path);
            format!("{} {}", way.to_str().unwrap(), last.to_str().unwrap())
        };
        assert_eq!(cut(c"a"), ". a");
        assert_eq!(cut(c"/a"), "/ a");
        assert_eq!(cut(c"../a//b"), "../a// b");
        assert_eq!(cut(c"a/"), "a/ ");
    }
}
