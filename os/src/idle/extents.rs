//! Which memory is idle: extents, and which of them serves a request, or goes first.

use core::ptr::NonNull;

/// Extents that are kept at once.
const MOST: usize = 64;

/// Idle memory: whole slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: NonNull<u8>,
    pub(super) size: usize,
    /// Bytes from the start on that may hold what they held: those beyond are zeros, and have no pages.
    pub(super) used: usize,
    /// When it became idle, or the latest piece of it did: in milliseconds.
    pub(super) since: u64,
    /// Whether some of it is kept [for now](super::keep_for_now).
    pub(super) for_now: bool,
}

impl Extent {
    /// It and another one, if that starts at its end.
    fn joined(self, upper: Self) -> Option<Self> {
        let touch = self.start.addr().get() + self.size == upper.start.addr().get();
        touch.then(|| Self {
            size: self.size + upper.size,
            used: if upper.used > 0 { self.size + upper.used } else { self.used },
            since: self.since.max(upper.since),
            for_now: self.for_now || upper.for_now,
            ..self
        })
    }
}

/// The extents, in no order. No two touch.
pub(super) struct Idle {
    extents: [Option<Extent>; MOST],
}

// SAFETY: the memory is nobody's.
unsafe impl Send for Idle {}

impl Idle {
    /// None.
    pub(super) const fn new() -> Self {
        Self { extents: [None; MOST] }
    }

    /// Bytes of all.
    pub(super) fn bytes(&self) -> usize {
        self.extents.iter().flatten().map(|extent| extent.size).sum()
    }

    /// When the first of them became idle: in milliseconds.
    pub(super) fn oldest(&self) -> u64 {
        self.extents.iter().flatten().map(|extent| extent.since).min().unwrap_or(u64::MAX)
    }

    /// Adds an extent, one with those that it touches. Whether there is room for it.
    pub(super) fn keep(&mut self, mut extent: Extent) -> bool {
        for place in &mut self.extents {
            if let Some(joined) =
                place.and_then(|there| there.joined(extent).or_else(|| extent.joined(there)))
            {
                extent = joined;
                *place = None;
            }
        }
        let room = self.extents.iter_mut().find(|place| place.is_none());
        room.map(|place| *place = Some(extent)).is_some()
    }

    /// Takes `size` bytes off the smallest extent that has them. They, and how many of them may hold what they held.
    pub(super) fn take(&mut self, size: usize) -> Option<(NonNull<u8>, usize)> {
        let extents = self.extents.iter_mut().filter(|place| place.is_some_and(|extent| extent.size >= size));
        let place = extents.min_by_key(|place| place.map(|extent| extent.size))?;
        Self::cut(place, size)
    }

    /// Takes the `size` bytes from `start` on, if an extent starts there and has them. Whether one does.
    pub(super) fn take_at(&mut self, start: NonNull<u8>, size: usize) -> bool {
        let fits = |extent: Extent| extent.start == start && extent.size >= size;
        let place = self.extents.iter_mut().find(|place| place.is_some_and(fits));
        place.is_some_and(|place| Self::cut(place, size).is_some())
    }

    /// Cuts `size` bytes off the start of an extent that has them.
    fn cut(place: &mut Option<Extent>, size: usize) -> Option<(NonNull<u8>, usize)> {
        let extent = place.take()?;
        if extent.size > size {
            // SAFETY: the rest lies in the extent.
            let start = unsafe { extent.start.add(size) };
            let used = extent.used.saturating_sub(size);
            *place = Some(Extent { start, size: extent.size - size, used, ..extent });
        }
        Some((extent.start, extent.used.min(size)))
    }

    /// Where that stands which is idle for longest, of what is not kept for now.
    fn oldest_place(&mut self) -> Option<&mut Option<Extent>> {
        let extents = self.extents.iter_mut().filter(|place| place.is_some_and(|extent| !extent.for_now));
        extents.min_by_key(|place| place.map(|extent| extent.since))
    }

    /// Takes out what is idle for longest, of what is not kept for now.
    pub(super) fn remove_oldest(&mut self) -> Option<Extent> {
        self.oldest_place()?.take()
    }

    /// Cuts what is more than `most` bytes, whole slots, off what is idle for longest, of what is not kept for now, or takes out all of
    /// that. Where it starts, and its bytes.
    pub(super) fn cut_beyond(&mut self, most: usize) -> Option<(NonNull<u8>, usize)> {
        let excess = self.bytes().checked_sub(most)?;
        let place = self.oldest_place()?;
        let size = place.map(|extent| extent.size.min(excess)).filter(|&size| size > 0)?;
        Self::cut(place, size).map(|(start, _)| (start, size))
    }

