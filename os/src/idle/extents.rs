//! All extents that are idle, and which of them serve a request, or go first.

use core::cmp::Reverse;
use core::ops::Range;
use core::ptr::NonNull;

use super::extent::Extent;
use super::taken::Taken;
use crate::map_vec::MapVec;

/// The extents, in address order. Of those that touch, one has pages and the other none.
pub(super) struct Idle {
    extents: MapVec<Extent>,
    /// Bytes of all, and of those that may have pages.
    bytes: usize,
    used: usize,
    /// None that may have pages became idle before, in milliseconds.
    oldest: u64,
}

// SAFETY: the memory is nobody's.
unsafe impl Send for Idle {}

impl Idle {
    /// None.
    pub(super) const fn new() -> Self {
        Self { extents: MapVec::new(), bytes: 0, used: 0, oldest: u64::MAX }
    }

    /// Has room for the first, if that can be had.
    pub(super) fn prepare(&mut self) {
        let _has_room = self.extents.reserve(1);
    }

    /// Bytes of all. O(1).
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of all that may have pages. O(1).
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// When the first of them became idle that may have pages, or before: in milliseconds. O(1).
    pub(super) const fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Adds an extent, one with those that it touches and is like. Whether there is room for it.
    pub(super) fn keep(&mut self, mut extent: Extent) -> bool {
        self.count_in(extent);
        let mut place = self.extents.partition_point(|there| there.start < extent.start);
        if let Some(joined) = self.extents.get(place).and_then(|&upper| extent.joined(upper)) {
            extent = joined;
            self.extents.remove(place..place + 1);
        }
        if let Some(joined) = place.checked_sub(1).and_then(|lower| self.extents.get(lower)?.joined(extent)) {
            extent = joined;
            place -= 1;
            self.extents.remove(place..place + 1);
        }
        let has_room = self.extents.insert(place, extent).is_ok();
        if !has_room {
            self.count_out(extent);
        }
        has_room
    }

    fn count_in(&mut self, extent: Extent) {
        self.bytes += extent.size;
        self.used += extent.used();
        if extent.has_pages {
            self.oldest = self.oldest.min(extent.since);
        }
    }

    fn count_out(&mut self, extent: Extent) {
        self.bytes -= extent.size;
        self.used -= extent.used();
    }

    /// Takes `size` bytes that are aligned off an end of a stretch of extents side by side: off that where most of them have pages; of
    /// those, off the smallest stretch; and of its ends, off the upper.
    pub(super) fn take(&mut self, size: usize, align: usize) -> Option<Taken> {
        let mut best: Option<(usize, usize, usize, Reverse<usize>)> = None;
        let mut first = 0;
        while let Some(extent) = self.extents.get(first) {
            let stretch = self.stretch(first);
            let bytes = bytes_of(stretch);
            if bytes >= size {
                for from in ends(extent.start.addr().get(), bytes, size, align).into_iter().flatten() {
                    let fit = (zeros_within(stretch, from..from + size), bytes, first, Reverse(from));
                    best = Some(best.map_or(fit, |best| best.min(fit)));
                }
            }
            first += stretch.len();
        }
        let (.., first, Reverse(from)) = best?;
        self.cut(first, from, size)
    }

    /// Takes the `size` bytes from `start` on, if they are idle, and an extent starts there.
    pub(super) fn take_at(&mut self, start: NonNull<u8>, size: usize) -> Option<Taken> {
        if self.size_at(start) < size {
            return None;
        }
        self.cut(self.place_of(start)?, 0, size)
    }

    /// Takes `most` bytes that may have pages off the smallest extent that has them, or all of the largest that has any.
    pub(super) fn take_used(&mut self, most: usize) -> Option<Taken> {
        let key = |extent: &Extent| (extent.size < most, extent.size.abs_diff(most));
        let place = self.least(|extent| extent.has_pages, key)?;
        let all = self.extents.get(place)?.size;
        let size = all.min(most);
        self.cut(place, all - size, size)
    }

    /// Bytes side by side from `start` on, if an extent starts there, or 0.
    pub(super) fn size_at(&self, start: NonNull<u8>) -> usize {
        self.place_of(start).map_or(0, |place| bytes_of(self.stretch(place)))
    }

    /// Takes out what is idle for longest, and since `until` at least, of what may have pages and is not kept for now.
    pub(super) fn remove_oldest(&mut self, until: u64) -> Option<Extent> {
        let goes = |extent: &Extent| extent.has_pages && !extent.for_now && extent.since <= until;
        let place = self.least(goes, |extent| extent.since)?;
        self.remove_at(place)
    }

