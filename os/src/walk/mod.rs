//! The directory walker: how many bytes a tree holds, links followed, every inode counted once.
//!
//! What counts is every inode that can be reached from the operand, through symbolic links too: the operand, files,
//! sub-directories and what links lead to, each once, in bytes of apparent size (`st_size`). A link that leads
//! somewhere counts what it leads to, and not itself; one that leads nowhere counts its own size.
//!
//! # How
//!
//! ```text
//!   parent: reads DIR, forks ──▶ worker: walks the sub-directories        (tree, levels, names, reading)
//!      ▲                            │  └─ forks ──▶ worker: takes over half of them         (worker, slots)
//!      │                            │ directories, files with several names, links, trouble
//!      └────────── one pipe ◀───────┴────────────────┘                                 (record, pipe, children)
//!   parent: counts what is new (ledger, census); directories that links lead to (links, places) and that are not
//!           counted yet are walked in the same way, until there are none; then files that links lead to and that lie
//!           in no counted directory are counted.
//! ```
//!
//! A worker that finds a free slot, and has worked long enough for another fork to pay, forks a sibling, which takes
//! over half of the sub-directories that are pending on the highest level, and of a long directory the half of the
//! batches still to be read. Both have all that is pending in their memory; they only agree on who does what.
//!
//! Nothing depends on which process is faster: the sets decide what counts, directories behind links wait until the
//! walks are over, and links and diagnostics are sorted.

mod bound;
mod census;
mod children;
mod diagnostic;
mod inode;
mod kernfs;
mod ledger;
mod levels;
mod links;
mod listing;
mod mounts;
mod names;
mod open;
mod open_levels;
mod pid_namespace;
mod pipe;
mod places;
mod pool;
mod reading;
mod record;
mod rounds;
mod sink;
mod slots;
mod tree;
mod watcher;
mod worker;

use std::ffi::{CStr, CString};
use std::io;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::CWD;

pub use diagnostic::{Diagnostic, Trouble};
use inode::Facts;
use ledger::Ledger;
use links::Target;
pub use listing::{
    Entry, Filter, Follow, Kind, Listener, Lister, Listing, Origin, PathTest, Size, Time, TimeStamp, Totals,
};
use pool::Pool;
use tree::Tree;

/// How to walk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How many children are alive at once, at most. Default: as many as there are CPUs to run on, and up to four times
    /// as many while they mostly wait for a disk or a server.
    pub jobs: Option<NonZeroUsize>,
    /// Which children are forked.
    pub forks: Forks,
    /// How long a child walks before it shares what is left with another. Default: 500 µs, a few times what a fork costs.
    pub quantum: Duration,
    /// Who is told how the walk goes on, and may end it.
    pub watch: Option<Watch>,
}

/// Is told, about every tenth of a second and often in between, what bytes have been counted. After a break the children
/// are ended, what is known is told as if it were all, and no directory is walked any more.
pub type Watch = fn(u64) -> ControlFlow<()>;

impl Default for Config {
    fn default() -> Self {
        Self { jobs: None, forks: Forks::default(), quantum: Duration::from_micros(500), watch: None }
    }
}

/// Which children are forked for the sub-directories of an operand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forks {
    /// As many as it pays to have: each child walks many sub-directories, and shares what is left with others when they
    /// have nothing to do.
    #[default]
    Shared,
    /// One for each immediate sub-directory.
    Each,
}

/// Measures trees, and counts no inode twice over all of them.
///
/// ```
/// use std::path::Path;
/// use memalloc_os::walk::{Config, Walker};
///
/// let mut walker = Walker::new(Config::default());
/// let mut report = |diagnostic| eprintln!("{diagnostic}");
/// let src = walker.measure(Path::new("src"), &mut report).expect("there is such a directory");
/// assert!(src > 0);
/// assert_eq!(walker.measure(Path::new("src/lib.rs"), &mut report), Some(0)); // Counted with src.
/// assert_eq!(walker.measure(Path::new("no such file"), &mut drop), None);
/// ```
pub struct Walker {
    tree: Tree,
    pool: Pool,
    forks: Forks,
    ledger: Ledger,
    /// The mount table has been looked at.
    knows_mounts: bool,
}

