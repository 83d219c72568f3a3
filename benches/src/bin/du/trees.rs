//! The trees to walk.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A tree, made once and kept, or there already.
pub(crate) struct Tree {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    shape: Shape,
}

enum Shape {
    /// Directories of directories of files.
    Branches {
        outer: usize,
        inner: usize,
        files: usize,
    },
    /// The same below one sub-directory, and a few small sub-directories beside it.
    Lopsided {
        outer: usize,
        inner: usize,
        files: usize,
        beside: usize,
    },
    Flat {
        files: usize,
    },
    Chain {
        levels: usize,
    },
    /// Directories of files, and a directory with a link to each of these.
    Links {
        dirs: usize,
        files: usize,
    },
    There(&'static str),
}

impl Tree {
    /// All of them.
    pub(crate) fn all() -> [Self; 10] {
        let tree = |name, about, shape| Self { name, about, shape };
        [
            tree("small", "13 files in no sub-directory", Shape::Flat { files: 13 }),
            tree("small4", "12 files in 4 sub-directories", Shape::Branches { outer: 1, inner: 4, files: 3 }),
            tree(
                "even",
                "a million files in 10,000 directories",
                Shape::Branches { outer: 100, inner: 100, files: 100 },
            ),
            tree(
                "lopsided",
                "99 % of 100,000 files in one sub-directory",
                Shape::Lopsided { outer: 20, inner: 50, files: 100, beside: 100 },
            ),
            tree("flat", "500,000 files in one directory", Shape::Flat { files: 500_000 }),
            tree(
                "many",
                "20,000 directories of 5 files",
                Shape::Branches { outer: 1, inner: 20_000, files: 5 },
            ),
            tree("chain", "10,000 levels", Shape::Chain { levels: 10_000 }),
            tree("links", "2,400 links to files in 300 directories", Shape::Links { dirs: 300, files: 8 }),
            tree("etc", "/etc", Shape::There("/etc")),
            tree("usr", "/usr", Shape::There("/usr")),
        ]
    }

    /// Makes the tree if it is not there; where it is, and how many entries it has.
    pub(crate) fn make(&self, scratch: &Path) -> io::Result<(PathBuf, u64)> {
        if let Shape::There(path) = self.shape {
            return Ok((path.into(), entries(Path::new(path))?));
        }
        let path = scratch.join("trees").join(self.name);
        let count = path.with_extension("entries");
        if let Ok(count) = fs::read_to_string(&count) {
            return Ok((path, count.trim().parse().map_err(io::Error::other)?));
        }
        eprintln!("du: making {}: {}", path.display(), self.about);
        fs::create_dir_all(&path)?;
        let made = self.shape.fill(&path)?;
        fs::write(count, made.to_string())?;
        Ok((path, made))
    }
}

impl Shape {
    fn fill(&self, top: &Path) -> io::Result<u64> {
        match *self {
            Self::Branches { outer: 1, inner, files } => branches(top, inner, files),
            Self::Branches { outer, inner, files } => {
                let below = |i| branches(&top.join(format!("branch{i:02}")), inner, files);
                Ok((0..outer).map(below).sum::<io::Result<u64>>()? + outer as u64)
            }
            Self::Lopsided { outer, inner, files, beside } => {
                let heavy = Self::Branches { outer, inner, files }.fill(&top.join("heavy"))?;
                Ok(heavy + 1 + branches(top, beside, 10)?)
            }
            Self::Flat { files } => flat(top, files),
            Self::Chain { levels } => chain(top, levels),
            Self::Links { dirs, files } => links(top, dirs, files),
            Self::There(_) => Ok(0),
        }
    }
}

fn branches(top: &Path, dirs: usize, files: usize) -> io::Result<u64> {
    let below = |i| flat(&top.join(format!("dir{i:05}")), files);
    Ok((0..dirs).map(below).sum::<io::Result<u64>>()? + dirs as u64)
}

fn flat(top: &Path, files: usize) -> io::Result<u64> {
    fs::create_dir_all(top)?;
    for i in 0..files {
        make_file(&top.join(format!("file{i:06}")))?;
    }
    Ok(files as u64)
}

/// mknod(2), which takes less than half as long as to open and close a new file.
fn make_file(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path is a C string.
    let made = unsafe { libc::mknod(path.as_ptr(), libc::S_IFREG | 0o644, 0) };
    if made == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Levels below each other, whose path is longer than a system call takes.
fn chain(top: &Path, levels: usize) -> io::Result<u64> {
    let mut dir = File::open(top)?;
    for _ in 0..levels {
        // SAFETY: the descriptor is open and the name is a C string.
        if unsafe { libc::mkdirat(dir.as_raw_fd(), c"level".as_ptr(), 0o755) } != 0 {
            return Err(io::Error::last_os_error());
        }
        dir = File::open(format!("/proc/self/fd/{}/level", dir.as_raw_fd()))?;
    }
    Ok(levels as u64)
}

/// As where packages lie each in a directory of its own, and their programs in one by links.
fn links(top: &Path, dirs: usize, files: usize) -> io::Result<u64> {
    let made = branches(&top.join("packages"), dirs, files)?;
    let bin = top.join("bin");
    fs::create_dir(&bin)?;
    for dir in 0..dirs {
        for file in 0..files {
            let target = format!("../packages/dir{dir:05}/file{file:06}");
            symlink(target, bin.join(format!("program{dir}-{file}")))?;
        }
    }
    Ok(made + 2 + (dirs * files) as u64)
}

/// How many entries there are below a directory.
fn entries(top: &Path) -> io::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(top)? {
        let entry = entry?;
        count += 1;
        if entry.file_type()?.is_dir() {
            count += entries(&entry.path())?;
        }
    }
    Ok(count)
}
