//! The order of lines.

use std::cmp::Ordering;
use std::ffi::OsStr;

use super::choice::one_of;
use super::held::Held;

/// What lines are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Key {
    /// Bytes, or inodes where these are printed: the most first.
    #[default]
    Size,
    /// Paths, byte by byte.
    Name,
    /// Times: the newest first.
    Time,
}

impl Key {
    pub(super) fn read(argument: &OsStr) -> Result<Self, Vec<u8>> {
        one_of("sort", &[("size", Self::Size), ("name", Self::Name), ("time", Self::Time)], argument)
    }
}

/// The order of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) key: Key,
    pub(super) reverse: bool,
}

impl Order {
    /// Puts lines in order; equal ones stay as they are.
    pub(super) fn sort<T>(self, lines: &mut [T], line: impl Fn(&T) -> &Held) {
        lines.sort_by(|one, other| self.compare(line(one), line(other)));
    }

    fn compare(self, one: &Held, other: &Held) -> Ordering {
        let order = match self.key {
            Key::Size => other.weight.cmp(&one.weight),
            Key::Name => one.path.cmp(&other.path),
            Key::Time => other.totals.newest.cmp(&one.totals.newest),
        };
        if self.reverse { order.reverse() } else { order }
    }
}

#[cfg(test)]
mod tests {
    use memalloc_os::walk::Totals;

    use super::*;

    #[test]
    fn lines_come_in_the_order_of_the_key() {
        let line = |path: &str, weight, time| {
            let totals = Totals { newest: (time, 0), ..Totals::NONE };
            Held { path: path.into(), depth: 0, totals, weight }
        };
        let lines = [line("b", 5, 1), line("a", 7, 0), line("c", 5, 2)];
        let sorted = |key, reverse| {
            let mut lines = lines.to_vec();
            Order { key, reverse }.sort(&mut lines, |line| line);
            lines.iter().map(|line| char::from(line.path[0])).collect::<String>()
        };
        assert_eq!([sorted(Key::Size, false), sorted(Key::Size, true)], ["abc", "bca"]);
        assert_eq!([sorted(Key::Name, false), sorted(Key::Name, true)], ["abc", "cba"]);
        assert_eq!([sorted(Key::Time, false), sorted(Key::Time, true)], ["cba", "abc"]);
    }
}
