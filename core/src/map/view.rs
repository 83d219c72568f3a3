//! What one look at an entry of the map tells.

use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

use super::WORD_GRANULES;
use super::entry::Entry;

/// Whether the chunks below and above one in use are free: the lowest bit of a word each, whose others mean nothing.
#[derive(Debug, Clone, Copy)]
pub struct Neighbours {
    lower: usize,
    upper: usize,
}

impl Neighbours {
    /// As the edges from the start and from the end on say.
    #[inline(always)]
    pub(super) const fn between(lower: usize, upper: usize) -> Self {
        Self { lower, upper }
    }

    /// Whether the chunk below is free.
    #[inline(always)]
    pub const fn lower_free(self) -> bool {
        self.lower & 1 != 0
    }

    /// Whether the chunk above is free.
    #[inline(always)]
    pub const fn upper_free(self) -> bool {
        self.upper & 1 != 0
    }
}

/// Whether the chunk above is free.
#[derive(Debug, Clone, Copy)]
pub struct Upper {
    pub(super) edges: usize,
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
pub struct View<E> {
    pub(super) entry: NonNull<E>,
    granule: u32,
    chunks: usize,
    edges: usize,
}

impl<E> Clone for View<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for View<E> {}

impl<E: Entry> View<E> {
    /// The bits of an entry from granule `g` on.
    ///
    /// # Safety
    /// The entry is there as long as the view.
    #[inline(always)]
    pub(super) unsafe fn new(entry: NonNull<E>, g: usize) -> Self {
        // SAFETY: as the caller says.
        let fields = unsafe { entry.as_ref() }.read();
        let granule = g as u32;
        let (chunks, edges) = (fields.chunks.wrapping_shr(granule), fields.edges.wrapping_shr(granule));
        Self { entry, granule, chunks, edges }
    }

    /// Whether a chunk in use starts here.
    #[inline(always)]
    pub fn is_used(self) -> bool {
        let used = if E::LIVE {
            // SAFETY: the entry is there as long as the view.
            unsafe { self.entry.as_ref() }.used().load(Relaxed).wrapping_shr(self.granule)
        } else {
            self.chunks
        };
        used & 1 != 0
    }

    /// The granules of the chunk in use that starts here, if the entry holds its end.
    #[inline(always)]
    pub fn size(self) -> Option<usize> {
        let above = self.starts_above();
        if above == 0 { None } else { Some(above.trailing_zeros() as usize) }
    }

    /// Whether the chunk in use that starts here has `size` granules, and the entry holds its end. In no entry are as many
    /// granules as it has above the first.
    #[inline(always)]
    pub fn ends_after(self, size: usize) -> bool {
        self.starts_above().trailing_zeros() as usize == size
    }

    /// Whether the entry holds the end of the chunk in use that starts here.
    #[inline(always)]
    pub fn has_end(self) -> bool {
        self.starts_above() != 0
    }

    /// The starts above the chunk in use that starts here.
    #[inline(always)]
    fn starts_above(self) -> usize {
        E::starts_of(self.chunks, self.edges) & !1
    }

    /// What lies below the chunk in use that starts here, and above it, where `upper` is seen in another entry.
    #[inline(always)]
    pub const fn neighbours_with(self, upper: Upper) -> Neighbours {
        Neighbours { lower: self.edges, upper: upper.edges }
    }

    /// What lies below and above the chunk in use that starts here and has `size` granules; the entry holds its end.
    #[inline(always)]
    pub const fn neighbours(self, size: usize) -> Neighbours {
        Neighbours { lower: self.edges, upper: self.edges >> (size % WORD_GRANULES) }
    }
}
