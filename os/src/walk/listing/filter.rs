//! Which files count, where not all do.

use std::fmt;
use std::ops::RangeInclusive;

use super::look::Look;
use super::{PathTest, TimeStamp};

/// Which files count. Directories are walked all the same, but only what is in them counts.
///
/// ```
/// use memalloc_os::walk::{Filter, Listing};
///
/// let listing = {
///     let mut listing = Listing::default();
///     listing.filter = Some(Filter { sizes: 1 << 20..=u64::MAX, ..Filter::default() });
///     listing
/// };
/// assert!(listing.filter.is_some_and(|filter| !filter.sizes.contains(&5)));
/// ```
#[derive(Clone)]
pub struct Filter {
    /// Those of so many bytes, by the size that counts.
    pub sizes: RangeInclusive<u64>,
    /// Those whose contents were last changed then.
    pub modified: RangeInclusive<TimeStamp>,
    /// Those of such names, without the path. It must not allocate, nor lock, nor panic: forked children call it.
    pub names: Option<PathTest>,
}

impl Default for Filter {
    fn default() -> Self {
        Self { sizes: 0..=u64::MAX, modified: (i64::MIN, 0)..=(i64::MAX, u32::MAX), names: None }
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("sizes", &self.sizes)
            .field("modified", &self.modified)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Whether a file counts, whose path ends with its name.
    pub(super) fn admits(&self, path: &[u8], look: &Look) -> bool {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        self.sizes.contains(&look.totals.size)
            && self.modified.contains(&look.modified)
            && self.names.as_ref().is_none_or(|admits| admits(name))
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use rustix::fs::FileType;

    use super::super::super::inode::Inode;
    use super::super::totals::Totals;
    use super::*;

    #[test]
    fn a_file_must_pass_all_tests() {
        let look = |size, modified| Look {
            inode: Inode::default(),
            kind: FileType::RegularFile,
            links: 1,
            totals: Totals { size, ..Totals::NONE },
            modified,
            origin: None,
            is_mount: false,
        };
        let filter = Filter {
            sizes: 5..=7,
            modified: (10, 0)..=(20, 5),
            names: Some(Rc::new(|name: &[u8]| name == b"f")),
        };
        assert!(filter.admits(b"d/f", &look(5, (20, 5))) && filter.admits(b"f", &look(7, (10, 0))));
        assert!(!filter.admits(b"f/d", &look(5, (15, 0))));
        assert!(!filter.admits(b"f", &look(4, (15, 0))) && !filter.admits(b"f", &look(8, (15, 0))));
        assert!(!filter.admits(b"f", &look(5, (20, 6))) && !filter.admits(b"f", &look(5, (9, 9))));
        assert!(Filter::default().admits(b"", &look(u64::MAX, (i64::MIN, 0))));
    }
}
