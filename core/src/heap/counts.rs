//! What a heap holds, counted as it changes, in granules where it can be.

use crate::Totals;
use crate::granule::Granule;
use crate::map::WORD_GRANULES;

/// Memory that caches hold, about, in bytes.
pub(super) const CACHED: usize = 8 << 20;

/// What a heap holds. A block that waits counts as one in use.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Counts {
    used: usize,
    // Not beside `used`: the compiler would make vectors of the two.
    capacity: usize,
    pub(super) used_chunks: usize,
    pub(super) spans: usize,
    /// In bytes.
    pub(super) source: usize,
}

impl Counts {
    pub(super) const NONE: Self = Self { used: 0, used_chunks: 0, capacity: 0, spans: 0, source: 0 };

    /// As it is told, where nothing that waits is told apart.
    pub(super) const fn totals<G: Granule>(self) -> Totals {
        Totals {
            used: self.used * G::BYTES,
            used_chunks: self.used_chunks,
            capacity: self.capacity * G::BYTES,
            spans: self.spans,
            source: self.source,
            waiting: 0,
            waiting_chunks: 0,
        }
    }

    /// Granules of all spans that chunks are of.
    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Granules that are free, where nothing waits.
    pub(super) const fn free(&self) -> usize {
        self.capacity - self.used
    }

    /// Whether the heap is larger than caches are.
    #[inline(always)]
    pub(super) const fn is_large(&self) -> bool {
        self.source > CACHED
    }

    /// Entries of the spans' maps, about.
    pub(super) const fn entries(&self) -> usize {
        self.capacity / WORD_GRANULES
    }

    /// Counts `chunks` chunks in use more, of `size` granules together.
    #[inline(always)]
    pub(super) const fn count_in(&mut self, chunks: usize, size: usize) {
        self.used += size;
        self.used_chunks += chunks;
    }

    /// Counts `chunks` chunks in use less, of `size` granules together.
    #[inline(always)]
    pub(super) const fn count_out(&mut self, chunks: usize, size: usize) {
        self.used -= size;
        self.used_chunks -= chunks;
    }

    /// Counts anew: so many chunks fewer, and all that is not in `free` granules is in chunks in use.
    pub(super) const fn count_free(&mut self, chunks: usize, free: usize) {
        self.used = self.capacity - free;
        self.used_chunks -= chunks;
    }

    pub(super) const fn resize(&mut self, old: usize, new: usize) {
        self.used = self.used - old + new;
    }

    /// Counts granules of chunks anew in a span whose last ends before granule `new` instead of `old`.
    pub(super) const fn change_capacity(&mut self, old: usize, new: usize) {
        self.capacity = self.capacity + new - old;
    }

    pub(super) const fn add_span(&mut self, block: usize, capacity: usize) {
        self.spans += 1;
        self.source += block;
        self.capacity += capacity;
    }

    pub(super) const fn remove_span(&mut self, block: usize, capacity: usize) {
        self.spans -= 1;
        self.source -= block;
        self.capacity -= capacity;
    }
}
