//! A piece of idle memory.

use core::ops::Range;
use core::ptr::NonNull;

use crate::clock::milliseconds;
use crate::mapping::SLOT;

/// Idle memory: whole units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: NonNull<u8>,
    pub(super) size: usize,
    /// Whether it may have pages, which hold what they held: otherwise it is zeros.
    pub(super) has_pages: bool,
    /// When it became idle, or the latest piece of it did: in milliseconds.
    pub(super) since: u64,
    /// Whether some of it is kept [for now](super::keep_for_now).
    pub(super) for_now: bool,
}

impl Extent {
    /// `size` bytes at `start` that somebody has just left.
    pub(super) fn left(start: NonNull<u8>, size: usize) -> Self {
        Self { start, size, has_pages: true, since: milliseconds(), for_now: false }
    }

    /// `size` bytes at `start` that have no pages.
    pub(super) fn zeros(start: NonNull<u8>, size: usize) -> Self {
        Self { has_pages: false, ..Self::left(start, size) }
    }

    /// Its bytes that may have pages.
    pub(super) const fn used(&self) -> usize {
        if self.has_pages { self.size } else { 0 }
    }

    /// Whether another one starts at its end.
    pub(super) fn touches(&self, upper: &Self) -> bool {
        self.start.addr().get() + self.size == upper.start.addr().get()
    }

    /// It and another one, if that starts at its end, and is like it.
    pub(super) fn joined(self, upper: Self) -> Option<Self> {
        (self.touches(&upper) && self.has_pages == upper.has_pages).then(|| Self {
            size: self.size + upper.size,
            since: self.since.max(upper.since),
            for_now: self.for_now || upper.for_now,
            ..self
        })
    }

    /// `size` bytes of it, from its first `from` on.
    pub(super) fn part(self, from: usize, size: usize) -> Self {
        // SAFETY: they lie in it.
        let start = unsafe { self.start.add(from) };
        Self { start, size, ..self }
    }

    /// Where in it whole slots are. Empty if there is none.
    fn slots(&self) -> Range<usize> {
        let start = self.start.addr().get();
        let (first, end) = (start.next_multiple_of(SLOT), (start + self.size) / SLOT * SLOT);
        if first < end { first - start..end - start } else { self.size..self.size }
    }

    /// The whole slots in it, if there are any.
    pub(super) fn whole_slots(self) -> Option<Self> {
        let slots = self.slots();
        (!Range::is_empty(&slots)).then(|| self.part(slots.start, slots.len()))
    }

    /// What lies in it beside whole slots: either may have no bytes.
    pub(super) fn beside_slots(self) -> [Self; 2] {
        let slots = self.slots();
        [self.part(0, slots.start), self.part(slots.end, self.size - slots.end)]
    }
}
