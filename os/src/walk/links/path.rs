//! A path that a link holds, in a buffer of its own.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::BorrowedFd;
use rustix::fs::readlinkat_raw;
use rustix::io::{self, Errno};

/// Bytes of the longest path that a system call takes, its end included.
const PATH_MAX: usize = 4096;

/// A path that is to be cut, or to go on.
pub(super) struct Path {
    /// Its bytes, and a zero behind them.
    bytes: [u8; PATH_MAX],
    len: usize,
}

impl Path {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; PATH_MAX], len: 0 }
    }

    /// This path.
    pub(super) fn of(path: &CStr) -> io::Result<Self> {
        let mut new = Self::new();
        new.put(0, path.to_bytes())?;
        Ok(new)
    }

    /// Becomes what the link `name` in `dir` holds.
    pub(super) fn read_link(&mut self, dir: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
        self.len = readlinkat_raw(dir, name, &mut self.bytes[..PATH_MAX - 1])?;
        self.bytes[self.len] = 0;
        Ok(())
    }

    /// Where it is a link itself, seen from `dir`, becomes the path that this leads to.
    pub(super) fn go_on(&mut self, dir: BorrowedFd<'_>) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); PATH_MAX];
        let (next, _) = readlinkat_raw(dir, self.whole(), &mut buffer)?;
        let is_absolute = next.first() == Some(&b'/');
        self.put(if is_absolute { 0 } else { self.last() }, next)
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        let place = self.bytes[..PATH_MAX - 1].get_mut(at..at + bytes.len()).ok_or(Errno::NAMETOOLONG)?;
        place.copy_from_slice(bytes);
        self.len = at + bytes.len();
        self.bytes[self.len] = 0;
        Ok(())
    }

    /// Whether it has but one component.
    pub(super) fn is_a_name(&self) -> bool {
        self.last() == 0
    }

    /// All of it.
    pub(super) fn whole(&self) -> &CStr {
        CStr::from_bytes_with_nul(&self.bytes[..=self.len]).unwrap_or_default()
    }

    /// Cuts it before its last component: the way there, which is empty if there is but one component, and that.
    pub(super) fn split(&mut self) -> (&CStr, &CStr) {
        let last = self.last();
        let (way, last) = match last {
            0 => (None, &self.bytes[..]),
            1 => (Some(c"/"), &self.bytes[1..]),
            _ => {
                self.bytes[last - 1] = 0;
                let (way, last) = self.bytes.split_at(last);
                (CStr::from_bytes_until_nul(way).ok(), last)
            }
        };
        (way.unwrap_or_default(), CStr::from_bytes_until_nul(last).unwrap_or_default())
    }

    /// Where its last component starts.
    fn last(&self) -> usize {
        let slash = self.bytes[..self.len].iter().rposition(|&byte| byte == b'/');
        slash.map_or(0, |slash| slash + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;

    #[test]
    fn a_path_is_cut_before_its_last_component() {
        let cut = |path| {
            let mut path = Path::of(path).unwrap();
            let (way, last) = path.split();
            format!("{} {}", way.to_str().unwrap(), last.to_str().unwrap())
        };
        assert_eq!(cut(c"a"), " a");
        assert_eq!(cut(c"/a"), "/ a");
        assert_eq!(cut(c"../a//b"), "../a/ b");
        assert_eq!(cut(c"a/"), "a ");
        let path = |len| CString::new(vec![b'x'; len]).unwrap();
        assert!(Path::of(&path(PATH_MAX)).is_err() && Path::of(&path(PATH_MAX - 1)).is_ok());
    }
}