    /// Takes out one that `goes`, of those that may have pages.
    pub(super) fn remove(&mut self, goes: impl Fn(&Extent) -> bool) -> Option<Extent> {
        match self.extents.iter().position(|extent| extent.has_pages && goes(extent)) {
            Some(place) => self.remove_at(place),
            None => {
                let with_pages = self.extents.iter().filter(|extent| extent.has_pages);
                self.oldest = with_pages.map(|extent| extent.since).min().unwrap_or(u64::MAX);
                None
            }
        }
    }

    /// Takes whole slots out that have no pages.
    pub(super) fn take_slots_of_zeros(&mut self) -> Option<Taken> {
        let slots = |extent: &Extent| if extent.has_pages { None } else { extent.whole_slots() };
        let (place, slots) =
            self.extents.iter().enumerate().find_map(|(place, extent)| Some((place, slots(extent)?)))?;
        let from = slots.start.addr().get() - self.extents.get(place)?.start.addr().get();
        self.cut(place, from, slots.size)
    }

    fn remove_at(&mut self, place: usize) -> Option<Extent> {
        let extent = *self.extents.get(place)?;
        self.extents.remove(place..place + 1);
        self.count_out(extent);
        Some(extent)
    }

    /// Where that extent stands of those that `fit` of which `key` is least.
    fn least<K: Ord>(&self, fits: impl Fn(&Extent) -> bool, key: impl Fn(&Extent) -> K) -> Option<usize> {
        let that_fit = self.extents.iter().enumerate().filter(|(_, extent)| fits(extent));
        that_fit.min_by_key(|(_, extent)| key(extent)).map(|(place, _)| place)
    }

    /// Where the extent stands that starts at `start`.
    fn place_of(&self, start: NonNull<u8>) -> Option<usize> {
        self.extents.binary_search_by_key(&start, |extent| extent.start).ok()
    }

    /// The extents side by side from that at `first` on.
    fn stretch(&self, first: usize) -> &[Extent] {
        let extents = self.extents.get(first..).unwrap_or_default();
        let pairs = extents.iter().zip(extents.iter().skip(1));
        let last = pairs.take_while(|(lower, upper)| lower.touches(upper)).count();
        extents.get(..=last).unwrap_or_default()
    }

    /// Cuts `size` bytes out of the extents side by side from that at `first` on, `from` bytes from its start. `None` if there is no
    /// room for what is left.
    fn cut(&mut self, first: usize, from: usize, size: usize) -> Option<Taken> {
        let lower = self.split(first, from)?;
        let upper = self.split(lower, size)?;
        let extents = self.extents.get(lower..upper)?;
        let mut taken = Taken::new(extents.first()?.start, size);
        let (mut at, mut zeros) = (0, 0);
        for extent in extents {
            if !extent.has_pages {
                taken.add_zeros(at..at + extent.size);
                zeros += extent.size;
            }
            at += extent.size;
        }
        self.extents.remove(lower..upper);
        self.bytes -= size;
        self.used -= size - zeros;
        Some(taken)
    }

    /// Has an extent start, or end, `from` bytes from the start of that at `place`, in those side by side. Where the one stands that
    /// starts there, or would.
    fn split(&mut self, mut place: usize, mut from: usize) -> Option<usize> {
        while from > 0 {
            let extent = *self.extents.get(place)?;
            if from < extent.size {
                self.extents.insert(place + 1, extent.part(from, extent.size - from)).ok()?;
                *self.extents.get_mut(place)? = extent.part(0, from);
            }
            from -= from.min(extent.size);
            place += 1;
        }
        Some(place)
    }
}

/// Bytes of extents side by side.
fn bytes_of(stretch: &[Extent]) -> usize {
    let (first, last) = (stretch.first(), stretch.last());
    first.zip(last).map_or(0, |(first, last)| last.start.addr().get() + last.size - first.start.addr().get())
}

/// Bytes without pages in a part of extents side by side.
fn zeros_within(stretch: &[Extent], part: Range<usize>) -> usize {
    let (mut at, mut zeros) = (0, 0);
    for extent in stretch {
        if !extent.has_pages {
            zeros += (at + extent.size).min(part.end).saturating_sub(at.max(part.start));
        }
        at += extent.size;
    }
    zeros
}

