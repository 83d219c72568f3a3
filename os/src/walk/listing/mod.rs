//! Listing what a tree holds: a line per directory, or per file too, in the order in which GNU du meets them.
//!
//! # How
//!
//! A walk meets directories and files in the order of the directories' entries, goes down to a directory when it meets
//! it, and *tells* what happens: it enters a directory, leaves one, meets a file (`event`). What is told, in order, is
//! all that is needed for sums, lines and diagnostics, and for which name of a file with several counts: the first one
//! that is told of (`fold`).
//!
//! ```text
//!   told by:   worker 1 ├────────────────┤ worker 3 ├──────┤ worker 2 ├───────────────────┤
//!                       └ gave the second part of its walk to worker 2, and then half of the rest to worker 3
//! ```
//!
//! A worker that finds a free slot cuts what it has still to meet in two (`tree`), and forks a sibling for the second
//! part. So the whole is told in segments, one a process; the parent knows their order, and keeps what is told out of
//! turn (`order`). The result is what one process would have told, whoever is faster.
//!
//! A small walk forks nothing. Where links are followed, workers only tell of those that lead to directories: whether one
//! is to be walked depends on all that was met before. The parent walks them when their turn comes (`behind`). What a
//! worker tells of a directory that has been met by then counts for nothing.

mod behind;
mod cache;
mod crew;
mod entries;
mod event;
mod filter;
mod fold;
mod levels;
mod look;
mod order;
mod origin;
mod packet;
mod shared;
mod totals;
mod tree;
mod worker;

use std::ffi::CString;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use super::Config;
use super::census::Inodes;
use super::diagnostic::{Diagnostic, Trouble};
use crew::Crew;
pub use filter::Filter;
use fold::Fold;
pub use origin::{Kind, Origin};
pub use totals::Totals;
use tree::Tree;

/// Seconds and nanoseconds since 1970.
pub type TimeStamp = (i64, u32);

/// A test of paths.
pub type PathTest = Rc<dyn Fn(&[u8]) -> bool>;

/// What to list, and how.
#[derive(Clone)]
#[non_exhaustive]
pub struct Listing {
    /// How to walk. Which children are forked is not asked here.
    pub walk: Config,
    /// Which size counts.
    pub size: Size,
    /// The other size is told too.
    pub both_sizes: bool,
    /// Which symbolic links are followed.
    pub follow: Follow,
    /// Nothing on other devices counts than the operand's.
    pub one_file_system: bool,
    /// Each name of a file counts.
    pub count_links: bool,
    /// What counts for one operand does not for a later one.
    pub several_operands: bool,
    /// A link that is followed and leads to nothing counts, and is no trouble.
    pub count_dangling: bool,
    /// Directories do not include what is in their sub-directories.
    pub separate: bool,
    /// How many levels below the operand are listed.
    pub depth: usize,
    /// Files are listed too.
    pub files: bool,
    /// Which time is listed, if any.
    pub time: Option<Time>,
    /// What each line is, and whose, is told too.
    pub origins: bool,
    /// How many bytes others use too, by reflinks or in snapshots, is told too. Files are opened for that.
    pub shared: bool,
    /// Sub-directories that are tagged as caches are passed over.
    pub exclude_caches: bool,
    /// Sub-directories in file systems that show the kernel, and hold no files, are passed over.
    pub exclude_kernfs: bool,
    /// Paths that are passed over. It must not allocate, nor lock, nor panic: forked children call it.
    pub exclude: Option<PathTest>,
    /// Sub-directories and files whose names start with a point are passed over.
    pub exclude_hidden: bool,
    /// Which files count, if not all do.
    pub filter: Option<Filter>,
}

/// Which size counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// That of the blocks in use.
    #[default]
    Disk,
    /// The length, `st_size`.
    Apparent,
}

/// Which symbolic links are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// None.
    #[default]
    Nothing,
    /// Operands.
    Operands,
    /// All.
    All,
}

