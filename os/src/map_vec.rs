//! A growing array that never touches the global allocator.
//!
//! A forked child of a threaded process must not allocate: a thread that no longer exists may have held the
//! allocator's lock at the fork. Its arrays come straight from `mmap`.

use std::ops::{Deref, DerefMut, Range};
use std::ptr::{self, NonNull};
use std::slice;

use rustix::io::{self, Errno};
use rustix::mm::{MapFlags, MremapFlags, ProtFlags, mmap_anonymous, mremap, munmap};

/// Bytes of the first mapping.
const FIRST: usize = 16 * 1024;

/// A growing array of plain values in its own mapping.
pub(crate) struct MapVec<T: Copy> {
    start: NonNull<T>,
    len: usize,
    /// Bytes mapped at `start`; 0 before the first push.
    mapped: usize,
}

// SAFETY: the mapping belongs to this value alone, like a Vec's buffer.
unsafe impl<T: Copy + Send> Send for MapVec<T> {}

impl<T: Copy> MapVec<T> {
    /// An empty array; maps nothing.
    pub(crate) const fn new() -> Self {
        const { assert!(size_of::<T>() > 0 && align_of::<T>() <= 4096) };
        Self { start: NonNull::dangling(), len: 0, mapped: 0 }
    }

    /// Adds a value at the end, or says `ENOMEM` and leaves the array as it was.
    pub(crate) fn push(&mut self, value: T) -> io::Result<()> {
        self.extend(slice::from_ref(&value))
    }

    /// Adds values at the end: all, or, with `ENOMEM`, none.
    pub(crate) fn extend(&mut self, values: &[T]) -> io::Result<()> {
        let len = self.len.checked_add(values.len()).ok_or(Errno::NOMEM)?;
        self.reserve(len)?;
        // SAFETY: `reserve` made room for `len` values, so the target lies within the mapping; `values` is
        // another live borrow and so cannot lie in the part beyond `self.len`, which nobody can borrow.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), self.start.as_ptr().add(self.len), values.len()) };
        self.len = len;
        Ok(())
    }

    /// Keeps the first `len` values.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Adds a value before the one at `index`, or at the end; or says `ENOMEM` and leaves the array as it was.
    pub(crate) fn insert(&mut self, index: usize, value: T) -> io::Result<()> {
        let index = index.min(self.len);
        self.reserve(self.len + 1)?;
        // SAFETY: `reserve` made room for one more than the values, of which those from `index` on make way.
        unsafe {
            let place = self.start.add(index);
            place.add(1).copy_from(place, self.len - index);
            place.write(value);
        }
        self.len += 1;
        Ok(())
    }

    /// Takes out the values in a range, as far as there are any.
    pub(crate) fn remove(&mut self, range: Range<usize>) {
        let (first, end) = (range.start.min(self.len), range.end.min(self.len));
        if first < end {
            // SAFETY: both places, and the values from `end` on, are the array's.
            unsafe { self.start.add(first).copy_from(self.start.add(end), self.len - end) };
            self.len -= end - first;
        }
    }

    /// Has room for `len` values, or says `ENOMEM`.
    pub(crate) fn reserve(&mut self, len: usize) -> io::Result<()> {
        let needed = len.checked_mul(size_of::<T>()).ok_or(Errno::NOMEM)?;
        if needed <= self.mapped {
            return Ok(());
        }
        let wanted = needed.checked_next_power_of_two().ok_or(Errno::NOMEM)?.max(FIRST);
        if isize::try_from(wanted).is_err() {
            return Err(Errno::NOMEM);
        }
        let start = if self.mapped == 0 { map(wanted)? } else { self.remap(wanted)? };
        self.start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        self.mapped = wanted;
        Ok(())
    }

    fn remap(&mut self, wanted: usize) -> io::Result<*mut std::ffi::c_void> {
        // SAFETY: `start` and `mapped` are a whole mapping of ours, and no borrow of it lives across `&mut self`.
        unsafe { mremap(self.start.as_ptr().cast(), self.mapped, wanted, MremapFlags::MAYMOVE) }
    }
}

fn map(len: usize) -> io::Result<*mut std::ffi::c_void> {
    // SAFETY: a new anonymous mapping at an address the kernel chooses touches no memory in use.
    unsafe { mmap_anonymous(ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE) }
}

impl<T: Copy> Deref for MapVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the first `len` values were written by `extend`, and the mapping is page-aligned (or dangling and
        // aligned with `len` 0).
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Copy> DerefMut for MapVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: the first `len` values were written by `extend`, and `&mut self` makes the borrow exclusive.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Copy> Drop for MapVec<T> {
    fn drop(&mut self) {
        if self.mapped != 0 {
            // SAFETY: the whole mapping is ours, and with this value its last user goes. A failure leaks it.
            let _ = unsafe { munmap(self.start.as_ptr().cast(), self.mapped) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_over_many_mappings_and_keeps_its_values() {
        let mut numbers = MapVec::new();
        for n in 0..100_000u64 {
            numbers.push(n).unwrap();
        }
        assert!(numbers.iter().copied().eq(0..100_000));
    }

    #[test]
    fn truncate_forgets_and_push_goes_on_from_there() {
        let mut bytes = MapVec::new();
        bytes.extend(b"abcdef").unwrap();
        bytes.truncate(2);
        bytes.truncate(9);
        bytes.push(b'x').unwrap();
        assert_eq!(&*bytes, b"abx");
        *bytes.get_mut(0).unwrap() = b'y';
        assert_eq!(bytes.get_mut(3), None);
        assert_eq!(&*bytes, b"ybx");
    }

    #[test]
    fn values_are_inserted_and_removed_anywhere() {
        let mut bytes = MapVec::new();
        bytes.extend(b"abcd").unwrap();
        for (index, value) in [(0, b'x'), (3, b'y'), (9, b'z')] {
            bytes.insert(index, value).unwrap();
        }
        assert_eq!(&*bytes, b"xabycdz");
        for (range, left) in
            [(1..3, &b"xycdz"[..]), (4..5, b"xycd"), (2..2, b"xycd"), (0..1, b"ycd"), (0..3, b"")]
        {
            bytes.remove(range);
            assert_eq!(&*bytes, left);
        }
    }

    #[test]
    fn an_impossible_size_is_an_answer() {
        let mut words = MapVec::<u64>::new();
        assert_eq!(words.reserve(usize::MAX), Err(Errno::NOMEM));
        assert_eq!(words.reserve(usize::MAX / 16), Err(Errno::NOMEM));
        words.push(1).unwrap();
        assert_eq!(&*words, [1]);
    }
}
