//! Floor 5: spans: one block of the source, laid out.
//!
//! ```text
//!   word 0   1, 2          3            4          5         6      7
//!   ┌──────┬─────────────┬────────────┬──────────┬─────────┬──────┬──────┬───────┬─────────────┬─────────┬────────────┬──────────┐
//!   │ held │ (first span:│ block size │ capacity │ end or  │(next │ prev │ map … │ (sections … │ (first  │ granules   │ (marks,  │
//!   │      │ bins' end)  │ in bytes   │          │ sections│ span │ span)│       │           ) │ span:   │ of chunks… │ lists …) │
//!   │      │             │            │          │         │      │      │       │             │ bins …) │            │          │
//!   └──────┴─────────────┴────────────┴──────────┴─────────┴──────┴──────┴───────┴─────────────┴─────────┴────────────┴──────────┘
//!   ▲ granule 0                                                                                          ▲ `first`    ▲ `end`
//! ```
//!
//! The [sentinel](Position::sentinel) is that of the lists of free chunks. Where positions are counted, it leaves the second half of
//! word 1 and word 2 to the bins' blank. A heap of one span has no links to others.
//!
//! Where blocks may be freed from elsewhere, the map says which are in use and which are posted, and [sections](Section) behind
//! it say where any are. Where blocks may wait but for that, a **mark** for each granule says whether the block that starts there
//! does; behind the marks of the first span stand the lists. A span's end moves up where their memory is given to chunks.
//!
//! Granules are counted from the block's start, so that an address's granule is a subtraction and a shift. The map has
//! fields for all of them; those below `first` stay empty.
//!
//! More is in the files `overhead` (how much lies beside the granules), `marks` (what lies above them), `section`, `held` (what keeps a
//! span) and `links` (which is the next).

mod held;
mod links;
mod marks;
mod overhead;
mod section;

pub use overhead::Overhead;
use overhead::map_words;
pub use section::Section;

use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::chunk::{BLANK_CELLS, FreeChunk, KEPT_CELLS};
use crate::granule::{Granule, Position};
use crate::map::{Bits, Entry, Live, Map, WORD_GRANULES, entries};
use crate::raw::{WORD, after, distance, word};

const HELD: usize = 0;
// Where a link is half a word, the end starts in the middle of word 0: there is one span, which nothing holds.
const BLOCK_SIZE: usize = 3 * WORD;
const CAPACITY: usize = 4 * WORD;
// Where blocks are freed from elsewhere, chunks end where the block does.
const SECTIONS: usize = 5 * WORD;
const END: usize = SECTIONS;
const NEXT: usize = 6 * WORD;
const PREVIOUS: usize = 7 * WORD;

/// A span, by its block's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Span<G>(NonNull<u8>, PhantomData<G>);

/// # Safety of its methods
/// All are unsafe for one reason: the span must have been laid by [`Span::lay`] and its block not been released.
impl<G: Granule> Span<G> {
    /// Lays a span in `block`, all its granules one free chunk (which is still to be written and put in a bin).
    /// O(block), as the map is cleared; O(1) if the block is `zeroed`.
    ///
    /// # Safety
    /// The block is valid, unused, aligned to a granule, and no smaller than `overhead` with one granule.
    pub unsafe fn lay(block: NonNull<[u8]>, overhead: Overhead, zeroed: bool) -> Self {
        // The sentinel's cells and then the blank's stand where no other word does.
        const { assert!(!G::COUNTED || (KEPT_CELLS + BLANK_CELLS) * G::CELL <= BLOCK_SIZE) };
        let span = Self(block.cast(), PhantomData);
        let granules = block.len() / G::BYTES;
        let (first, end) = (overhead.first::<G>(granules), overhead.end::<G>(granules));
        // SAFETY: the block has room for the header and the map.
        unsafe {
            span.set(BLOCK_SIZE, block.len());
            span.set(CAPACITY, end - first);
            span.set(HELD, 0_usize);
            span.map().initialize(first, end, granules, zeroed);
            if G::Entry::LIVE {
                let sections = span.map_words().add(map_words::<G>(granules));
                span.set(SECTIONS, sections);
                lay_sections(span.0, sections.cast(), entries(granules), zeroed);
            } else {
                span.set(END, span.address(end));
                if overhead.marks && !zeroed {
                    span.clear_marks();
                }
            }
        }
        span
    }

