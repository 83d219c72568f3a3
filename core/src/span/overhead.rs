//! What a span keeps beside its granules: header, map, sections, bins and lists, and how large a block they need.

use super::Section;
use crate::bins::Bins;
use crate::granule::Granule;
use crate::map::{Bits, Entry, Map, WORD_GRANULES, entries};
use crate::quick::Policy;
use crate::raw::WORD;

/// What a span keeps beside its granules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overhead {
    /// The largest chunk, in bytes, that bins laid in the span serve; 0 if none are laid there.
    pub bins_for: usize,
    /// What may wait, if lists are laid in the span.
    pub lists: Policy,
    /// Whether there is a mark for each granule, which tells whether a block that starts there waits.
    pub marks: bool,
}

impl Overhead {
    /// Header and map alone.
    pub const LEAST: Self = Self { bins_for: 0, lists: Policy::OFF, marks: false };

    /// Bytes below the first granule of chunks in a span of `granules` granules.
    const fn below<G: Granule>(&self, granules: usize) -> usize {
        let bins = if self.bins_for > 0 { Bins::<G>::bytes(self.bins_for / G::BYTES) } else { 0 };
        <Map<G>>::ABOVE + Self::map_bytes::<G>(granules) + bins
    }

    /// Bytes above the last granule of chunks in a span of `granules` granules: marks, then lists.
    pub(crate) const fn above(&self, granules: usize) -> usize {
        self.lists.bytes() + if self.marks { Self::marks_bytes(granules) } else { 0 }
    }

    /// Bytes of marks in a span of `granules` granules, where there are any.
    pub(crate) const fn marks_bytes(granules: usize) -> usize {
        Bits::words(granules) * WORD
    }

    /// Bytes of map and sections in a span of `granules` granules.
    pub(crate) const fn map_bytes<G: Granule>(granules: usize) -> usize {
        (map_words::<G>(granules) + sections_words::<G>(granules)) * WORD
    }

    /// The first granule that chunks are made of in a span of `granules` granules.
    pub(super) const fn first<G: Granule>(&self, granules: usize) -> usize {
        self.below::<G>(granules).div_ceil(G::BYTES)
    }

    /// The granule that the last of those ends before; 0 if there is no room for so many.
    pub(crate) const fn end<G: Granule>(&self, granules: usize) -> usize {
        granules.saturating_sub(self.above(granules).div_ceil(G::BYTES))
    }

    /// Granules that chunks are made of in a span of `granules` granules.
    pub const fn capacity<G: Granule>(&self, granules: usize) -> usize {
        self.end::<G>(granules).saturating_sub(self.first::<G>(granules))
    }

    /// `block` bytes, which [have room](Self::block_for) for `needed` granules, or so many more that any larger block has it
    /// too: where an entry of the map takes more than a granule, the first granule of one leaves less room than there was without
    /// it.
    pub fn enlarged<G: Granule>(&self, block: usize, needed: usize) -> Option<usize> {
        if size_of::<G::Entry>() <= G::BYTES {
            return Some(block);
        }
        let next_entry = (block / G::BYTES).next_multiple_of(WORD_GRANULES);
        let missing = needed.saturating_sub(self.capacity::<G>(next_entry));
        if missing > 0 { (next_entry + missing).checked_mul(G::BYTES) } else { Some(block) }
    }

    /// The smallest block, in bytes, with room for `needed` granules beside this. `None` if no block is large enough.
    pub fn block_for<G: Granule>(&self, needed: usize) -> Option<usize> {
        let limit = isize::MAX as usize / G::BYTES;
        let mut granules = needed;
        loop {
            if granules > limit {
                return None;
            }
            let overhead = self.first::<G>(granules) + self.above(granules).div_ceil(G::BYTES);
            let with_overhead = needed.checked_add(overhead)?;
            if with_overhead == granules {
                return Some(granules * G::BYTES);
            }
            granules = with_overhead;
        }
    }
}

/// Words of the map of `granules` granules.
pub(super) const fn map_words<G: Granule>(granules: usize) -> usize {
    <Map<G>>::ENTRY * entries(granules)
}

/// Words of the sections of `granules` granules and of their noted bits.
const fn sections_words<G: Granule>(granules: usize) -> usize {
    if !G::Entry::LIVE {
        return 0;
    }
    let entries = entries(granules);
    Section::count(entries) * SECTION + Bits::words(entries)
}

/// Words of a section.
const SECTION: usize = size_of::<Section>() / WORD;
