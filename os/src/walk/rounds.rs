//! One round: the walk of some directories, and what the links found there lead to.

use std::collections::HashSet;

use rustix::io::{self, Errno};

use super::diagnostic::Trouble;
use super::inode::{Facts, Inode};
use super::ledger::{Direct, Link};
use super::open;
use super::places::Place;
use super::record::Record;
use super::sink::Sink;
use super::tree::Tree;
use super::{Forks, Walker};

impl Walker {
    /// Walks all of `roots`, none of which has been counted, until all children are done.
    pub(super) fn walk(&mut self, roots: &[Place]) {
        self.ledger.census_mut().start_round();
        for &root in roots {
            if self.pool.is_stopped() {
                break;
            }
            if let Err(errno) = self.walk_root(root) {
                self.count_unread(root, errno);
            }
        }
        self.pool.finish(&mut self.ledger);
    }

    /// Starts to read a directory, and has children walk its sub-directories.
    fn walk_root(&mut self, root: Place) -> io::Result<()> {
        let dir = open::to_read(self.ledger.places.open(root)?, c".")?;
        let place = self.ledger.announce(root);
        self.tree.enter(dir, place, &mut Direct(&mut self.ledger))?;
        match self.forks {
            Forks::Shared => self.fork_for_all(root),
            Forks::Each => self.fork_for_each(root),
        }
        self.tree.leave();
        Ok(())
    }

    /// Forks a child for the sub-directories, and for the rest of a long directory; it forks others if that pays.
    fn fork_for_all(&mut self, root: Place) {
        while self.tree.is_reading() && !self.tree.goes_on() {
            self.tree.read_on(&mut Direct(&mut self.ledger));
        }
        if self.tree.is_reading() || self.tree.pending().is_some() {
            let task = self.ledger.open_task(root, c"");
            if self.pool.spawn(task, |_| (), &mut self.tree, &mut self.ledger).is_err() {
                while self.tree.step(&mut Direct(&mut self.ledger)) && self.pool.goes_on(&self.ledger) {}
            }
        }
    }

    /// Forks a child for each sub-directory.
    fn fork_for_each(&mut self, root: Place) {
        while self.tree.is_reading() {
            self.tree.read_on(&mut Direct(&mut self.ledger));
        }
        while let Some(name) = self.tree.pending()
            && self.pool.goes_on(&self.ledger)
        {
            let task = self.ledger.open_task(root, name);
            match self.pool.spawn(task, Tree::keep_one, &mut self.tree, &mut self.ledger) {
                Ok(()) => self.tree.skip(),
                Err(_) => self.tree.walk_pending(&mut Direct(&mut self.ledger)),
            }
        }
    }

    /// Counts a root without its entries, and says why they are missing.
    fn count_unread(&mut self, root: Place, errno: Errno) {
        let facts = self.ledger.places.open(root).and_then(Facts::of);
        let trouble = match facts {
            // It has vanished, or the link leads elsewhere by now.
            Err(Errno::NOENT) => return,
            Ok(facts) => {
                let record = Record::Directory { inode: facts.inode, bytes: facts.bytes, read: false };
                Direct(&mut self.ledger).put(record);
                Trouble::ReadDirectory(errno.into())
            }
            Err(_) => Trouble::Access(errno.into()),
        };
        self.ledger.note(root, c"", trouble);
    }

    /// Says which directories are to be walked next, because links lead there.
    pub(super) fn roots_behind_links(&mut self) -> Vec<Place> {
        let links = self.ledger.take_links();
        let directories: HashSet<_> = links.iter().map(|link| link.directory).collect();
        let (inner, outer): (Vec<_>, Vec<_>) =
            links.into_iter().partition(|link| directories.len() > 1 && self.lies_within(link, &directories));
        // Mounts can make directories lie within each other.
        let (now, later) = if outer.is_empty() { (inner, outer) } else { (outer, inner) };
        later.into_iter().for_each(|link| self.ledger.put_back(link));
        let places = &mut self.ledger.places;
        now.into_iter().map(|link| places.add(Some(link.place), link.name, true, link.directory)).collect()
    }

    /// Whether the directory that a link leads to lies within another of `roots`: the walk of that one will most
    /// likely count it, and two walks of one directory would be wasted work.
    fn lies_within(&mut self, link: &Link, roots: &HashSet<Inode>) -> bool {
        let climb = |dir| -> io::Result<bool> {
            let mut dir = open::to_start_behind(dir, &link.name)?;
            let mut inode = Facts::of(&dir)?.inode;
            loop {
                dir = open::to_start(&dir, c"..")?;
                let above = Facts::of(&dir)?.inode;
                if above == inode {
                    return Ok(false);
                }
                if roots.contains(&above) {
                    return Ok(true);
                }
                inode = above;
            }
        };
        self.ledger.places.open(link.place).and_then(climb).unwrap_or(false)
    }
}
