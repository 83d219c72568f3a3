//! All chunks that are not in use, made one wherever they touch.

use core::sync::atomic::Ordering::Relaxed;

use super::{Entry, Map, WORD_GRANULES, bit};
use crate::granule::Granule;

/// # Safety of its methods
/// As for [`Map`].
impl<G: Granule> Map<G> {
    /// Makes each row of chunks that are free or wait one free chunk, and tells `found` of it: where it starts and ends. Which wait,
    /// the map says, or `waiting`: of each entry, given its index. Of chunks in use nothing is looked at but a bit. How many
    /// waited. O(granules / [`WORD_GRANULES`] + rows).
    ///
    /// # Safety
    /// As for the type; the chunks are those of `[first, granules)`, the map's granules.
    pub unsafe fn sweep(
        self,
        first: usize,
        granules: usize,
        waiting: impl Fn(usize) -> usize,
        mut found: impl FnMut(usize, usize),
    ) -> usize {
        let (mut at, mut waited) = (first, 0);
        let in_use = |index: usize, entry: &G::Entry| entry.used().load(Relaxed) & !waiting(index);
        // SAFETY: the caller gives granules of the map.
        unsafe {
            while let Some(from) =
                self.first_from(at, granules, |index, entry| entry.starts() & !in_use(index, entry))
            {
                let to = self.first_from(from, granules, in_use).unwrap_or(granules);
                waited += self.make_free(from, to);
                found(from, to);
                at = to;
            }
        }
        waited
    }

    /// The first granule of `[at, limit)` that has one of the bits `of` an entry.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    unsafe fn first_from(
        self,
        at: usize,
        limit: usize,
        of: impl Fn(usize, &G::Entry) -> usize,
    ) -> Option<usize> {
        let mut index = at / WORD_GRANULES;
        // SAFETY: the caller gives granules of the map.
        let mut bits = unsafe { of(index, self.entry(index)) } & !(bit(at) - 1);
        while bits == 0 {
            index += 1;
            if index * WORD_GRANULES >= limit {
                return None;
            }
            // SAFETY: as before.
            bits = unsafe { of(index, self.entry(index)) };
        }
        let granule = index * WORD_GRANULES + bits.trailing_zeros() as usize;
        (granule < limit).then_some(granule)
    }

    /// Makes `[from, to)`, whose chunks are not in use, one free chunk. How many of them waited: all but those between two edges.
    ///
    /// # Safety
    /// As for the type; a chunk starts at `from`, and one that is in use, or the boundary, at `to`.
    unsafe fn make_free(self, from: usize, to: usize) -> usize {
        let (mut chunks, mut edges) = (0, 0);
        let (first, last) = (from / WORD_GRANULES, to / WORD_GRANULES);
        for index in first..=last {
            let above = if index == first { !(bit(from) - 1) } else { usize::MAX };
            let below = if index == last { bit(to) - 1 } else { usize::MAX };
            let inside = above & below;
            let start = if index == first { bit(from) } else { 0 };
            let end = if index == last { bit(to) } else { 0 };
            // SAFETY: the caller gives granules of the map.
            let entry = unsafe { self.entry(index) };
            let starts = entry.starts();
            chunks += (starts & inside).count_ones() as usize;
            edges += (starts & entry.edges().load(Relaxed) & (inside | end)).count_ones() as usize;
            entry.edges().store(entry.edges().load(Relaxed) & !inside | start | end, Relaxed);
            entry.end_all(inside, start);
        }
        chunks - edges / 2
    }
}