    /// The span whose block starts at `block`.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn at(block: NonNull<u8>) -> Self {
        Self(block, PhantomData)
    }

    /// The block it lies in.
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn block(self) -> NonNull<[u8]> {
        // SAFETY: the span has a header.
        NonNull::slice_from_raw_parts(self.0, unsafe { self.get(BLOCK_SIZE) })
    }

    /// Where bins are laid in it, if they are.
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn bins_memory(self) -> NonNull<u8> {
        // SAFETY: the words behind the map and the sections belong to the span.
        unsafe { after(self.map_words().cast(), self.map_bytes()) }
    }

    /// Bytes of its map and its sections.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn map_bytes(self) -> usize {
        // SAFETY: the span has a header.
        Overhead::map_bytes::<G>(unsafe { self.granules() })
    }

    /// Its granules, those below the first included.
    ///
    /// # Safety
    /// As for the type.
    #[inline]
    pub unsafe fn granules(self) -> usize {
        // SAFETY: the span has a header.
        unsafe { self.get::<usize>(BLOCK_SIZE) / G::BYTES }
    }

    /// The first granule that chunks are made of.
    ///
    /// # Safety
    /// As for the type.
    #[inline]
    pub unsafe fn first(self) -> usize {
        // SAFETY: the span has a header.
        unsafe { self.end().wrapping_sub(self.capacity()) }
    }

    /// Granules that chunks are made of.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn capacity(self) -> usize {
        // SAFETY: the span has a header.
        unsafe { self.get(CAPACITY) }
    }

    /// Bytes that chunks are made of.
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn capacity_bytes(self) -> usize {
        // SAFETY: the span has a header.
        unsafe { self.capacity() * G::BYTES }
    }

    /// Its block's first byte.
    #[inline(always)]
    pub fn start(self) -> NonNull<u8> {
        self.0
    }

    /// Whether the header agrees with itself. For the full check.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn is_sound(self) -> bool {
        // SAFETY: the span has a header.
        unsafe {
            let granules = self.granules();
            (1..granules).contains(&self.capacity())
                && (self.capacity()..=granules).contains(&self.end())
                && self.first() >= Overhead::LEAST.first::<G>(granules)
        }
    }

    /// The map.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn map(self) -> Map<G> {
        Map::of(self.0)
    }

    /// The bits that say which blocks were handed out.
    ///
    /// # Safety
    /// As for the type; there are some, in the map.
    #[inline(always)]
    pub unsafe fn live(self) -> Bits {
        // SAFETY: an entry of the map has the word.
        Bits::at(unsafe { word(self.map_words(), Live::LIVE_WORD) }, <Map<G>>::ENTRY)
    }

    /// The bits that say which blocks were freed from elsewhere and have not come back yet.
    ///
    /// # Safety
    /// As for the type; there are some, in the map.
    #[inline(always)]
    pub unsafe fn posted(self) -> Bits {
        // SAFETY: an entry of the map has the word.
        Bits::at(unsafe { word(self.map_words(), Live::POSTED_WORD) }, <Map<G>>::ENTRY)
    }

    /// The section of entry `entry`.
    ///
    /// # Safety
    /// As for the type; the span has sections, and the map the entry.
    #[inline]
    pub unsafe fn section_of(self, entry: usize) -> NonNull<Section> {
        // SAFETY: the span has a header, and a section for each entry.
        unsafe { self.get::<NonNull<Section>>(SECTIONS).add(entry / Section::ENTRIES) }
    }

    /// Whether some of its sections may be in an inbox: blocks were posted, or are just being.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn is_noted(self) -> bool {
        // SAFETY: the span has a section for each entry, if it has any.
        unsafe {
            let entries = if G::Entry::LIVE { entries(self.granules()) } else { 0 };
            (0..entries).step_by(Section::ENTRIES).any(|entry| self.section_of(entry).as_ref().has_some())
        }
    }

    /// The granule that starts at, or holds, `address`.
    #[inline(always)]
    pub fn granule_of(self, address: NonNull<u8>) -> usize {
        distance(self.0, address) / G::BYTES
    }

    /// The first byte of granule `g`, or of what lies behind the last.
    ///
    /// # Safety
    /// As for the type; `g` is at most the number of granules.
    #[inline(always)]
    pub unsafe fn address(self, g: usize) -> NonNull<u8> {
        // SAFETY: the granule, or the end, lies in or at the end of the block.
        unsafe { after(self.0, g * G::BYTES) }
    }

    /// Whether it is entirely free.
    ///
    /// # Safety
    /// As for the type, with its chunks written.
    pub unsafe fn is_free(self) -> bool {
        // SAFETY: the first granule starts a chunk, which is free if the map says so.
        unsafe {
            let first = self.first();
            self.map().is_free(first) && self.free_at(first).size(self.0) == self.capacity()
        }
    }

    /// Where its first chunk starts that is not free, or its end. O(1).
    ///
    /// # Safety
    /// As for [`is_free`](Self::is_free).
    #[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
    pub unsafe fn first_not_free(self) -> usize {
        // SAFETY: as there. Above a free chunk is none.
        unsafe {
            let first = self.first();
            first + if self.map().is_free(first) { self.free_at(first).size(self.0) } else { 0 }
        }
    }

    /// The free chunk that starts at granule `g`.
    ///
    /// # Safety
    /// As for the type; one does.
    #[inline(always)]
    pub unsafe fn free_at(self, g: usize) -> FreeChunk<G> {
        // SAFETY: the caller says that a free chunk starts there.
        unsafe { FreeChunk::at(self.position(g)) }
    }

    /// The position of granule `g`, or of what lies behind the last.
    ///
    /// # Safety
    /// As for [`address`](Self::address); `g` is not the first granule of the block. Where positions are counted, the heap has no
    /// other span.
    #[inline(always)]
    pub unsafe fn position(self, g: usize) -> Position<G> {
        // SAFETY: the granule, or the end, lies in or at the end of the block, above its start.
        unsafe { Position::of_granule(self.0, g) }
    }

    #[inline(always)]
    fn map_words(self) -> NonNull<usize> {
        // SAFETY: a span has at least one map word.
        unsafe { after(self.0, <Map<G>>::ABOVE) }
    }

    #[inline(always)]
    unsafe fn get<T: Copy>(self, field: usize) -> T {
        // SAFETY: the caller says that the span has a header; each field has one type.
        unsafe { after::<T>(self.0, field).read() }
    }

    #[inline(always)]
    unsafe fn set<T>(self, field: usize, value: T) {
        // SAFETY: the caller says that the span has a header; each field has one type.
        unsafe { after::<T>(self.0, field).write(value) }
    }
}

/// Lays the sections of a map of `entries` entries at `memory`, and their noted bits behind them.
///
/// # Safety
/// They have room there. The span starts at `span`.
unsafe fn lay_sections(span: NonNull<u8>, memory: NonNull<Section>, entries: usize, zeroed: bool) {
    let count = Section::count(entries);
    // SAFETY: the caller gives room for all.
    unsafe {
        let noted = memory.add(count).cast::<usize>();
        if !zeroed {
            noted.write_bytes(0, Bits::words(entries));
        }
        for index in 0..count {
            memory.add(index).write(Section::new(span, index, word(noted, index * WORD_GRANULES)));
        }
    }
}

#[cfg(test)]
mod tests;