/// Where the lowest and the highest `size` bytes that are aligned start, of `bytes` from `start` on, if there are so many.
fn ends(start: usize, bytes: usize, size: usize, align: usize) -> [Option<usize>; 2] {
    let lowest = start.wrapping_neg() & (align - 1);
    let highest = bytes.checked_sub(size).and_then(|from| from.checked_sub((start + from) & (align - 1)));
    [highest.map(|_| lowest), highest]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{SLOT, UNIT};

    fn unit(number: usize) -> NonNull<u8> {
        NonNull::new(core::ptr::without_provenance_mut(number * UNIT)).unwrap()
    }

    fn extent(number: usize, units: usize, since: u64) -> Extent {
        Extent { start: unit(number), size: units * UNIT, has_pages: true, since, for_now: false }
    }

    fn zeros(number: usize, units: usize) -> Extent {
        Extent { has_pages: false, ..extent(number, units, 0) }
    }

    /// All extents, which are counted.
    fn all(idle: &Idle) -> std::vec::Vec<Extent> {
        let sum = |of: fn(&Extent) -> usize| idle.extents.iter().map(of).sum::<usize>();
        assert_eq!((idle.bytes(), idle.used()), (sum(|extent| extent.size), sum(Extent::used)));
        idle.extents.to_vec()
    }

    fn idle(extents: &[Extent]) -> Idle {
        let mut idle = Idle::new();
        assert!(extents.iter().all(|&extent| idle.keep(extent)));
        idle
    }

    /// Where what was taken starts, its units, and those that are zeros.
    fn units(taken: Option<Taken>) -> Option<(usize, usize, usize)> {
        taken.map(|taken| (taken.start.addr().get() / UNIT, taken.size / UNIT, taken.zero_bytes() / UNIT))
    }

    #[test]
    fn extents_that_touch_and_are_alike_are_one() {
        let idle = idle(&[extent(10, 2, 7), extent(14, 1, 5), zeros(20, 1), extent(12, 2, 9), zeros(15, 5)]);
        assert_eq!(all(&idle), [extent(10, 5, 9), zeros(15, 6)]);
        assert_eq!((idle.bytes(), idle.used(), idle.oldest()), (11 * UNIT, 5 * UNIT, 5));
        assert_eq!((idle.size_at(unit(10)), idle.size_at(unit(15))), (11 * UNIT, 6 * UNIT));
        assert_eq!((idle.size_at(unit(12)), Idle::new().oldest()), (0, u64::MAX));
    }

    #[test]
    fn what_has_most_pages_is_taken_and_then_off_the_smallest_stretch() {
        let stretches = [zeros(10, 4), extent(20, 3, 1), zeros(23, 3), extent(30, 9, 2), extent(50, 4, 3)];
        let mut idle = idle(&stretches);
        assert_eq!(units(idle.take(10 * UNIT, UNIT)), None);
        assert_eq!(units(idle.take(4 * UNIT, UNIT)), Some((50, 4, 0)), "the smallest");
        assert_eq!(units(idle.take(3 * UNIT, UNIT)), Some((20, 3, 0)), "at its lower end");
        assert_eq!(units(idle.take(7 * UNIT, UNIT)), Some((32, 7, 0)), "at its upper end");
        assert_eq!(units(idle.take(3 * UNIT, UNIT)), Some((23, 3, 3)), "of zeros, the smallest");
        assert_eq!(all(&idle), [zeros(10, 4), extent(30, 2, 2)]);
    }

    #[test]
    fn what_is_taken_may_be_made_of_several_and_tells_which_are_zeros() {
        let mut idle = idle(&[extent(10, 2, 1), zeros(12, 3), extent(15, 1, 2), zeros(16, 2)]);
        let mut taken = idle.take(7 * UNIT, UNIT).unwrap();
        assert_eq!(taken.start, unit(10));
        let pieces: std::vec::Vec<_> =
            taken.zeros().iter().filter(|piece| !Range::is_empty(piece)).cloned().collect();
        assert_eq!(pieces, [2 * UNIT..5 * UNIT, 6 * UNIT..7 * UNIT]);
        assert_eq!(all(&idle), [zeros(17, 1)]);
    }

    #[test]
    fn what_is_taken_is_aligned_and_leaves_what_lies_beside_it() {
        let mut idle = idle(&[extent(7, 9, 1)]);
        assert_eq!(units(idle.take(5 * UNIT, 16 * UNIT)), None);
        assert_eq!(units(idle.take(5 * UNIT, 8 * UNIT)), Some((8, 5, 0)));
        assert_eq!(all(&idle), [extent(7, 1, 1), extent(13, 3, 1)]);
        assert_eq!(units(idle.take(UNIT, 4 * UNIT)), None);
        assert_eq!(ends(5, 20, 3, 4), [Some(3), Some(15)]);
        assert_eq!((ends(5, 2, 3, 1), ends(5, 5, 3, 4)), ([None; 2], [None; 2]));
    }

    #[test]
    fn what_lies_above_a_block_is_taken_across_extents() {
        let mut idle = idle(&[extent(10, 2, 1), zeros(12, 3), extent(20, 2, 1)]);
        assert_eq!(units(idle.take_at(unit(11), UNIT)), None);
        assert_eq!(units(idle.take_at(unit(10), 6 * UNIT)), None);
        assert_eq!(units(idle.take_at(unit(10), 3 * UNIT)), Some((10, 3, 1)));
        assert_eq!(all(&idle), [zeros(13, 2), extent(20, 2, 1)]);
        assert_eq!(units(idle.take_at(unit(13), 2 * UNIT)), Some((13, 2, 2)));
    }

    #[test]
    fn pages_are_taken_off_the_smallest_that_has_enough_or_of_the_largest() {
        let mut idle = idle(&[extent(10, 5, 1), zeros(15, 9), extent(30, 8, 1), extent(40, 2, 1)]);
        assert_eq!(units(idle.take_used(3 * UNIT)), Some((12, 3, 0)));
        assert_eq!(units(idle.take_used(20 * UNIT)), Some((30, 8, 0)));
        assert_eq!(units(idle.take_used(2 * UNIT)), Some((10, 2, 0)));
        assert_eq!(units(idle.take_used(20 * UNIT)), Some((40, 2, 0)));
        assert_eq!((units(idle.take_used(UNIT)), all(&idle)), (None, std::vec![zeros(15, 9)]));
    }

    #[test]
    fn the_oldest_with_pages_goes_first_and_what_is_kept_for_now_does_not() {
        let for_now = |number, since| Extent { for_now: true, ..extent(number, 1, since) };
        let mut idle = idle(&[
            extent(10, 1, 7),
            for_now(20, 1),
            extent(30, 1, 5),
            zeros(31, 2),
            extent(40, 1, 3),
            for_now(41, 9),
        ]);
        assert_eq!(idle.oldest(), 1);
        assert_eq!(idle.remove_oldest(4), None, "one is kept for now, and all others came later");
        assert_eq!(idle.remove_oldest(5), Some(extent(30, 1, 5)));
        assert_eq!(idle.remove_oldest(u64::MAX), Some(extent(10, 1, 7)));
        assert_eq!((idle.remove_oldest(u64::MAX), idle.used()), (None, 3 * UNIT));
        assert_eq!(idle.remove(|extent| extent.since > 1).map(|extent| extent.start), Some(unit(40)));
        assert_eq!(idle.remove(|extent| extent.since > 9), None, "the last has not been for so long");
        assert_eq!((idle.oldest(), idle.remove(|_| true).is_some()), (1, true));
        assert_eq!(
            (idle.remove(|_| true), idle.oldest()),
            (None, u64::MAX),
            "zeros are nothing to have back"
        );
    }

    #[test]
    fn whole_slots_without_pages_are_taken_and_those_alone() {
        let slot = SLOT / UNIT;
        let mut idle = idle(&[
            zeros(slot - 1, slot),
            extent(3 * slot, slot, 1),
            zeros(4 * slot, slot / 2),
            zeros(6 * slot - 2, 2 * slot + 3),
        ]);
        assert_eq!(units(idle.take_slots_of_zeros()), Some((6 * slot, 2 * slot, 2 * slot)));
        assert_eq!(idle.take_slots_of_zeros(), None);
        assert_eq!(all(&idle)[3..], [zeros(6 * slot - 2, 2), zeros(8 * slot, 1)]);
        let beside = extent(slot - 1, slot + 3, 1);
        assert_eq!(beside.whole_slots(), Some(extent(slot, slot, 1)));
        assert_eq!(beside.beside_slots(), [extent(slot - 1, 1, 1), extent(2 * slot, 2, 1)]);
        let within = extent(slot + 1, slot - 1, 1);
        assert_eq!(within.whole_slots(), None);
        assert_eq!(within.beside_slots().map(|part| part.size), [within.size, 0]);
    }
}
