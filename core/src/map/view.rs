//! What one look at an entry of the map tells.

use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use super::WORD_GRANULES;

/// What tells a note from fields, in `lower`, where `used` is 0.
const NOTE: usize = 0b11;
const NOTE_BITS: u32 = 2;

/// Whether the chunks below and above are free: the lowest bit of a word each, whose others mean nothing.
#[derive(Debug, Clone, Copy)]
pub struct Neighbours {
    lower_free: usize,
    upper_used: usize,
}

impl Neighbours {
    /// Whether the chunk below is free.
    #[inline(always)]
    pub const fn lower_free(self) -> bool {
        self.lower_free & 1 != 0
    }

    /// The same below, and what lies above.
    #[inline(always)]
    pub const fn with_upper(self, upper: Upper) -> Self {
        Self { upper_used: upper.used, ..self }
    }

    /// Whether the chunk above is free.
    #[inline(always)]
    pub const fn upper_free(self) -> bool {
        self.upper_used & 1 == 0
    }
}

/// Whether the chunk above is free.
#[derive(Debug, Clone, Copy)]
pub struct Upper {
    pub(super) used: usize,
}

/// What the map says of a chunk in use.
#[derive(Debug, Clone, Copy)]
pub struct InUse {
    /// The granule that it ends before.
    pub end: usize,
    /// What lies below and above.
    pub neighbours: Neighbours,
}

/// The bits of an entry, from some granule on.
#[derive(Clone, Copy)]
pub struct View {
    pub(super) words: NonNull<Words>,
    pub(super) used: usize,
    pub(super) lower: usize,
}

impl View {
    /// Whether a chunk in use starts here.
    #[inline(always)]
    pub const fn is_used(self) -> bool {
        self.used & 1 != 0
    }

    /// The granules of the chunk in use that starts here, if the entry holds its end.
    #[inline(always)]
    pub const fn size(self) -> Option<usize> {
        let above = (self.used | self.lower) >> 1;
        if above == 0 { None } else { Some(above.trailing_zeros() as usize + 1) }
    }

    /// Whether the entry holds the end of the chunk in use that starts here.
    #[inline(always)]
    pub const fn has_end(self) -> bool {
        (self.used | self.lower) >> 1 != 0
    }

    /// What lies below and above the chunk in use that starts here and has `size` granules.
    #[inline(always)]
    pub const fn neighbours(self, size: usize) -> Neighbours {
        Neighbours { lower_free: self.lower, upper_used: self.used >> (size % WORD_GRANULES) }
    }
}

/// An entry where it stands. Its words are atomic, though one writes alone, so that others may look.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Words {
    pub(super) used: AtomicUsize,
    pub(super) lower: AtomicUsize,
}

impl Words {
    #[inline(always)]
    pub(super) fn read(&self) -> Entry {
        Entry { used: self.used.load(Relaxed), lower: self.lower.load(Relaxed) }
    }
}

#[inline(always)]
pub(super) fn flip(word: &AtomicUsize, bits: usize) {
    word.store(word.load(Relaxed) ^ bits, Relaxed);
}

/// What `lower` is where the end of a chunk is noted.
#[inline(always)]
pub(super) const fn note_of(end: usize) -> usize {
    end << NOTE_BITS | NOTE
}

/// The bits of [`WORD_GRANULES`] granules.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) used: usize,
    pub(super) lower: usize,
}

impl Entry {
    /// A bit for each start.
    #[inline(always)]
    pub(super) const fn starts(self) -> usize {
        if self.is_note() { 0 } else { self.used | self.lower }
    }

    /// The first start, if there is one and the entry is not a note.
    #[inline(always)]
    pub(super) const fn first(self) -> usize {
        (self.used | self.lower).trailing_zeros() as usize % WORD_GRANULES
    }

    /// The end that it keeps, if it is a note.
    #[inline(always)]
    pub(super) const fn noted(self) -> usize {
        self.lower >> NOTE_BITS
    }

    /// Whether it keeps `end` as a long chunk's.
    #[inline(always)]
    pub(super) const fn notes(self, end: usize) -> bool {
        self.used == 0 && self.lower == note_of(end)
    }

    /// Whether it keeps a long chunk's end.
    #[inline(always)]
    pub(super) const fn is_note(self) -> bool {
        self.used == 0 && self.lower & NOTE == NOTE
    }
}
