//! What an inode is, and whose.

use rustix::fs::FileType;

/// What an inode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link that is not followed.
    Link,
    /// A device, a pipe or a socket.
    Other,
}

/// What an inode is, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// What it is.
    pub kind: Kind,
    /// The number of the user that it belongs to.
    pub owner: u32,
}

impl Origin {
    pub(super) fn new(kind: FileType, owner: u32) -> Self {
        let kind = match kind {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        };
        Self { kind, owner }
    }

    /// Both in one number, for this machine only.
    pub(super) fn to_number(self) -> u64 {
        u64::from(self.owner) << 2 | self.kind as u64
    }

    /// What [`to_number`](Self::to_number) has made a number of.
    pub(super) fn from_number(number: u64) -> Self {
        let kind = match number & 3 {
            0 => Kind::File,
            1 => Kind::Directory,
            2 => Kind::Link,
            _ => Kind::Other,
        };
        Self { kind, owner: (number >> 2) as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_it_all() {
        for kind in [FileType::RegularFile, FileType::Directory, FileType::Symlink, FileType::Fifo] {
            for owner in [0, 1000, u32::MAX] {
                let origin = Origin::new(kind, owner);
                assert_eq!(Origin::from_number(origin.to_number()), origin);
            }
        }
    }
}
