//! Floor 8: a heap for one thread or one processor, of many that free one another's blocks.
//!
//! ```text
//!   allocate: a block that waits ─▶ what has come back ─▶ bins ─▶ all that has come back ─▶ the source
//!   free:     is it of this heap? ─▶ as in any heap
//!             no: the embedder knows whose it is ─▶ RemoteSpan::free
//! ```

use core::alloc::Layout;
use core::num::NonZero;
use core::ptr::NonNull;

use crate::granule::{GRANULE, TwoWords, rounded};
use crate::heap::allocate::whole;
use crate::inspect::Fault;
use crate::remote::{Arrivals, Inbox};
use crate::span::Span;
use crate::{FreeError, Fresh, Heap, Local, PageSource, Totals};

/// Blocks that have come back which one request takes in, or a few more, unless it finds no memory.
const AT_ONCE: usize = 64;

/// What is done about a free from elsewhere that only its heap can see is bad: the second of two frees of one block by two
/// threads at the very same time.
pub type OnBadFree = fn(FreeError, NonNull<u8>);

/// What came of letting a long block wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongWait {
    /// It does not; nothing has changed.
    No,
    /// It waits.
    Yes,
    /// It waits in place of another, which is to be [coalesced](LocalHeap::coalesce).
    InPlaceOf(NonNull<u8>),
    /// It is in use, but too long to wait: it is to be [freed](LocalHeap::deallocate_long).
    TooLong,
}

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
/// request then coalesces a few at a time until it has room, at worst all of them. Until then, or until a [`trim`](Self::trim), they keep
/// their spans from going back to the source. Where each call has to be O(1), use
/// [`Heap::real_time`] behind a lock.
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
/// let mut heap = LocalHeap::new(ArenaSource::new(arena), &INBOX, |error, _| panic!("{error}"));
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
    on_bad_free: OnBadFree,
}

// SAFETY: the heap and what has come back to it are the owner's alone, whichever thread that is.
unsafe impl<S: PageSource + Send> Send for LocalHeap<'_, S> {}

impl<'inbox, S: PageSource> LocalHeap<'inbox, S> {
    /// A heap without memory yet, to which blocks come back through `inbox`.
    pub const fn new(source: S, inbox: &'inbox Inbox, on_bad_free: OnBadFree) -> Self {
        Self { heap: Heap::with_mode(source), inbox, arrivals: Arrivals::new(), on_bad_free }
    }