    /// Takes out one that `goes`.
    pub(super) fn remove(&mut self, goes: impl Fn(&Extent) -> bool) -> Option<Extent> {
        let place = self.extents.iter_mut().find(|place| place.as_ref().is_some_and(&goes))?;
        place.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::SLOT;

    fn slot(number: usize) -> NonNull<u8> {
        NonNull::new(core::ptr::without_provenance_mut(number * SLOT)).unwrap()
    }

    fn extent(number: usize, slots: usize, since: u64) -> Extent {
        Extent { start: slot(number), size: slots * SLOT, used: slots * SLOT, since, for_now: false }
    }

    fn used(number: usize, slots: usize, used: usize) -> Extent {
        Extent { used, ..extent(number, slots, 0) }
    }

    fn all(idle: &Idle) -> std::vec::Vec<Extent> {
        let mut extents: std::vec::Vec<_> = idle.extents.iter().copied().flatten().collect();
        extents.sort_by_key(|extent| extent.start);
        extents
    }

    #[test]
    fn extents_that_touch_are_one_and_are_taken_by_size_or_place() {
        let mut idle = Idle::new();
        for (number, slots) in [(10, 2), (20, 1), (14, 1), (12, 2)] {
            assert!(idle.keep(extent(number, slots, number as u64)));
        }
        assert_eq!(all(&idle), [extent(10, 5, 14), extent(20, 1, 20)]);
        assert_eq!(idle.take(6 * SLOT), None);
        assert_eq!(idle.take(SLOT), Some((slot(20), SLOT)));
        assert_eq!(idle.take(SLOT), Some((slot(10), SLOT)));
        assert!(!idle.take_at(slot(12), SLOT) && !idle.take_at(slot(11), 5 * SLOT));
        assert!(idle.take_at(slot(11), 3 * SLOT));
        assert_eq!(all(&idle), [extent(14, 1, 14)]);
        assert!(idle.take_at(slot(14), SLOT) && all(&idle).is_empty());
        assert_eq!(idle.remove(|_| true), None);
    }

    #[test]
    fn what_nothing_was_written_to_is_known_at_the_end_of_an_extent() {
        let mut idle = Idle::new();
        assert!(idle.keep(used(10, 2, SLOT + 100)) && idle.keep(used(12, 2, 0)));
        assert_eq!(all(&idle), [used(10, 4, SLOT + 100)]);
        assert!(idle.keep(used(14, 1, 7)));
        assert_eq!(all(&idle), [used(10, 5, 4 * SLOT + 7)]);
        assert_eq!(idle.take(4 * SLOT), Some((slot(10), 4 * SLOT)));
        assert_eq!(idle.take(SLOT), Some((slot(14), 7)));
        assert!(idle.keep(used(20, 3, 9)));
        assert_eq!((idle.take(2 * SLOT), all(&idle)), (Some((slot(20), 9)), std::vec![used(22, 1, 0)]));
    }

    #[test]
    fn what_is_kept_for_now_does_not_make_way() {
        let mut idle = Idle::new();
        let for_now = |number, since| Extent { for_now: true, ..extent(number, 1, since) };
        let kept = [extent(10, 1, 7), for_now(20, 1), extent(30, 1, 5), extent(40, 1, 3), for_now(41, 9)];
        assert!(kept.into_iter().all(|extent| idle.keep(extent)));
        assert_eq!(idle.remove_oldest(), Some(extent(30, 1, 5)));
        assert_eq!(idle.remove_oldest(), Some(extent(10, 1, 7)));
        assert_eq!((idle.remove_oldest(), idle.bytes()), (None, 3 * SLOT));
    }

    #[test]
    fn what_is_too_much_is_cut_off_the_oldest_first() {
        let mut idle = Idle::new();
        let for_now = Extent { for_now: true, ..extent(30, 2, 3) };
        let kept = [extent(10, 3, 7), extent(20, 2, 5), for_now];
        assert_eq!(idle.oldest(), u64::MAX);
        assert!(kept.into_iter().all(|extent| idle.keep(extent)));
        assert_eq!(idle.oldest(), 3);
        assert_eq!((idle.cut_beyond(8 * SLOT), idle.cut_beyond(7 * SLOT)), (None, None));
        assert_eq!(idle.cut_beyond(4 * SLOT), Some((slot(20), 2 * SLOT)));
        assert_eq!(idle.cut_beyond(4 * SLOT), Some((slot(10), SLOT)));
        assert_eq!(all(&idle), [extent(11, 2, 7), for_now]);
        assert_eq!((idle.cut_beyond(0), idle.cut_beyond(0)), (Some((slot(11), 2 * SLOT)), None));
    }

    #[test]
    fn no_more_extents_are_kept_than_there_is_room_for() {
        let mut idle = Idle::new();
        let kept = (0..2 * MOST).filter(|number| idle.keep(extent(10 + 2 * number, 1, 0))).count();
        assert_eq!((kept, all(&idle).len()), (MOST, MOST));
        // One that joins two makes room.
        assert!(idle.keep(extent(11, 1, 0)) && idle.keep(extent(1000, 1, 0)));
        assert_eq!(idle.remove(|extent| extent.start == slot(10)), Some(extent(10, 3, 0)));
    }
}
