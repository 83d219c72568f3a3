//! The directories that the parent must be able to name and to find again: those that hold links or trouble.
//!
//! They form a tree of single components, so that no path is too long, and a cursor moves in it from directory to
//! directory, since links come in the order in which a walk met them.

use std::ffi::{CStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::CWD;
use rustix::io::{self, Errno};

use super::inode::{Facts, Inode};
use super::open;

/// A directory known to [`Places`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    /// Where it stands in a list that has something for each place.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

struct Entry {
    /// `None`: `name` is a path from the working directory.
    parent: Option<Place>,
    name: Box<CStr>,
    /// It is reached by following a link.
    follow: bool,
    depth: u32,
    inode: Inode,
}

/// A tree of directories.
#[derive(Default)]
pub(super) struct Places {
    entries: Vec<Entry>,
    cursor: Option<(Place, OwnedFd)>,
}

impl Places {
    /// Adds the directory `inode` that `name` in `parent` is, or, if it is a link to be followed, leads to.
    pub(super) fn add(
        &mut self,
        parent: Option<Place>,
        name: Box<CStr>,
        follow: bool,
        inode: Inode,
    ) -> Place {
        let place = Place(u32::try_from(self.entries.len()).expect("fewer than 2^32 directories with links"));
        let depth = parent.map_or(0, |parent| self.entry(parent).depth + 1);
        self.entries.push(Entry { parent, name, follow, depth, inode });
        place
    }

    /// The directory's identity.
    pub(super) fn inode(&self, place: Place) -> Inode {
        self.entry(place).inode
    }

    /// The path of the entry `name` of a place, or of the place itself if the name is empty.
    pub(super) fn path(&self, place: Place, name: &[u8]) -> PathBuf {
        let way = self.way(place, None).into_iter().map(|place| self.entry(place).name.to_bytes());
        let mut path = Vec::new();
        for component in way.chain([name]).filter(|component| !component.is_empty()) {
            if path.last().is_some_and(|&last| last != b'/') {
                path.push(b'/');
            }
            path.extend_from_slice(component);
        }
        PathBuf::from(OsString::from_vec(path))
    }

    /// For each place its rank in an order that depends on paths only: by depth, then by the parents' ranks, then by
    /// name. Places with one path have one rank.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<_> = self.entries.iter().enumerate().collect();
        order.sort_by_key(|(_, entry)| entry.depth);
        let mut ranks = vec![0; order.len()];
        let mut next = 0;
        for level in order.chunk_by_mut(|(_, one), (_, other)| one.depth == other.depth) {
            let key = |ranks: &[u32], entry: &Entry| entry.parent.map(|parent| ranks[parent.index()]);
            level.sort_by(|(_, one), (_, other)| {
                key(&ranks, one).cmp(&key(&ranks, other)).then_with(|| one.name.cmp(&other.name))
            });
            let mut last = None;
            for (at, entry) in level {
                let path = Some((key(&ranks, entry), &entry.name));
                next += u32::from(last.is_some() && last != path);
                last = path;
                ranks[*at] = next;
            }
            next += 1;
        }
        ranks
    }

    /// Finds a directory again. The descriptor serves to start from, not to read.
    ///
    /// # Errors
    ///
    /// `ENOENT` also if there is another directory in its place now.
    pub(super) fn open(&mut self, place: Place) -> io::Result<BorrowedFd<'_>> {
        if self.cursor.as_ref().is_none_or(|(at, _)| *at != place) {
            let dir = match self.along_cursor(place) {
                Some(dir) => dir,
                None => self.down(CWD, self.way(place, None))?,
            };
            if Facts::of(&dir)?.inode != self.inode(place) {
                return Err(Errno::NOENT);
            }
            self.cursor = Some((place, dir));
        }
        let (_, dir) = self.cursor.as_ref().ok_or(Errno::NOENT)?;
        Ok(dir.as_fd())
    }

    /// The way to a place from the last one, if that is shorter than the one from the top and still leads there.
    fn along_cursor(&mut self, place: Place) -> Option<OwnedFd> {
        let (from, mut dir) = self.cursor.take()?;
        let common = self.common_ancestor(from, place)?;
        let climb = self.entry(from).depth - self.entry(common).depth;
        if climb > self.entry(common).depth {
            return None;
        }
        for _ in 0..climb {
            dir = open::to_start(&dir, c"..").ok()?;
        }
        // Above a link that was followed, `..` is not the way back.
        (Facts::of(&dir).ok()?.inode == self.inode(common)).then_some(())?;
        let dir = self.down(&dir, self.way(place, Some(common))).ok()?;
        (Facts::of(&dir).ok()?.inode == self.inode(place)).then_some(dir)
    }

    fn down(&self, from: impl AsFd, way: Vec<Place>) -> io::Result<OwnedFd> {
        let mut dir = None;
        for place in way {
            let Entry { name, follow, .. } = self.entry(place);
            let above = dir.as_ref().map_or(from.as_fd(), OwnedFd::as_fd);
            let open = if *follow { open::to_start_behind } else { open::to_start };
            dir = Some(open(above, name)?);
        }
        dir.map_or_else(|| open::to_start(from, c"."), Ok)
    }

    fn common_ancestor(&self, mut one: Place, mut other: Place) -> Option<Place> {
        while one != other {
            let deeper = if self.entry(one).depth > self.entry(other).depth { &mut one } else { &mut other };
            *deeper = self.entry(*deeper).parent?;
        }
        Some(one)
    }

    /// The places from below `above` (or from the top) down to `place`.
    fn way(&self, place: Place, above: Option<Place>) -> Vec<Place> {
        let up = std::iter::successors(Some(place), |&place| self.entry(place).parent);
        let mut way: Vec<_> = up.take_while(|&place| Some(place) != above).collect();
        way.reverse();
        way
    }

    fn entry(&self, place: Place) -> &Entry {
        &self.entries[place.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_depend_on_paths_only() {
        let mut places = Places::default();
        let inode = Inode::default();
        let root = places.add(None, c"root".into(), true, inode);
        let z = places.add(Some(root), c"z".into(), false, inode);
        let a_in_z = places.add(Some(z), c"a".into(), false, inode);
        let a = places.add(Some(root), c"a".into(), false, inode);
        let again = places.add(Some(root), c"z".into(), false, inode);
        let y_in_again = places.add(Some(again), c"y".into(), true, inode);
        let b_in_a = places.add(Some(a), c"b".into(), false, inode);
        let other = places.add(None, c"another".into(), false, inode);
        let ranks = places.ranks();
        let ranks = [other, root, a, z, again, b_in_a, a_in_z, y_in_again].map(|place| ranks[place.index()]);
        assert_eq!(ranks, [0, 1, 2, 3, 3, 4, 5, 6]);
    }
}
