//! Which directories a few ways lead to.

use std::ffi::CStr;

use crate::walk::inode::Inode;

/// How many ways are remembered,
const KEPT: usize = 8;
/// and the bytes of the longest.
const LONGEST: usize = 119;

/// A way, and the directory that it leads to.
struct Way {
    /// Where it starts, if it does not start from the root.
    from: Option<Inode>,
    bytes: [u8; LONGEST],
    len: u8,
    to: Inode,
}

/// The ways that were asked for last.
pub(super) struct Ways {
    kept: [Option<Way>; KEPT],
    /// Where the next one goes.
    next: usize,
}

impl Ways {
    pub(super) const fn new() -> Self {
        Self { kept: [const { None }; KEPT], next: 0 }
    }

    /// The directory that `way`, seen from `here`, leads to, which `look` tells if it is not remembered.
    pub(super) fn find(
        &mut self,
        here: Inode,
        way: &CStr,
        look: impl FnOnce() -> Option<Inode>,
    ) -> Option<Inode> {
        let way = way.to_bytes();
        let from = if way.first() == Some(&b'/') { None } else { Some(here) };
        let is_it = |kept: &&Way| kept.from == from && kept.bytes.get(..kept.len.into()) == Some(way);
        if let Some(kept) = self.kept.iter().flatten().find(is_it) {
            return Some(kept.to);
        }
        let to = look()?;
        self.keep(from, way, to);
        Some(to)
    }

    /// Remembers a way, unless it is too long.
    fn keep(&mut self, from: Option<Inode>, way: &[u8], to: Inode) {
        let mut new = Way { from, bytes: [0; LONGEST], len: way.len().try_into().unwrap_or(u8::MAX), to };
        if let Some(place) = new.bytes.get_mut(..way.len()) {
            place.copy_from_slice(way);
            self.next = (self.next + 1) % KEPT;
            self.kept[self.next] = Some(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;

    const fn inode(ino: u64) -> Inode {
        Inode { dev: 1, ino }
    }

    #[test]
    fn a_way_is_remembered_from_where_it_starts() {
        let mut ways = Ways::new();
        let mut find = |here, way, to| ways.find(inode(here), way, || Some(inode(to))).unwrap().ino;
        assert_eq!(find(1, c"/usr/bin", 10), 10);
        assert_eq!(find(1, c"../lib", 11), 11);
        assert_eq!(find(2, c"/usr/bin", 0), 10, "from the root, wherever one is");
        assert_eq!(find(2, c"../lib", 12), 12);
        assert_eq!(find(1, c"../lib", 0), 11);
        assert_eq!(find(1, c"../li", 13), 13);
        for others in 4..KEPT as u64 {
            find(others, c"..", 0);
        }
        assert_eq!(find(1, c"/usr/bin", 0), 10);
        assert_eq!(find(1, c"..", 14), 14);
        assert_eq!(find(1, c"/usr/bin", 15), 15, "the oldest makes way");
        assert_eq!(find(2, c"../lib", 0), 12);
    }

    #[test]
    fn what_is_not_known_or_too_long_is_not_remembered() {
        let mut ways = Ways::new();
        assert_eq!(ways.find(inode(1), c"x", || None), None);
        let long = CString::new([b'x'; LONGEST + 1]).unwrap();
        for way in [c"x", &long] {
            assert_eq!(ways.find(inode(1), way, || Some(inode(2))), Some(inode(2)));
        }
        assert_eq!(ways.find(inode(1), &long, || Some(inode(3))), Some(inode(3)));
        assert_eq!(ways.find(inode(1), c"x", || None), Some(inode(2)));
    }
}