/// Which time is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// When the contents were changed.
    Modified,
    /// When it was read.
    Accessed,
    /// When anything about it was changed.
    Changed,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            walk: Config::default(),
            size: Size::default(),
            both_sizes: false,
            follow: Follow::default(),
            one_file_system: false,
            count_links: false,
            several_operands: false,
            count_dangling: false,
            separate: false,
            depth: usize::MAX,
            files: false,
            time: None,
            origins: false,
            shared: false,
            exclude_caches: false,
            exclude_kernfs: false,
            exclude: None,
            exclude_hidden: false,
            filter: None,
        }
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("size", &self.size)
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

impl Listing {
    fn follows_all(&self) -> bool {
        self.follow == Follow::All
    }

    fn follows_operands(&self) -> bool {
        self.follow != Follow::Nothing
    }

    /// Whether something counts only when it is met first.
    fn is_once_only(&self, is_directory: bool, links: u32) -> bool {
        !self.count_links && (self.several_operands || self.follows_all() || (!is_directory && links > 1))
    }
}

/// One line.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// From the operand down.
    pub path: &'a [u8],
    /// How many levels below the operand.
    pub depth: usize,
    /// What it takes.
    pub totals: Totals,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// What it is and whose, if [`Listing::origins`].
    pub origin: Option<Origin>,
}

/// Who is told.
pub trait Listener {
    /// Takes a line. After a break there is none.
    fn entry(&mut self, entry: &Entry<'_>) -> ControlFlow<()>;

    /// Takes a directory that has a line later, before what is in it: what it takes without that. After a break there
    /// are no lines.
    fn enter(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        let _ = entry;
        ControlFlow::Continue(())
    }

    /// There is no more for now. After a break there are no lines.
    fn pause(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Takes something that the lines lack.
    fn diagnostic(&mut self, diagnostic: Diagnostic);
}

/// Lists trees.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::path::Path;
/// use memalloc_os::walk::{Diagnostic, Entry, Lister, Listener, Listing};
///
/// struct Print;
///
/// impl Listener for Print {
///     fn entry(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
///         println!("{}\t{}", entry.totals.size, String::from_utf8_lossy(entry.path));
///         ControlFlow::Continue(())
///     }
///     fn diagnostic(&mut self, diagnostic: Diagnostic) {
///         eprintln!("{diagnostic}");
///     }
/// }
///
/// let mut lister = Lister::new(Listing::default());
/// lister.list(Path::new("src"), &mut Print);
/// assert!(lister.total().inodes > 1);
/// ```
pub struct Lister {
    listing: Rc<Listing>,
    tree: Tree,
    crew: Crew,
    met: Inodes,
    total: Totals,
}

impl Lister {
    /// A lister that has met nothing yet.
    pub fn new(listing: Listing) -> Self {
        let listing = Rc::new(listing);
        Self {
            tree: Tree::new(Rc::clone(&listing)),
            crew: Crew::new(&listing.walk),
            met: Inodes::default(),
            total: Totals::NONE,
            listing,
        }
    }

    /// Lists what can be reached from `operand`.
    ///
    /// Forks children, which only make system calls; other threads may allocate and lock meanwhile. Other children of
    /// this process are left alone. When this returns, no child is left.
    pub fn list(&mut self, operand: &Path, listener: &mut dyn Listener) {
        let Ok(name) = CString::new(trimmed(operand.as_os_str().as_bytes())) else {
            let trouble = Trouble::Access(io::ErrorKind::InvalidInput.into());
            return listener.diagnostic(Diagnostic { path: operand.into(), trouble });
        };
        let mut fold = Fold::new(Rc::clone(&self.listing), &mut self.met, &mut self.total, listener);
        self.tree.start(&name, &mut fold);
        // Only what counts once keeps a walk through links from going round in circles, whoever walks.
        let may_fork = !(self.listing.follows_all() && self.listing.count_links);
        self.crew.walk(&mut self.tree, may_fork, &mut fold);
        self.tree.clear();
    }

    /// What all that was met takes together, sub-directories that are listed apart too.
    pub fn total(&self) -> Totals {
        self.total
    }
}

/// A path with one slash at its end, if there are several; two alone may mean something else.
fn trimmed(mut path: &[u8]) -> &[u8] {
    if path.len() > 2 {
        while let [start @ .., _, b'/'] = path
            && path[start.len()] == b'/'
        {
            path = &path[..path.len() - 1];
        }
    }
    path
}
