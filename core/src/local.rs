//! Floor 8: a heap for one thread or one processor, of many that free one another's blocks.
//!
//! ```text
//!   allocate: a block that waits ─▶ what has come back ─▶ bins ─▶ all that has come back ─▶ the source
//!             or, if it is long:   ─▶ bins ─▶ what has come back ─▶ bins ─▶ …
//!   free:     is it of this heap? ─▶ as in any heap
//!             no: the embedder knows whose it is ─▶ RemoteSpan::free
//! ```

mod free;
mod resize;

use core::alloc::Layout;
use core::ptr::NonNull;

pub use free::LongWait;
pub use resize::LiveBlock;

use crate::granule::{GRANULE, TwoWords, rounded};
use crate::inspect::Fault;
use crate::remote::{Arrivals, Inbox};
use crate::span::Span;
use crate::{FreeError, Fresh, Heap, Local, PageSource, Totals};

/// Blocks that have come back which one request takes in, or a few more, unless it finds no memory.
const AT_ONCE: usize = 64;

/// Bytes that requests may cut off what is free while more waits to be taken in; the next takes all in first. What comes back may
/// well be more than what one request after the other takes in.
const MOST_CUT: usize = 256 << 10;

/// What a request counts as, at least: it may cut a whole batch.
const LEAST_CUT: usize = MOST_CUT / 16;

/// What is done about a free from elsewhere that only its heap can see is bad: the second of two frees of one block by two
/// threads at the very same time. It must not unwind: blocks that came back with that one would be lost.
pub type OnBadFree = fn(FreeError, NonNull<u8>);

/// Where a granule starts: what a [`PageSource`] knows of an address, as its embedder may find it in fewer steps.
#[derive(Debug, Clone, Copy)]
pub struct GranuleAt {
    /// The start of the source's block that it lies in.
    pub block: NonNull<u8>,
    /// Its number, counted from there.
    pub granule: usize,
    /// Its first byte.
    pub ptr: NonNull<u8>,
}

/// A heap that one thread, or one processor, owns, and blocks of which may be freed from elsewhere. No atomic
/// read-modify-write happens when a small block is allocated or freed by the owner.
///
/// Any number of small blocks may wait, not coalesced, for a request of their size, until no other memory is at hand: a
/// request then coalesces a few at a time until it has room, and, once many were so, all of them at once. So they are when
/// half of the spans, of three or more, have nothing in use, which go back to the source then: that is looked for after some
/// thousand frees, or hundred of long blocks, or as many as take longer than the look. And so they are when the last block
/// outside the heap's first span is freed, by the heap's owner: all spans but that go back, and the source
/// [is told](PageSource::discard) of what is free in that, then and when nothing at all is in use. Until then, or until a
/// [`trim`](Self::trim), what waits keeps its span. None waits for a while where memory is found to lie in pieces, as in
/// [`Heap::new`]. Once a quarter of all blocks, or an eighth in a heap of more than 8 MiB, and some thousands at least, were freed
/// and more are asked for, what waits is [put in order](Self::tidy). Where each call has to be O(1), use [`Heap::real_time`]
/// behind a lock.
///
/// Whose block a pointer is, the embedder knows: most simply by aligning the source's blocks, so that a mask leads to the
/// block, and keeping a table of them.
///
/// ```
/// use core::alloc::Layout;
/// use core::mem::MaybeUninit;
/// use core::ptr::NonNull;
/// use memalloc_core::remote::{Inbox, RemoteSpan};
/// use memalloc_core::{ArenaSource, FreeError, LocalHeap, PageSource};
///
/// static INBOX: Inbox = Inbox::new();
/// let arena = Box::leak(Box::new([MaybeUninit::uninit(); 64 << 10]));
/// let on_bad_free = |error, block| {
///     eprintln!("{error}: {block:p}");
///     std::process::abort();
/// };
/// // SAFETY: the inbox is no other heap's.
/// let mut heap = unsafe { LocalHeap::new(ArenaSource::new(arena), &INBOX, on_bad_free) };
/// let block = heap.allocate(Layout::new::<[u8; 48]>()).ok_or("out of memory")?;
/// let start = heap.source().block_of(block.addr().get()).ok_or("not ours")?;
///
/// // On another processor:
/// // SAFETY: the inbox is the heap's, and the block is used no more.
/// unsafe {
///     RemoteSpan::at(start).free(block, 48, &INBOX)?;
///     assert_eq!(RemoteSpan::at(start).free(block, 48, &INBOX), Err(FreeError::AlreadyFree));
/// }
///
/// // Here again:
/// assert_eq!(heap.take_in(), 1);
/// assert_eq!(heap.totals().used(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LocalHeap<'inbox, S: PageSource> {
    heap: Heap<S, Local>,
    inbox: &'inbox Inbox,
    arrivals: Arrivals,
    /// Bytes cut off what is free since all that had come back was taken in.
    cut: usize,
    on_bad_free: OnBadFree,
}

