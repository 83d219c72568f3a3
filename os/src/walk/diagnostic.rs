//! What the caller is told about what could not be read.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Something that the sum lacks, and why.
#[derive(Debug)]
pub struct Diagnostic {
    /// What is missing, from the operand down, through the links that led there.
    pub path: PathBuf,
    /// Why.
    pub trouble: Trouble,
}

/// Why something is missing from the sum.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trouble {
    /// It could not be looked at; nothing of it is counted.
    Access(io::Error),
    /// It is a link that was to be followed and leads to nothing.
    Dangles,
    /// It could not be read as a directory; its own size is counted, but not what is in it (or not all of it).
    ReadDirectory(io::Error),
    /// The process that walked it was killed by this signal; what it had reported is counted.
    Killed(i32),
    /// The process that walked it ended early, with this status if that is known; what it had reported is counted.
    Ended(Option<i32>),
}

impl Trouble {
    /// Something that orders the troubles of one object.
    pub(super) fn order(&self) -> (u8, i32) {
        match self {
            Self::Dangles => (0, 0),
            Self::Access(error) => (0, error.raw_os_error().unwrap_or(0)),
            Self::ReadDirectory(error) => (1, error.raw_os_error().unwrap_or(0)),
            Self::Killed(signal) => (2, *signal),
            Self::Ended(status) => (3, status.unwrap_or(-1)),
        }
    }

    /// Whether it is the trouble that several processes have which read one directory together.
    pub(super) fn is_of_directory(&self) -> bool {
        matches!(self, Self::ReadDirectory(_))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.trouble {
            Trouble::Dangles => write!(f, "cannot access {path}: it is a link to nothing"),
            Trouble::Access(error) => write!(f, "cannot access {path}: {error}"),
            Trouble::ReadDirectory(error) => write!(f, "cannot read directory {path}: {error}"),
            Trouble::Killed(signal) => {
                write!(f, "cannot finish {path}: its process was killed by signal {signal}")
            }
            Trouble::Ended(Some(status)) => {
                write!(f, "cannot finish {path}: its process ended with status {status}")
            }
            Trouble::Ended(None) => write!(f, "cannot finish {path}: its process was lost"),
        }
    }
}
