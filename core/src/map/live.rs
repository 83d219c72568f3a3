//! Entries that tell which blocks were handed out, and what one look at two of them tells.

use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use super::entry::{Entry, flip};

/// Four bits a granule: `start`, `edge`, `live` and `posted`.
#[derive(Debug)]
#[repr(C)]
pub struct Live {
    starts: AtomicUsize,
    edges: AtomicUsize,
    live: AtomicUsize,
    posted: AtomicUsize,
}

impl Live {
    /// The word, of an entry, of the blocks that were handed out.
    pub const LIVE_WORD: usize = 2;
    /// The word of those that are on their way back.
    pub const POSTED_WORD: usize = 3;
}

impl Entry for Live {
    const LIVE: bool = true;

    #[inline(always)]
    fn chunks(&self) -> &AtomicUsize {
        &self.starts
    }

    #[inline(always)]
    fn edges(&self) -> &AtomicUsize {
        &self.edges
    }

    #[inline(always)]
    fn used(&self) -> &AtomicUsize {
        &self.live
    }

    #[inline(always)]
    fn starts_of(starts: usize, _edges: usize) -> usize {
        starts
    }

    #[inline(always)]
    fn start(&self, bits: usize) {
        self.starts.store(self.starts.load(Relaxed) | bits, Relaxed);
    }

    #[inline(always)]
    fn start_waiting(&self, bits: usize) {
        self.start(bits);
    }

    #[inline(always)]
    fn flip_and_merge(&self, bits: usize) -> usize {
        let edges = self.edges.load(Relaxed);
        self.edges.store(edges ^ bits, Relaxed);
        flip(&self.starts, edges & bits);
        edges
    }

    #[inline(always)]
    fn end_waiting(&self, _bits: usize) {}

    fn end_all(&self, bits: usize, start: usize) {
        self.starts.store(self.starts.load(Relaxed) & !(bits & !start), Relaxed);
    }
}

/// What stands in the map from some granule on, for as many granules as a word has bits.
#[derive(Debug, Clone, Copy)]
pub struct Glance {
    entry: NonNull<Live>,
    granule: u32,
}

/// # Safety of its methods
/// All are unsafe for one reason: the entry must be there, and a word behind it.
impl Glance {
    /// From a granule on, given its entry.
    #[inline(always)]
    pub(super) const fn new(entry: NonNull<Live>, granule: usize) -> Self {
        Self { entry, granule: granule as u32 }
    }

    /// The granules of the chunk that starts here, if they are as many as a word has bits, or fewer; if not, one more than that.
    /// Without a branch, and O(1).
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn size(self) -> usize {
        // SAFETY: as the caller says. What is behind the last entry means nothing, and changes nothing: the boundary at the
        // end is below it.
        unsafe {
            let here = self.entry.as_ref().starts.load(Relaxed);
            let next = self.entry.add(1).cast::<AtomicUsize>().as_ref().load(Relaxed);
            let above = here.wrapping_shr(self.granule) >> 1 | next.wrapping_shl(!self.granule);
            above.trailing_zeros() as usize + 1
        }
    }

    /// [`size`](Self::size), if the entry holds the end of the chunk.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn size_here(self) -> Option<usize> {
        // SAFETY: as the caller says.
        let above = unsafe { self.entry.as_ref() }.starts.load(Relaxed).wrapping_shr(self.granule) & !1;
        (above != 0).then(|| above.trailing_zeros() as usize)
    }

    /// Whether the entry holds the end of the chunk that starts here.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn has_end(self) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.entry.as_ref() }.starts.load(Relaxed).wrapping_shr(self.granule) > 1
    }

    /// Whether a block starts here that was handed out, and is not on its way back.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn is_live(self) -> bool {
        // SAFETY: as the caller says. Nobody but the owner, who looks here, writes `live`. So it need not be read as an atomic,
        // which would take a step of its own.
        unsafe {
            let entry = self.entry.as_ref();
            !entry.posted.load(Relaxed) & entry.live.as_ptr().read() & self.bit() != 0
        }
    }

    /// Has the block that starts here wait, or no longer.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn flip_live(self) {
        // SAFETY: as the caller says.
        flip(unsafe { &self.entry.as_ref().live }, self.bit());
    }

    /// The bit of the granule: the topmost, moved down, which takes one shift as that of `next` does.
    #[inline(always)]
    const fn bit(self) -> usize {
        (isize::MIN as usize).wrapping_shr(!self.granule)
    }
}
