//! Where in a span blocks are that were freed from elsewhere.
//!
//! ```text
//!   posted   a bit a granule, in the map     set for each block
//!   noted    a bit an entry of the map       set by who finds no bit in the entry's word of posted bits
//!   filled   a bit a word of noted bits      set by who finds no bit in that word
//!   inbox    the section                     put there by who finds no filled bit
//! ```
//!
//! So most frees set one bit, and who takes blocks in finds them without a look at any other. Each level is emptied from the
//! inbox down, and no sooner than the one above says that there is something: as long as somebody has still a bit to set on
//! a level, nobody takes his block in, so that the span stays. Who finds bits where he sets his own has nothing more to do,
//! and touches the span no more.

use core::ptr::NonNull;

use crate::map::{Bits, WORD_GRANULES};
use crate::sync::{AtomicUsize, Ordering, SharedCell};

/// As many entries of a span's map as a word of bits for words of bits tells of: 4 MiB (on 64 bits).
#[derive(Debug)]
#[repr(C)]
pub struct Section {
    // First, and atomic: the map's owner looks a word past the map, whatever stands there.
    filled: AtomicUsize,
    /// In an inbox, the next.
    next: SharedCell<Option<NonNull<Section>>>,
    noted: NonNull<usize>,
    span: NonNull<u8>,
    /// The first entry.
    first: usize,
}

// SAFETY: what changes is atomic, or, the link, of who pushes the section, and then of who takes it out.
unsafe impl Send for Section {}
// SAFETY: as above.
unsafe impl Sync for Section {}

impl Section {
    /// Entries of a section.
    pub const ENTRIES: usize = WORD_GRANULES * WORD_GRANULES;

    /// Sections for a map of `entries` entries.
    pub const fn count(entries: usize) -> usize {
        entries.div_ceil(Self::ENTRIES)
    }

    /// Section `index` of the span in the block that starts at `span`. Its noted bits, clear so far, stand at `noted`.
    pub fn new(span: NonNull<u8>, index: usize, noted: NonNull<usize>) -> Self {
        Self {
            filled: AtomicUsize::new(0),
            next: SharedCell::new(None),
            noted,
            span,
            first: index * Self::ENTRIES,
        }
    }

    /// The first byte of the span's block.
    pub(crate) const fn span(&self) -> NonNull<u8> {
        self.span
    }

    /// The entry of a noted bit, given by its word and place.
    pub(crate) const fn entry(&self, word: usize, bit: usize) -> usize {
        self.first + word * WORD_GRANULES + bit
    }

    /// The next in an inbox: for who is just putting the section in, and from then on for who takes it out.
    pub(crate) const fn next(&self) -> &SharedCell<Option<NonNull<Self>>> {
        &self.next
    }

    const fn noted(&self) -> Bits {
        Bits::at(self.noted, 1)
    }

    /// Whether anything is noted, or about to be. For its owner.
    pub(crate) fn has_some(&self) -> bool {
        self.filled.load(Ordering::Acquire) != 0
    }
}

/// # Safety of its methods
/// All are unsafe for one reason: its span must be there, and have the entries and words asked about.
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
impl Section {
    /// Notes that a block was posted in entry `entry`, where none was. Whether the section now has to go to the inbox. O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline]
    pub unsafe fn note(&self, entry: usize) -> bool {
        let entry = entry - self.first;
        // SAFETY: the section has the entry.
        let before = unsafe { self.noted().set(entry) };
        before == 0 && self.filled.fetch_or(1 << (entry / WORD_GRANULES), Ordering::AcqRel) == 0
    }

    /// Takes the filled bits: which words of noted bits have some.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn take_filled(&self) -> usize {
        // Who fills it next sees that the link was read.
        self.filled.swap(0, Ordering::AcqRel)
    }

    /// Takes a word of noted bits.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn take_noted(&self, word: usize) -> usize {
        // SAFETY: the section has the word.
        unsafe { self.noted().take_word(word) }
    }
}
