//! The words of an entry, in either of the map's layouts.

use core::fmt::Debug;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

/// What tells a note from fields, in `edges`, where no chunk starts.
const NOTE: usize = 0b11;
const NOTE_BITS: u32 = 2;

/// The bits of [`WORD_GRANULES`](super::WORD_GRANULES) granules where they stand. The words are atomic, though one writes
/// alone, so that others may look.
pub trait Entry: sealed::Sealed + Debug {
    /// Whether it has a bit for each block that was handed out, and one for each that is on its way back.
    const LIVE: bool;

    /// The chunks in use, or the starts of all chunks: not 0 unless one chunk covers the entry.
    fn chunks(&self) -> &AtomicUsize;

    /// The edges of free chunks, or a note.
    fn edges(&self) -> &AtomicUsize;

    /// The chunks in use; where they are told apart, those that do not wait.
    fn used(&self) -> &AtomicUsize;

    /// The starts, of bits that are those of fields, not of a note.
    fn starts_of(chunks: usize, edges: usize) -> usize;

    /// Has chunks start at `bits`.
    fn start(&self, bits: usize);

    /// Has chunks that wait start at `bits`, where none did.
    fn start_waiting(&self, bits: usize);

    /// Flips the edges at `bits`, at each of which a chunk starts. None does any more where one was: what is free on either side
    /// is one chunk. The edges, as they were.
    fn flip_and_merge(&self, bits: usize) -> usize;

    /// Chunks at `bits`, which waited, are not in use any more.
    fn end_waiting(&self, bits: usize);

    /// Has no chunk start at `bits` but a free one at `start`.
    fn end_all(&self, bits: usize, start: usize);

    /// What it holds.
    #[inline(always)]
    fn read(&self) -> Fields {
        Fields { chunks: self.chunks().load(Relaxed), edges: self.edges().load(Relaxed) }
    }

    /// A bit for each start.
    #[inline(always)]
    fn starts(&self) -> usize {
        let fields = self.read();
        if fields.is_note() { 0 } else { Self::starts_of(fields.chunks, fields.edges) }
    }
}

/// Two bits a granule: `used` and `edge`.
#[derive(Debug)]
#[repr(C)]
pub struct Plain {
    used: AtomicUsize,
    edges: AtomicUsize,
}

impl Entry for Plain {
    const LIVE: bool = false;

    #[inline(always)]
    fn chunks(&self) -> &AtomicUsize {
        &self.used
    }

    #[inline(always)]
    fn edges(&self) -> &AtomicUsize {
        &self.edges
    }

    #[inline(always)]
    fn used(&self) -> &AtomicUsize {
        &self.used
    }

    #[inline(always)]
    fn starts_of(used: usize, edges: usize) -> usize {
        used | edges
    }

    #[inline(always)]
    fn start(&self, _bits: usize) {}

    #[inline(always)]
    fn start_waiting(&self, bits: usize) {
        flip(&self.used, bits);
    }

    #[inline(always)]
    fn flip_and_merge(&self, bits: usize) -> usize {
        let edges = self.edges.load(Relaxed);
        self.edges.store(edges ^ bits, Relaxed);
        edges
    }

    #[inline(always)]
    fn end_waiting(&self, bits: usize) {
        flip(&self.used, bits);
    }

    fn end_all(&self, bits: usize, _start: usize) {
        self.used.store(self.used.load(Relaxed) & !bits, Relaxed);
    }
}

/// What an entry holds.
#[derive(Clone, Copy)]
pub struct Fields {
    pub(super) chunks: usize,
    pub(super) edges: usize,
}

impl Fields {
    /// The end that it keeps, if it is a note.
    #[inline(always)]
    pub(super) const fn noted(self) -> usize {
        self.edges >> NOTE_BITS
    }

    /// Whether it keeps `end` as a long chunk's.
    #[inline(always)]
    pub(super) const fn notes(self, end: usize) -> bool {
        self.chunks == 0 && self.edges == note_of(end)
    }

    /// Whether it keeps a long chunk's end.
    #[inline(always)]
    pub(super) const fn is_note(self) -> bool {
        self.chunks == 0 && self.edges & NOTE == NOTE
    }
}

/// What `edges` is where the end of a chunk is noted.
#[inline(always)]
pub(super) const fn note_of(end: usize) -> usize {
    end << NOTE_BITS | NOTE
}

#[inline(always)]
pub(super) fn flip(word: &AtomicUsize, bits: usize) {
    word.store(word.load(Relaxed) ^ bits, Relaxed);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Plain {}
    impl Sealed for super::super::Live {}
}
