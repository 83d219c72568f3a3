//! All chunks that are not in use, made one wherever they touch.

use core::sync::atomic::Ordering::Relaxed;

use super::{Entry, Map, WORD_GRANULES, bit, entries};
use crate::granule::Granule;

/// # Safety of its methods
/// As for [`Map`].
impl<G: Granule> Map<G> {
    /// Makes each row of chunks that are free or wait one free chunk, and tells `found` of it: where it starts and ends. Which wait,
    /// the map says, or `waiting`: of each entry, given its index. Of chunks in use nothing is looked at but a bit. How many
    /// waited. O(granules / [`WORD_GRANULES`] + rows).
    ///
    /// # Safety
    /// As for the type; the chunks are those of `[first, end)`, granules of the map.
    pub unsafe fn sweep(
        self,
        first: usize,
        end: usize,
        waiting: impl Fn(usize) -> usize,
        mut found: impl FnMut(usize, usize),
    ) -> usize {
        let (mut open, mut chunks, mut edges) = (None, 0, 0);
        for index in first / WORD_GRANULES..entries(end) {
            // SAFETY: the caller gives granules of the map.
            let entry = unsafe { self.entry(index) };
            let starts = entry.starts();
            if starts == 0 {
                // One chunk covers the entry: in a row it keeps no note.
                if open.is_some() {
                    entry.edges().store(0, Relaxed);
                }
                continue;
            }
            let used = entry.used().load(Relaxed) & !waiting(index);
            if open.is_none() && starts & !used == 0 {
                continue;
            }
            // The boundary counts as in use, whatever the layout says.
            let used = used | if index == end / WORD_GRANULES { bit(end) } else { 0 };
            let rows = Rows::of_entry(index * WORD_GRANULES, starts, used, &mut open, &mut found);
            chunks += (starts & rows.inside).count_ones() as usize;
            edges += (starts & entry.edges().load(Relaxed) & (rows.inside | rows.ends)).count_ones() as usize;
            rows.make_free(entry);
        }
        // Each chunk that was free is between two edges.
        chunks - edges / 2
    }
}

/// What an entry has of rows of chunks that are not in use, a bit a granule.
#[derive(Default)]
pub(super) struct Rows {
    /// What is in one.
    pub(super) inside: usize,
    /// Where one starts.
    pub(super) starts: usize,
    /// What is above the end of one.
    pub(super) ends: usize,
}

impl Rows {
    /// Those of the entry from granule `first` on, in which chunks start at `starts`, and `used` are in use. `open` is where the row
    /// started that is not at its end yet. `found` is told where each starts and ends that ends here.
    #[inline(always)]
    fn of_entry(
        first: usize,
        starts: usize,
        used: usize,
        open: &mut Option<usize>,
        found: &mut impl FnMut(usize, usize),
    ) -> Self {
        let (mut rows, mut unused) = (Self::default(), starts & !used);
        loop {
            let from = if open.is_some() { 1 } else { lowest(unused) };
            if from == 0 {
                return rows;
            }
            let start = *open.get_or_insert_with(|| {
                rows.starts |= from;
                first + from.trailing_zeros() as usize
            });
            let above = from.wrapping_neg();
            let end = lowest(used & above);
            // Of no end, all that is above.
            rows.inside |= above & end.wrapping_sub(1);
            if end == 0 {
                return rows;
            }
            rows.ends |= end;
            found(start, first + end.trailing_zeros() as usize);
            *open = None;
            unused &= end.wrapping_neg();
        }
    }

    /// Makes each a free chunk in `entry`.
    pub(super) fn make_free(&self, entry: &impl Entry) {
        let edges = entry.edges().load(Relaxed) & !self.inside | self.starts | self.ends;
        entry.edges().store(edges, Relaxed);
        entry.end_all(self.inside, self.starts);
    }
}

/// The lowest bit of those that are set.
#[inline(always)]
const fn lowest(bits: usize) -> usize {
    bits & bits.wrapping_neg()
}
