//! Which inodes have been counted.

use std::collections::{HashMap, HashSet};

use super::inode::{Facts, Inode};

/// A set of inodes. Those that are made together have neighbouring numbers, so that a word of bits mostly has several.
#[derive(Default)]
pub(super) struct Inodes {
    /// Per device, words of 32 bits by their numbers.
    words: HashMap<u64, HashMap<u32, u32>>,
    /// Inodes whose word's number is too large.
    large: HashSet<Inode>,
}

impl Inodes {
    pub(super) fn contains(&self, inode: Inode) -> bool {
        match word_and_bit(inode) {
            Some((word, bit)) => self
                .words
                .get(&inode.dev)
                .and_then(|words| words.get(&word))
                .is_some_and(|bits| bits & bit != 0),
            None => self.large.contains(&inode),
        }
    }

    /// Adds an inode; false if it was there.
    pub(super) fn insert(&mut self, inode: Inode) -> bool {
        let Some((word, bit)) = word_and_bit(inode) else { return self.large.insert(inode) };
        let bits = self.words.entry(inode.dev).or_default().entry(word).or_default();
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }

    /// Moves all of another set here.
    fn append(&mut self, other: Self) {
        for (dev, words) in other.words {
            let here = self.words.entry(dev).or_default();
            if here.is_empty() {
                *here = words;
            } else {
                words.into_iter().for_each(|(word, bits)| *here.entry(word).or_default() |= bits);
            }
        }
        self.large.extend(other.large);
    }
}

fn word_and_bit(inode: Inode) -> Option<(u32, u32)> {
    Some((u32::try_from(inode.ino / 32).ok()?, 1 << (inode.ino % 32)))
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
    fn a_set_tells_numbers_and_devices_apart() {
        let mut set = Inodes::default();
        let inodes = [(1, 0), (1, 31), (1, 32), (1, 1 << 32), (1, 1 << 37), (1, u64::MAX), (2, 0)]
            .map(|(dev, ino)| Inode { dev, ino });
        assert!(inodes.iter().all(|&inode| set.insert(inode)));
        assert!(inodes.iter().all(|&inode| set.contains(inode) && !set.insert(inode)));
        assert!(!set.contains(Inode { dev: 1, ino: 1 }) && !set.contains(Inode { dev: 3, ino: 0 }));
        let mut other = Inodes::default();
        other.insert(Inode { dev: 1, ino: 1 });
        other.insert(Inode { dev: 3, ino: 0 });
        other.append(set);
        assert!(inodes.iter().all(|&inode| other.contains(inode)));
        assert!(other.contains(Inode { dev: 1, ino: 1 }) && other.contains(Inode { dev: 3, ino: 0 }));
    }

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
