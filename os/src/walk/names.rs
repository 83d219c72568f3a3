//! A stack of names: the sub-directories that are still to be visited.

use std::ffi::CStr;

use rustix::io;

use crate::map_vec::MapVec;

/// Bytes of the length that stands behind each name.
const LENGTH: usize = size_of::<u16>();

/// Names end to end, each followed by its length, so that they come off in the reverse order.
pub(super) struct Names {
    bytes: MapVec<u8>,
}

impl Names {
    pub(super) const fn new() -> Self {
        Self { bytes: MapVec::new() }
    }

    /// A mark: the end of the last name.
    pub(super) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Puts `name` on top.
    pub(super) fn push(&mut self, name: &CStr) -> io::Result<()> {
        let name = name.to_bytes_with_nul();
        let length = u16::try_from(name.len()).map_err(|_| io::Errno::NAMETOOLONG)?;
        let before = self.end();
        self.bytes.extend(name)?;
        self.bytes.extend(&length.to_ne_bytes()).inspect_err(|_| self.bytes.truncate(before))
    }

    /// The name on top; empty if there is none.
    pub(super) fn top(&self) -> &CStr {
        self.ending_at(self.end())
    }

    /// The name whose end is the mark `end`; empty if there is none.
    pub(super) fn ending_at(&self, end: usize) -> &CStr {
        self.start_of(end)
            .and_then(|start| self.bytes.get(start..end - LENGTH))
            .and_then(|name| CStr::from_bytes_with_nul(name).ok())
            .unwrap_or(c"")
    }

    /// The mark below the name whose end is the mark `end`.
    pub(super) fn below(&self, end: usize) -> usize {
        self.start_of(end).unwrap_or(0)
    }

    /// The mark that cuts the names between two marks in halves of about as many bytes. A single name is in the lower
    /// half; of several, each half has one.
    ///
    /// Takes as long as the upper half has names.
    pub(super) fn middle(&self, lower: usize, upper: usize) -> usize {
        let half = lower + upper.saturating_sub(lower) / 2;
        let mut mark = upper;
        loop {
            let next = self.below(mark);
            if next <= lower || (next < half && mark < upper) {
                return mark;
            }
            mark = next;
        }
    }

    /// Takes the top name away.
    pub(super) fn pop(&mut self) {
        self.bytes.truncate(self.below(self.end()));
    }

    /// Takes away all names above the mark `end`.
    pub(super) fn truncate(&mut self, end: usize) {
        self.bytes.truncate(end);
    }

    fn start_of(&self, end: usize) -> Option<usize> {
        let length = self.bytes.get(end.checked_sub(LENGTH)?..end)?.try_into().ok()?;
        (end - LENGTH).checked_sub(usize::from(u16::from_ne_bytes(length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_off_in_reverse() {
        let mut names = Names::new();
        names.push(c"first").unwrap();
        let mark = names.end();
        names.push(c"").unwrap();
        names.push(c"third\n\xff").unwrap();
        assert_eq!(names.top(), c"third\n\xff");
        names.pop();
        names.pop();
        assert_eq!((names.top(), names.end()), (c"first", mark));
        names.push(c"other").unwrap();
        assert_eq!(names.ending_at(mark), c"first");
        names.truncate(mark);
        assert_eq!(names.top(), c"first");
        names.pop();
        names.pop();
        assert_eq!((names.top(), names.end()), (c"", 0));
    }

    #[test]
    fn the_middle_lies_between_two_names_and_no_half_of_several_is_empty() {
        let mut names = Names::new();
        let mut marks = vec![0];
        for _ in 0..10 {
            names.push(c"name").unwrap();
            marks.push(names.end());
        }
        for lower in 0..10 {
            for upper in lower + 1..=10 {
                let middle = names.middle(marks[lower], marks[upper]);
                assert_eq!(middle, marks[lower + (upper - lower).div_ceil(2)], "{lower}..{upper}");
            }
        }
        let mark = names.end();
        names.push(&std::ffi::CString::new([b'n'; 1000]).unwrap()).unwrap();
        let upper = names.end();
        assert_eq!(names.middle(0, upper), mark);
        assert_eq!(names.middle(mark, upper), upper);
    }
}
