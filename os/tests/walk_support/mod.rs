//! Trees to walk, and a second count that shares nothing with the walker: it follows every name with `stat`, in one
//! process, and keeps every inode in one set.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use memalloc_os::walk::{Config, Diagnostic, Forks, Walker};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

/// A temporary directory, removed whatever its depth.
pub(crate) struct Tree(PathBuf);

impl Tree {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("walk-").tempdir().unwrap().keep())
    }

    pub(crate) fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn dir(&self, name: impl AsRef<Path>) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// A file of that size, with the directories above it.
    pub(crate) fn file(&self, name: impl AsRef<Path>, bytes: u64) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path).unwrap().set_len(bytes).unwrap();
    }

    pub(crate) fn link(&self, name: impl AsRef<Path>, target: impl AsRef<Path>) {
        symlink(target, self.at(name)).unwrap();
    }

    /// Another name for a file.
    pub(crate) fn hard_link(&self, name: impl AsRef<Path>, file: impl AsRef<Path>) {
        let flags = AtFlags::empty();
        rustix::fs::linkat(CWD, self.at(file), CWD, self.at(name), flags).unwrap();
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // The standard library keeps a level open per level.
        let _ = Command::new("rm").arg("-rf").arg(&self.0).status();
    }
}

/// A walker of so many jobs, whose children share their work whenever they can.
pub(crate) fn walker(jobs: usize) -> Walker {
    let mut config = Config::default();
    config.jobs = NonZeroUsize::new(jobs);
    config.quantum = Duration::ZERO;
    Walker::new(config)
}

/// What the walker says of each operand, and what it complains about.
pub(crate) fn walk(jobs: usize, operands: &[&Path]) -> (Vec<Option<u64>>, Vec<Diagnostic>) {
    walk_with(walker(jobs), operands)
}

fn walk_with(mut walker: Walker, operands: &[&Path]) -> (Vec<Option<u64>>, Vec<Diagnostic>) {
    let mut complaints = Vec::new();
    let sums =
        operands.iter().map(|operand| walker.measure(operand, &mut |it| complaints.push(it))).collect();
    (sums, complaints)
}

fn a_fork_for_each() -> Walker {
    let mut config = Config::default();
    config.forks = Forks::Each;
    Walker::new(config)
}

/// Asserts that the walker and the second count agree on the operands, with any number of jobs and every time.
pub(crate) fn assert_agrees(operands: &[&Path]) -> Vec<u64> {
    let expected = count(operands);
    let walkers =
        [1, 2, 3, 8, 2].map(walker).into_iter().chain([Walker::new(Config::default()), a_fork_for_each()]);
    for (at, walker) in walkers.enumerate() {
        let (sums, complaints) = walk_with(walker, operands);
        assert!(complaints.is_empty(), "walker {at}: {complaints:?}");
        let sums: Vec<_> = sums.into_iter().map(Option::unwrap).collect();
        assert_eq!(sums, expected, "walker {at}: {operands:?}");
    }
    expected
}

/// The second count.
pub(crate) fn count(operands: &[&Path]) -> Vec<u64> {
    let mut seen = HashSet::new();
    let paths = operands.iter().map(|path| CString::new(path.as_os_str().as_bytes()).unwrap());
    paths.map(|path| reach(CWD, &path, &mut seen)).collect()
}

fn reach(dir: impl AsFd, name: &CStr, seen: &mut HashSet<(u64, u64)>) -> u64 {
    let found = match statat(&dir, name, AtFlags::empty()) {
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => {
            statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW).unwrap()
        }
        found => found.unwrap(),
    };
    if !seen.insert((found.st_dev, found.st_ino)) {
        return 0;
    }
    let mut bytes = found.st_size.cast_unsigned();
    if is_dir(&found) {
        let (dir, names) = list(&dir, name);
        bytes += names.iter().map(|name| reach(&dir, name, seen)).sum::<u64>();
    }
    bytes
}

fn list(dir: impl AsFd, name: &CStr) -> (OwnedFd, Vec<CString>) {
    let dir = openat(dir, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let entries = Dir::read_from(&dir).unwrap().map(|entry| entry.unwrap().file_name().to_owned());
    let names = entries.filter(|name| !matches!(name.to_bytes(), b"." | b"..")).collect();
    (dir, names)
}

fn is_dir(found: &Stat) -> bool {
    FileType::from_raw_mode(found.st_mode) == FileType::Directory
}
