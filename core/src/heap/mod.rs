//! Floor 7: the heap: allocate, deallocate, grow and shrink, over a source.
//!
//! ```text
//!   allocate: take a block that waits; or else
//!             take a chunk from the bins ─▶ flip the map ─▶ what is left over goes back into a bin
//!   deallocate: look the pointer up in the map ─▶ let it wait, if it may; or else
//!               flip the map ─▶ take free neighbours out of their bins ─▶ into a bin
//! ```
//!
//! One file each: `allocate`, `about` (long blocks whose size nobody says), `carve` (batches of blocks), `deallocate`,
//! `coalesce` (chunks become free), `reallocate`, `length` (how long a block is to become), `lookup` (what a pointer is),
//! `growth` (spans come and go), `wilderness` (the chunk that is cut last), `zeroed` (blocks of zeros), `waiting` (blocks that
//! wait in quick lists), `sweep` (all of them coalesced at once), `gather` (or put in order), `tidy` (or the one or the other, in a
//! thread's own heap), `lists_memory` (what lists take, which is given to chunks where all else is in use), `counts` (what it
//! holds), `glance` (the short ways of a thread's own heap), `arrived` (blocks that were freed from elsewhere), `release` and
//! `witness` (when its spans go back, and the block that tells they cannot yet).

mod about;
pub(crate) mod allocate;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
mod arrived;
mod carve;
mod coalesce;
mod counts;
mod deallocate;
mod gather;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
mod glance;
mod growth;
pub(crate) mod length;
mod lists_memory;
pub(crate) mod lookup;
mod reallocate;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
mod release;
mod sweep;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
mod tidy;
mod waiting;
mod wilderness;
#[cfg(any(target_has_atomic = "ptr", feature = "portable-atomic"))]
mod witness;
mod zeroed;

use core::ptr::NonNull;

use counts::Counts;

use crate::bins::Bins;
use crate::fresh::Fresh;
use crate::granule::{GRANULE, Granule, Unit};
use crate::quick::Quick;
use crate::span::Span;
use crate::{Compact, General, Mode, PageSource, RealTime, Totals};

/// An allocator over the memory of a [`PageSource`], in general or real-time [`Mode`]. Single-threaded and
/// deterministic; give each thread or processor its own, or see [`LockedHeap`](crate::LockedHeap).
///
/// Every operation of a heap in real-time mode is O(1) in the worst case, whatever is free and however many chunks there
/// are; only a call that needs a new block of the source takes as long as the source and clearing its map (1.6 % of it; 3.1 %
/// on 32 bits and in compact mode), a free that empties one as long as the source takes to have it back, and to tell why a
/// pointer is no block's start takes a step for each 64 granules (32 on 32 bits) between it and the start below.
///
/// # Pointers
/// A block in use is given back, or resized, by the pointer that was handed out for it, or one derived from that: a heap writes
/// into what is given back by it. Any pointer at all may be given where no block in use starts: it is refused, and does no harm.
///
/// ```
/// use core::alloc::Layout;
/// use core::mem::MaybeUninit;
/// use memalloc_core::{ArenaSource, FreeError, Heap};
///
/// let arena = Box::leak(Box::new([MaybeUninit::uninit(); 16384]));
/// let mut heap = Heap::new(ArenaSource::new(arena));
/// let block = heap.allocate(Layout::new::<[u64; 10]>()).ok_or("out of memory")?;
/// // SAFETY: the block is not used below.
/// unsafe {
///     heap.deallocate(block)?;
///     assert_eq!(heap.deallocate(block), Err(FreeError::AlreadyFree));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Heap<S: PageSource, M: Mode = General> {
    source: S,
    bins: Bins<Unit<S, M>>,
    quick: Quick<M>,
    /// All spans, the newest first.
    spans: Option<Span<Unit<S, M>>>,
    /// Where the span starts that holds the bins, the first to come and the last to go.
    base: NonNull<u8>,
    /// The granule that the last chunk of that ends before; 0 without a span.
    end: usize,
    /// A span that was entirely free when last looked at, kept against coming and going.
    spare: Option<Span<Unit<S, M>>>,
    /// What no block has covered yet, where the source gives zeros.
    fresh: Fresh,
    /// The block whose span is looked through for blocks that have come back: it stays meanwhile.
    pinned: Option<NonNull<u8>>,
    counts: Counts,
}

// SAFETY: the heap alone reaches its spans, through pointers that hold wherever it is.
unsafe impl<S: PageSource + Send, M: Mode> Send for Heap<S, M> {}