impl<S: PageSource> Drop for LocalHeap<'_, S> {
    /// What has come back lies in spans that go with the heap.
    fn drop(&mut self) {
        self.inbox.clear();
    }
}

// SAFETY: the heap and what has come back to it are the owner's alone, whichever thread that is.
unsafe impl<S: PageSource + Send> Send for LocalHeap<'_, S> {}

impl<'inbox, S: PageSource> LocalHeap<'inbox, S> {
    /// A heap without memory yet, to which blocks come back through `inbox`.
    ///
    /// # Safety
    /// The inbox is that of no other heap, unless one that was dropped, or never has a block.
    pub const unsafe fn new(source: S, inbox: &'inbox Inbox, on_bad_free: OnBadFree) -> Self {
        Self { heap: Heap::with_mode(source), inbox, arrivals: Arrivals::new(), cut: 0, on_bad_free }
    }

    /// A block of at least `layout.size()` bytes: see [`Heap::allocate`].
    #[inline]
    pub fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if self.heap.quick().has_list(layout.size()) && self.heap.count_request() {
            return self.look_and_allocate(layout);
        }
        match self.take_any_waiting(layout) {
            Some(block) => Some(block),
            None => self.allocate_taking_in(layout, true),
        }
    }

    /// A block of at least `size` bytes, aligned to [`GRANULE`], if one of the size waits, and it is not time to look whether
    /// what waits is to be [put in order](Self::tidy). If not, [`allocate_taking_in`](Self::allocate_taking_in) has one. O(1).
    #[inline(always)]
    pub fn allocate_waiting(&mut self, size: usize) -> Option<NonNull<u8>> {
        self.heap.take_waiting_soon(rounded::<TwoWords>(size))
    }

    /// A block for `layout`, if the last of its size that waits in a list happens to be aligned to it. For any other,
    /// [`allocate`](Self::allocate). O(1).
    #[inline(always)]
    pub fn allocate_waiting_aligned(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.heap.take_waiting_aligned(layout)
    }

    /// A block for `layout`, too long for a quick list, if one of its size waits and happens to be aligned to it; of one whose size is
    /// said later, or not: then it may be longer by less than an eighth. O(1).
    #[inline(always)]
    pub fn allocate_waiting_long(&mut self, layout: Layout, is_said: bool) -> Option<NonNull<u8>> {
        self.heap.take_waiting_long(layout, is_said)
    }

    /// [`allocate`](Self::allocate), where [`allocate_waiting`](Self::allocate_waiting) has no block, of one whose size is said
    /// later, or not, as if it had been [resized](Self::resize): then a long one may be up to an eighth longer.
    #[inline]
    pub fn allocate_taking_in(&mut self, layout: Layout, is_said: bool) -> Option<NonNull<u8>> {
        if self.may_tidy() {
            return self.look_and_allocate(layout);
        }
        if self.has_arrived() {
            return self.take_in_and_allocate(layout);
        }
        if !is_said && self.heap.may_be_about(layout) {
            return self.heap.allocate_about(layout);
        }
        self.heap.allocate_anew(layout)
    }

    /// [`allocate`](Self::allocate), once what waits is put in order, if it is time for that.
    #[cold]
    #[inline(never)]
    fn look_and_allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.heap.note_request(layout);
        self.heap.tidy_if_many();
        self.allocate(layout)
    }

    /// [`allocate`](Self::allocate), where something has come back. Long blocks are hardly ever asked for one by one as they come
    /// back, and many are taken in at once with less: their owner and who frees them then meet less often in the same lines of
    /// the cache.
    #[inline(never)]
    fn take_in_and_allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if !self.heap.quick().has_list(layout.size())
            && let Some(block) = self.cut(layout)
        {
            return Some(block);
        }
        let mut more = self.take_in_some();
        while more {
            let waiting = self.take_any_waiting(layout).or_else(|| self.heap.take_waiting_among_few(layout));
            if let Some(block) = waiting.or_else(|| self.cut(layout)) {
                return Some(block);
            }
            more = self.take_in_some();
        }
        self.cut = 0;
        self.take_any_waiting(layout).or_else(|| self.heap.allocate_anew(layout))
    }

    /// A block for `layout` of what is free, while there is more to be taken in, if not too much was cut off that.
    fn cut(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if self.cut >= MOST_CUT {
            return None;
        }
        let block = self.heap.allocate_free(layout)?;
        self.cut += layout.size().max(LEAST_CUT);
        Some(block)
    }

    /// A block for `layout` that waits, in a list or as a long one.
    #[inline]
    fn take_any_waiting(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let block = if layout.align() <= GRANULE {
            self.heap.take_waiting(rounded::<TwoWords>(layout.size()))
        } else {
            self.allocate_waiting_aligned(layout)
        };
        block.or_else(|| self.allocate_waiting_long(layout, true))
    }

    /// What no block has covered yet: see [`Heap::fresh`].
    #[inline]
    pub const fn fresh(&self) -> Fresh {
        self.heap.fresh()
    }

    /// Zeroes the `size` bytes of a block, but for those that are zero since the source gave them: see [`Heap::clear`].
    ///
    /// # Safety
    /// As there.
    pub unsafe fn clear(&self, fresh: Fresh, block: NonNull<u8>, size: usize) {
        // SAFETY: as the caller says.
        unsafe { self.heap.clear(fresh, block, size) };
    }

    /// The bytes of the block at `ptr`, of this heap: see [`Heap::usable_size`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn usable_size(&self, ptr: NonNull<u8>) -> Result<usize, FreeError> {
        self.heap.usable_size(ptr)
    }

    /// [`usable_size`](Self::usable_size), of the block in use that starts at a granule, if one does. O(1).
    ///
    /// # Safety
    /// The source's [`granule_at`](PageSource::granule_at) answers so for the address.
    #[inline(always)]
    pub unsafe fn usable_size_soon(&self, at: GranuleAt) -> Option<usize> {
        // SAFETY: as the caller says; each block of the source holds a span.
        unsafe { self.heap.usable_size_soon(Span::at(at.block), at.granule) }
    }

    /// Takes in all that has come back. How many blocks.
    pub fn take_in(&mut self) -> usize {
        core::iter::from_fn(|| self.take_in_entry()).sum()
    }

    /// Takes in all that has come back, and gives what is entirely free to the source: see [`Heap::trim`].
    pub fn trim(&mut self) -> usize {
        self.take_in();
        self.heap.trim()
    }

    /// [`trim`](Self::trim), where the source is told only of pieces of `bytes` bytes and more: short ones may be many.
    pub fn trim_from(&mut self, bytes: usize) -> usize {
        self.take_in();
        self.heap.trim_from(bytes)
    }

    /// Tells the source of what is free in pieces of 4 KiB and more, as [`trim`](Self::trim) does, so that it may give pages of
    /// that back; what waits goes on to. O(such pieces), and what the source takes.
    pub fn discard(&mut self) {
        self.heap.discard();
    }

    /// About how many blocks wait, as a part of the maps tells. O(heap / the granules of a map entry).
    pub fn waiting(&self) -> usize {
        self.heap.estimate_waiting()
    }

    /// Whether the next request for which [none waits](Self::allocate_waiting) may put in order what waits: so after each few
    /// hundred requests, which is when an embedder may see to other things too. O(1).
    #[inline(always)]
    pub fn may_tidy(&self) -> bool {
        self.heap.may_tidy()
    }

    /// Puts in order what waits: coalesces it where a kibibyte (on 64 bits) or more of what is not in use lies in a row, gives back
    /// to the source what is entirely free then, and has the rest wait in the order of addresses. After frees at random, blocks
    /// allocated one after another then lie side by side, and not all over the heap. It happens by itself, when it takes a small
    /// part of what the frees since took. O(heap).
    pub fn tidy(&mut self) {
        self.heap.tidy();
    }

    /// Checks the heap: see [`Heap::check`].
    ///
    /// # Errors
    /// As there.
    pub fn check(&self) -> Result<(), Fault> {
        self.heap.check()
    }

    /// What the heap holds. Blocks that are on their way back count as in use. O(blocks that wait).
    pub fn totals(&self) -> Totals {
        self.heap.totals()
    }

    /// [`totals`](Self::totals) as they are kept: what waits counts as in use. O(1).
    #[inline]
    pub const fn totals_so_far(&self) -> Totals {
        self.heap.totals_so_far()
    }

    /// The source.
    pub const fn source(&self) -> &S {
        self.heap.source()
    }

    /// The heap, to be looked at.
    pub const fn heap(&self) -> &Heap<S, Local> {
        &self.heap
    }

    /// Whether something has come back, as far as this thread can see yet.
    #[inline(always)]
    fn has_arrived(&self) -> bool {
        !self.inbox.is_empty() || !self.arrivals.is_empty()
    }

    /// Takes in some of what has come back. Whether there may be more.
    #[inline(never)]
    fn take_in_some(&mut self) -> bool {
        let mut count = 0;
        while count < AT_ONCE {
            match self.take_in_entry() {
                Some(more) => count += more,
                None => return false,
            }
        }
        true
    }

    /// Takes in the blocks of one entry of a map, if some have come back. How many.
    #[inline]
    fn take_in_entry(&mut self) -> Option<usize> {
        // SAFETY: what is in the inbox is of this heap, and all of an entry is taken in before the next.
        unsafe {
            let (block, entry) = self.arrivals.next(self.inbox)?;
            self.heap.pin(self.arrivals.span());
            Some(self.heap.take_in_entry(block, entry, self.on_bad_free))
        }
    }
}

#[cfg(all(test, not(loom)))]
pub(crate) mod tests;