impl Walker {
    /// A walker that has counted nothing yet.
    pub fn new(config: Config) -> Self {
        Self {
            tree: Tree::new(),
            pool: Pool::new(&config),
            forks: config.forks,
            ledger: Ledger::default(),
            knows_mounts: false,
        }
    }

    /// The bytes that can be reached from `operand` and that this walker has not counted before.
    ///
    /// What cannot be read is told to `report`, in an order that does not depend on timing, and the rest is counted.
    /// The sum stops at `u64::MAX`. `operand` is a directory, a file, or a link, which is followed.
    ///
    /// Forks children, which only make system calls; other threads may allocate and lock meanwhile. Other children of
    /// this process are left alone. When this returns, no child is left.
    ///
    /// # Errors
    ///
    /// `None` if `operand` cannot be looked at, which `report` has then been told.
    ///
    /// # Time and memory
    ///
    /// One system call per entry and a few per directory, spread over [`Config::jobs`] processes; some more per link.
    /// The calling process keeps up to 21 bytes per directory and per file with several names (39 where inode numbers
    /// are very large), more while it makes room for others, 48 per file that only a link leads to, and the names of
    /// links to directories; a child keeps the names of the sub-directories it has still to visit.
    pub fn measure(&mut self, operand: &Path, report: &mut dyn FnMut(Diagnostic)) -> Option<u64> {
        let Ok(name) = CString::new(operand.as_os_str().as_bytes()) else {
            report(inaccessible(operand, io::ErrorKind::InvalidInput.into()));
            return None;
        };
        self.learn_mounts();
        self.ledger.start_operand();
        let measured = match links::follow(CWD, &name) {
            Target::Directory(facts) => {
                self.measure_directory(&name, &facts, report);
                Ok(())
            }
            Target::File(facts) => self.measure_file(&name, facts),
            Target::Nothing(link) => {
                self.ledger.count_file(link.inode, link.bytes);
                Ok(())
            }
            Target::Unknown(errno) => Err(errno),
        };
        match measured {
            Ok(()) => Some(self.ledger.bytes()),
            Err(errno) => {
                report(inaccessible(operand, errno.into()));
                None
            }
        }
    }

    fn measure_directory(&mut self, name: &CStr, facts: &Facts, report: &mut dyn FnMut(Diagnostic)) {
        let mut roots = Vec::new();
        if !self.ledger.census().has_directory(facts.inode) {
            roots.push(self.ledger.places.add(None, name.into(), true, facts.inode));
        }
        while !roots.is_empty() {
            self.walk(&roots);
            roots = if self.pool.is_stopped() { Vec::new() } else { self.roots_behind_links() };
            self.ledger.take_diagnostics().for_each(&mut *report);
        }
        self.ledger.settle();
    }

    fn measure_file(&mut self, name: &CStr, file: Facts) -> rustix::io::Result<()> {
        if self.ledger.census().counts_apart(&file) {
            self.ledger.count_file(file.inode, file.bytes);
        } else {
            let home = links::home(CWD, name, file.inode)?;
            self.ledger.count_later(file.inode, file.bytes, home);
            self.ledger.settle();
        }
        Ok(())
    }

    fn learn_mounts(&mut self) {
        if !self.knows_mounts {
            self.knows_mounts = true;
            let census = self.ledger.census_mut();
            for bound in mounts::bound_files() {
                census.share(bound.file);
                census.scatter(bound.directory);
            }
        }
    }
}

fn inaccessible(operand: &Path, error: io::Error) -> Diagnostic {
    Diagnostic { path: operand.into(), trouble: Trouble::Access(error) }
}