impl<S: PageSource> Heap<S> {
    /// A heap in general mode: small blocks that are freed wait in quick lists for a request of the same size: of up to 32
    /// granules where the source has blocks of 1 MiB, of up to 256 where they are of 64 MiB or more, between and below as the
    /// square root of that, none below 32 KiB; of each size up to an eighth of such a block, or any number where that is more than
    /// 4096. What is cut off a long chunk is cut off in batches of up to 8, of which the others wait too. Those that wait are
    /// coalesced when there is no other room, or nothing else keeps a span from going back to the source: a few at a time, or,
    /// where there are many, all at once. The dearest call then goes through the map, and puts each chunk that comes of it into its
    /// bin, or, where very many wait, each of these into its list, in the order of addresses: O(heap), where those of
    /// [real-time](Self::real_time) mode are O(1). It asks the source for nothing before the first allocation.
    ///
    /// What waits is no part of larger chunks. So blocks wait only while some free chunk is a sixth of all memory or longer, or the
    /// source has a block as long; without one, calls take about as long as in [real-time](Self::real_time) mode, and memory may
    /// be about as full for long. Nor do they for a while after a request found no room though an eighth of all memory was free, and
    /// sixteen times as much as it needs: what waits would keep that in pieces. The lists take .8 % of memory (1.6 % on 32 bits).
    /// Where the source has one block, even that is given to a request that nothing else has room for; blocks wait again once it is
    /// free, and much else.
    pub const fn new(source: S) -> Self {
        Self::with_mode(source)
    }
}

impl<S: PageSource> Heap<S, RealTime> {
    /// A heap whose every call is O(1) in the worst case. It asks the source for nothing before the first allocation;
    /// [`reserve`](Self::reserve) asks ahead.
    pub const fn real_time(source: S) -> Self {
        Self::with_mode(source)
    }
}

impl<S: PageSource> Heap<S, Compact> {
    /// A heap for little memory: one whose every call is O(1), with granules of one word, so that small blocks leave less
    /// unused. Blocks are aligned to a word, unless their layout asks for more. A little slower than
    /// [`real_time`](Self::real_time).
    ///
    /// The source has one block at most, of up to 8 GiB (64 KiB on 32 bits); the heap takes no larger one.
    ///
    /// ```
    /// use core::alloc::Layout;
    /// use core::mem::MaybeUninit;
    /// use memalloc_core::{ArenaSource, Heap};
    ///
    /// let arena = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
    /// let mut heap = Heap::compact(ArenaSource::new(arena));
    /// let word = Layout::new::<usize>();
    /// let blocks = [heap.allocate(word), heap.allocate(word)].map(|block| block.unwrap().addr().get());
    /// assert_eq!(blocks[1] - blocks[0], size_of::<usize>());
    /// ```
    pub const fn compact(source: S) -> Self {
        Self::with_mode(source)
    }
}

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Whether spans count the blocks in use that hold them: where blocks may wait, the map alone cannot tell that a span
    /// could go back. Where any number may wait, to coalesce them for that would cost more than the span is worth.
    pub(crate) const COUNTS_HELD: bool = M::WAITS && M::BOUNDED && !S::ONE_BLOCK;

    /// Whether marks of spans tell which blocks wait, if any may.
    pub(crate) const MARKS: bool = M::WAITS && !M::REMOTE;

    /// Whether blocks wait only while there is a long free chunk, or memory for one to come.
    pub(crate) const CLOSES: bool = M::WAITS && M::BOUNDED;

    /// Whether none waits for a while once memory is found to lie in pieces, where more is to be had.
    pub(crate) const HEALS: bool = M::WAITS && !S::ONE_BLOCK;

    /// Bytes in a granule.
    pub(crate) const GRANULE: usize = M::Granule::BYTES;

    /// A heap in the mode of its type, where that is a parameter.
    pub const fn with_mode(source: S) -> Self {
        const { assert!(S::ONE_BLOCK || <Unit<S, M>>::REACH == usize::MAX, "a compact heap has one block") };
        const { assert!(S::ALIGN.is_power_of_two() && S::ALIGN >= GRANULE, "blocks start at a granule") };
        Self {
            source,
            bins: Bins::new(),
            quick: Quick::new(),
            spans: None,
            base: NonNull::dangling(),
            end: 0,
            spare: None,
            fresh: Fresh::NONE,
            pinned: None,
            counts: Counts::NONE,
        }
    }

    /// The source.
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// The source, to be changed: to add memory, say.
    ///
    /// # Safety
    /// The blocks that the heap has from the source stay as they are: the source is not replaced, takes none back, and is
    /// [asked](PageSource::request) for none.
    pub const unsafe fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    pub(crate) const fn quick(&self) -> &Quick<M> {
        &self.quick
    }

    pub(crate) const fn bins(&self) -> &Bins<Unit<S, M>> {
        &self.bins
    }

    pub(crate) const fn spans_head(&self) -> Option<Span<Unit<S, M>>> {
        self.spans
    }

    /// What the heap holds, where what waits counts as in use.
    pub(crate) const fn totals_so_far(&self) -> Totals {
        self.counts.totals::<M::Granule>()
    }

    /// What the heap holds and what of it is in use. O(1): a step for each quick list, if it has any.
    pub fn totals(&self) -> Totals {
        self.totals_so_far().with_waiting(&self.quick)
    }
}