    /// A block of at least `layout.size()` bytes: see [`Heap::allocate`].
    #[inline]
    pub fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        match self.take_any_waiting(layout) {
            Some(block) => Some(block),
            None => self.allocate_taking_in(layout),
        }
    }

    /// A block of at least `size` bytes, aligned to [`GRANULE`], if one of the size waits. O(1).
    #[inline(always)]
    pub fn allocate_waiting(&mut self, size: usize) -> Option<NonNull<u8>> {
        self.heap.take_waiting(rounded::<TwoWords>(size))
    }

    /// [`allocate_waiting`](Self::allocate_waiting), of a block too long for a quick list.
    #[inline(always)]
    pub fn allocate_waiting_long(&mut self, size: usize) -> Option<NonNull<u8>> {
        self.heap.take_waiting_long(rounded::<TwoWords>(size))
    }

    /// [`allocate`](Self::allocate), where no block of the size waits.
    #[inline]
    pub fn allocate_taking_in(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if self.has_arrived() { self.take_in_and_allocate(layout) } else { self.heap.allocate_anew(layout) }
    }

    /// [`allocate`](Self::allocate), where something has come back.
    #[inline(never)]
    fn take_in_and_allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let mut more = self.take_in_some();
        loop {
            if let Some(block) = self.take_any_waiting(layout).or_else(|| self.heap.allocate_free(layout)) {
                return Some(block);
            }
            if !more {
                return self.heap.allocate(layout);
            }
            more = self.take_in_some();
        }
    }

    /// A block for `layout` that waits, in a list or as a long one.
    #[inline]
    fn take_any_waiting(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() > GRANULE {
            return None;
        }
        self.allocate_waiting(layout.size()).or_else(|| self.allocate_waiting_long(layout.size()))
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

    /// Frees the block at `ptr`: see [`Heap::deallocate`].
    ///
    /// # Errors
    /// As there; [`FreeError::NotOurs`] for another heap's block.
    ///
    /// # Safety
    /// If a block in use of this heap starts at `ptr`, nobody uses it any more. No other pointer does harm.
    #[inline]
    pub unsafe fn deallocate(&mut self, ptr: NonNull<u8>) -> Result<(), FreeError> {
        // SAFETY: as the caller says.
        unsafe { self.free(ptr, None) }
    }

    /// Frees the block at `ptr`, which was allocated for `layout`: see [`Heap::deallocate_sized`].
    ///
    /// # Errors
    /// As there; [`FreeError::NotOurs`] for another heap's block.
    ///
    /// # Safety
    /// If a block in use of this heap starts at `ptr`, nobody uses it any more. No other pointer does harm.
    #[inline]
    pub unsafe fn deallocate_sized(&mut self, ptr: NonNull<u8>, layout: Layout) -> Result<(), FreeError> {
        // SAFETY: as the caller says.
        unsafe { self.free(ptr, Some(whole::<TwoWords>(layout.size()))) }
    }

    /// Frees the block at `ptr`, of `expected` bytes if that is said: by a glance at the map, if that will do.
    ///
    /// # Safety
    /// As for [`deallocate`](Self::deallocate).
    #[inline(always)]
    unsafe fn free(&mut self, ptr: NonNull<u8>, expected: Option<usize>) -> Result<(), FreeError> {
        // SAFETY: as the caller says; the granule is the span's.
        unsafe {
            if let Some((span, start)) = self.heap.place_of(ptr)
                && self.heap.let_wait_soon(span, start, ptr, expected)
            {
                return Ok(());
            }
            self.heap.free_unclear(ptr, expected.and_then(NonZero::new))
        }
    }

    /// Frees the block at `ptr`, of `bytes` bytes, whole granules, unless they are 0, in a block of the source that starts at
    /// `block`. For a block that may not wait it takes less than [`deallocate`](Self::deallocate). O(1).
    ///
    /// # Errors
    /// As for [`deallocate_sized`](Self::deallocate_sized).
    ///
    /// # Safety
    /// If a block in use of this heap starts at `ptr`, nobody uses it any more. `block` is what the source's
    /// [`block_of`](PageSource::block_of) answers for `ptr`.
    pub unsafe fn deallocate_in(
        &mut self,
        block: NonNull<u8>,
        ptr: NonNull<u8>,
        bytes: usize,
    ) -> Result<(), FreeError> {
        // SAFETY: as the caller says.
        unsafe { self.heap.free_in(block, ptr, NonZero::new(bytes)) }
    }

    /// Frees the block that starts at a granule, of `size` bytes if that is said, if it is small and one more of its size may
    /// wait. Whether that is done; if not, nothing has changed, and [`deallocate`](Self::deallocate) or
    /// [`deallocate_sized`](Self::deallocate_sized) does it, or says why not. O(1).
    ///
    /// # Safety
    /// If a block in use of this heap starts there, nobody uses it any more. The source's
    /// [`granule_at`](PageSource::granule_at) answers so for the address.
    #[inline(always)]
    pub unsafe fn let_wait(&mut self, at: GranuleAt, size: Option<usize>) -> bool {
        // SAFETY: as the caller says; each block of the source holds a span.
        unsafe {
            self.heap.let_wait_soon(Span::at(at.block), at.granule, at.ptr, size.map(whole::<TwoWords>))
        }
    }

    /// [`let_wait`](Self::let_wait), of a long block: one of each few sizes may wait.
    ///
    /// # Safety
    /// As for `let_wait`.
    #[inline(always)]
    pub unsafe fn let_wait_long(&mut self, at: GranuleAt, size: Option<usize>) -> LongWait {
        // SAFETY: as in `let_wait`.
        unsafe {
            let span = Span::at(at.block);
            self.heap.let_wait_long_soon(span, at.granule, at.ptr, size.map(whole::<TwoWords>))
        }
    }

    /// Frees the block that starts at a granule, which is too long to wait. O(1).
    ///
    /// # Safety
    /// [`let_wait_long`](Self::let_wait_long) just said so of it.
    pub unsafe fn deallocate_long(&mut self, at: GranuleAt) {
        // SAFETY: as the caller says: the block is in use.
        unsafe { self.heap.take_back_known(Span::at(at.block), at.granule) };
    }

    /// Coalesces the block in whose place another one waits. O(1).
    ///
    /// # Safety
    /// [`let_wait_long`](Self::let_wait_long) just gave it.
    pub unsafe fn coalesce(&mut self, displaced: NonNull<u8>) {
        // SAFETY: the block was one that waits.
        unsafe { self.heap.take_back_waiting(displaced) };
    }

    /// Makes the block at `ptr`, of this heap, `new_size` bytes long: see [`Heap::reallocate`].
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, nobody uses it any more once another pointer is returned.
    #[inline]
    pub unsafe fn reallocate(
        &mut self,
        ptr: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        if self.has_arrived() {
            self.take_in_some();
        }
        // SAFETY: as the caller says.
        unsafe { self.heap.reallocate(ptr, layout, new_size) }
    }

    /// Makes the block at `ptr`, of this heap, `new_size` bytes long: see [`Heap::resize`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, nobody uses it any more once another pointer is returned.
    #[inline]
    pub unsafe fn resize(
        &mut self,
        ptr: NonNull<u8>,
        new_size: usize,
    ) -> Result<Option<NonNull<u8>>, FreeError> {
        if self.has_arrived() {
            self.take_in_some();
        }
        // SAFETY: as the caller says.
        unsafe { self.heap.resize(ptr, new_size) }
    }

    /// [`resize`](Self::resize), of the block that starts at a granule, if little is to do for that. If not, `None`, and nothing
    /// has changed. O(1), but for the copy.
    ///
    /// # Safety
    /// If a block in use of this heap starts there, nobody uses it any more once another pointer is returned. The source's
    /// [`granule_at`](PageSource::granule_at) answers so for the address.
    #[inline(always)]
    pub unsafe fn resize_soon(&mut self, at: GranuleAt, new_size: usize) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says; each block of the source holds a span.
        unsafe { self.heap.resize_soon(Span::at(at.block), at.granule, at.ptr, new_size) }
    }

    /// [`resize`](Self::resize), of a block in a block of the source that starts at `block`: less to find out.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// As there. `block` is what the source's [`block_of`](PageSource::block_of) answers for `ptr`.
    #[inline(always)]
    pub unsafe fn resize_in(
        &mut self,
        block: NonNull<u8>,
        ptr: NonNull<u8>,
        new_size: usize,
    ) -> Result<Option<NonNull<u8>>, FreeError> {
        if self.has_arrived() {
            self.take_in_some();
        }
        // SAFETY: as the caller says.
        unsafe { self.heap.resize_in(block, ptr, new_size) }
    }

    /// Makes the block at `ptr`, of this heap, `new_size` bytes long where it lies: see [`Heap::resize_in_place`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, what lies in it above a lower end is used no more.
    pub unsafe fn resize_in_place(&mut self, ptr: NonNull<u8>, new_size: usize) -> Result<bool, FreeError> {
        // SAFETY: as the caller says.
        unsafe { self.heap.resize_in_place(ptr, new_size) }
    }

    /// The bytes of the block at `ptr`, of this heap: see [`Heap::usable_size`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn usable_size(&self, ptr: NonNull<u8>) -> Result<usize, FreeError> {
        self.heap.usable_size(ptr)
    }

    /// Takes in all that has come back. How many blocks.
    pub fn take_in(&mut self) -> usize {
        core::iter::from_fn(|| self.take_in_entry()).sum()
    }

    /// Takes in all that was freed, though who freed it may not have got to say so: where all others have vanished, as in the
    /// child of a fork. How many blocks. O(heap).
    ///
    /// # Safety
    /// Nobody else frees, or is just freeing, a block of the heap.
    pub unsafe fn take_in_all(&mut self) -> usize {
        self.inbox.clear();
        self.arrivals = Arrivals::new();
        // SAFETY: as the caller says.
        unsafe { self.heap.take_in_every_entry(self.on_bad_free) }
    }

    /// Takes in all that has come back, and gives what is entirely free to the source: see [`Heap::trim`].
    pub fn trim(&mut self) -> usize {
        self.take_in();
        self.heap.trim()
    }

    /// Checks the heap: see [`Heap::check`].
    ///
    /// # Errors
    /// As there.
    pub fn check(&self) -> Result<(), Fault> {
        self.heap.check()
    }

    /// What the heap holds. Blocks that are on their way back count as in use. O(1).
    pub fn totals(&self) -> Totals {
        self.heap.totals()
    }

    /// [`totals`](Self::totals) as they are kept: what waits counts as in use. O(1), and less.
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
            self.heap.keep(self.arrivals.span());
            Some(self.heap.take_in_entry(block, entry, self.on_bad_free))
        }
    }
}
