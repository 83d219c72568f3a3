//! Files, and entries that cannot be looked at.

use std::ffi::CStr;

use rustix::fs::{CWD, FileType};
use rustix::io::Errno;

use super::super::super::open;
use super::super::super::record::Failed;
use super::super::event::Event;
use super::super::look::{At, Look};
use super::super::shared::shared_bytes;
use super::{DANGLES, Sink, Tree};

impl Tree {
    /// Whether a file counts.
    fn is_wanted(&self, name: &CStr, look: &Look) -> bool {
        self.listing.filter.as_ref().is_none_or(|filter| filter.admits(name.to_bytes(), look))
    }

    pub(super) fn meet_file(&mut self, name: &CStr, look: &Look, sink: &mut impl Sink) {
        if self.is_elsewhere(look) || !self.is_wanted(name, look) {
            return;
        }
        let depth = self.levels.len() + self.above;
        let listed = depth == 0 || (self.listing.files && depth <= self.listing.depth);
        let inode = self.listing.is_once_only(false, look.links).then_some(look.inode);
        let mut totals = look.totals;
        if totals.shared > 0 {
            totals.shared = self.shared_bytes(name, sink);
        }
        if !listed && inode.is_none() {
            return self.count(&totals);
        }
        let below = !self.is_told();
        let name = if listed { name.to_bytes() } else { b"" };
        sink.tell(Event::File { name, inode, below, origin: look.origin, totals });
    }

    /// The bytes of a file that others use too.
    fn shared_bytes(&mut self, name: &CStr, sink: &mut impl Sink) -> u64 {
        let follow =
            if self.levels.len() == 0 { self.listing.follows_operands() } else { self.listing.follows_all() };
        loop {
            let dir = if self.levels.len() == 0 { Some(CWD) } else { self.levels.dir() };
            let file = dir.ok_or(Errno::BADF).and_then(|dir| open::file(dir, name, follow));
            match file.and_then(shared_bytes) {
                Ok(bytes) => return bytes,
                Err(Errno::MFILE | Errno::NFILE) if self.levels.close_one() => {}
                Err(errno) => {
                    self.trouble((Failed::Access, errno), name, sink);
                    return 0;
                }
            }
        }
    }

    /// Could not look at an entry: if it is a link to nothing, that may count, and if it has vanished, nothing does.
    pub(super) fn miss(&mut self, name: &CStr, errno: Errno, follow: bool, sink: &mut impl Sink) {
        let is_operand = self.levels.len() == 0;
        let leads_nowhere = matches!(errno, Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NAMETOOLONG);
        if follow && leads_nowhere {
            let dir = if is_operand { Some(CWD) } else { self.levels.dir() };
            let link = dir.ok_or(Errno::BADF).and_then(|dir| self.listing.look(dir, At::Entry(name)));
            match link {
                // It has vanished, and come again.
                Ok(other) if other.kind != FileType::Symlink => {}
                Ok(link) if self.listing.count_dangling => return self.meet_file(name, &link, sink),
                Ok(_) if errno == Errno::NOENT => return self.say(Failed::Access, DANGLES, name, sink),
                _ => {}
            }
        }
        self.trouble((Failed::Access, errno), name, sink);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::super::super::super::inode::Facts;
    use super::super::super::{Follow, Listing};
    use super::*;

    struct Told(usize);

    impl Sink for Told {
        fn tell(&mut self, _: Event<'_>) -> bool {
            self.0 += 1;
            true
        }
    }

    #[test]
    fn what_has_vanished_and_come_again_is_no_trouble() {
        let listing = Listing { follow: Follow::All, ..Listing::default() };
        let mut tree = Tree::new(Rc::new(listing));
        let root = open::to_read(CWD, c"/").unwrap();
        let inode = Facts::of(&root).unwrap().inode;
        tree.start_at_entry(root, inode, b"/", 1, c"proc").unwrap();
        let mut told = Told(0);
        tree.miss(c"proc", Errno::NOENT, true, &mut told);
        assert_eq!(told.0, 0);
        tree.miss(c"proc", Errno::ACCESS, true, &mut told);
        assert_ne!(told.0, 0);
    }
}
