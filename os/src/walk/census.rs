//! Which inodes have been counted.

use std::collections::{HashMap, HashSet};

use super::inode::{Facts, Inode};

/// A set of inodes, in about half the memory that a set of [`Inode`]s would take: there are few devices.
#[derive(Default)]
struct Inodes(HashMap<u64, HashSet<u64>>);

impl Inodes {
    fn contains(&self, inode: Inode) -> bool {
        self.0.get(&inode.dev).is_some_and(|of_device| of_device.contains(&inode.ino))
    }

    /// Adds an inode; false if it was there.
    fn insert(&mut self, inode: Inode) -> bool {
        self.0.entry(inode.dev).or_default().insert(inode.ino)
    }

    /// Moves all of another set here.
    fn append(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
        } else {
            other.0.into_iter().for_each(|(dev, of_device)| self.0.entry(dev).or_default().extend(of_device));
        }
    }
}

/// The inodes that have been counted, over all operands. A forked child reads its copy of it and never writes.
#[derive(Default)]
pub(super) struct Census {
    /// Directories of earlier rounds.
    walked: Inodes,
    /// Directories of this round.
    new: Inodes,
    /// Directories whose entries were not read.
    unread: Inodes,
    files: Inodes,
    /// Files to be met by two ways though they have one name: bind-mounted ones, and ones counted apart from their
    /// directory.
    shared: HashSet<Inode>,
    /// Directories in which single files are mounted: by which way one comes to them decides which files they show.
    scattered: HashSet<Inode>,
}

impl Census {
    /// Starts a round: what has been counted up to now is known to the walks from now on.
    ///
    /// A walk does not ask for what its own round has counted, which depends on who came first.
    pub(super) fn start_round(&mut self) {
        self.walked.append(std::mem::take(&mut self.new));
    }

    /// Whether an earlier round has walked this directory and all below it.
    pub(super) fn was_walked(&self, directory: Inode) -> bool {
        self.walked.contains(directory)
    }

    /// Whether the directory has been counted in any round.
    pub(super) fn has_directory(&self, directory: Inode) -> bool {
        self.walked.contains(directory) || self.new.contains(directory)
    }

    /// Whether the directory's files with one name have been counted with it.
    pub(super) fn has_entries_of(&self, directory: Inode) -> bool {
        self.has_directory(directory) && !self.unread.contains(directory) && !self.is_scattered(directory)
    }

    /// Counts a directory; false if it has been counted before.
    pub(super) fn add_directory(&mut self, directory: Inode, read: bool) -> bool {
        if self.walked.contains(directory) || !self.new.insert(directory) {
            return false;
        }
        if !read {
            self.unread.insert(directory);
        }
        true
    }

    /// Counts a file or a link by itself; false if it has been counted before.
    pub(super) fn add_file(&mut self, file: Inode) -> bool {
        self.files.insert(file)
    }

    /// From now on this file counts by itself, not with its directory.
    pub(super) fn share(&mut self, file: Inode) {
        self.shared.insert(file);
    }

    /// From now on all files in this directory count by themselves.
    pub(super) fn scatter(&mut self, directory: Inode) {
        self.scattered.insert(directory);
    }

    /// Whether all files in the directory count by themselves.
    pub(super) fn is_scattered(&self, directory: Inode) -> bool {
        self.scattered.contains(&directory)
    }

    /// Whether a file counts by itself, and not with the directory that holds its only name.
    pub(super) fn counts_apart(&self, file: &Facts) -> bool {
        file.links > 1 || self.shared.contains(&file.inode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Inode = Inode { dev: 1, ino: 1 };

    #[test]
    fn a_directory_counts_once_and_is_walked_from_the_next_round_on() {
        let mut census = Census::default();
        census.start_round();
        assert!(census.add_directory(A, false));
        assert!(!census.add_directory(A, true));
        assert!(census.has_directory(A) && !census.was_walked(A) && !census.has_entries_of(A));
        census.start_round();
        assert!(census.was_walked(A));
    }
}
