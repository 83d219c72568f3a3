//! The heap of the process: what [`MemAlloc`](crate::MemAlloc) and the C libraries allocate from.
//!
//! ```text
//!   thread ──▶ its heap ──▶ regions of 4 MiB        thread that frees another's block ──▶ that heap's map
//!   any thread ──▶ huge blocks, a mapping each
//! ```
//!
//! Each thread has a heap of its own, so that no lock is taken and no atomic exchange made for a small block. Any thread
//! may call any of these functions, and the child of a fork too, whatever other threads did when it was forked. None of
//! them calls the program's allocator or changes `errno`.

use core::alloc::Layout;
use core::ptr::NonNull;

use memalloc_core::inspect::Fault;
use memalloc_core::remote::RemoteSpan;
use memalloc_core::{FreeError, GRANULE, GranuleAt, LongWait, Totals};

use crate::huge;
use crate::idle;
use crate::region::{TABLE, slot_of};
use crate::snapshot::{Chunk, Snapshot};
use crate::table::{Owner, Start};
use crate::thread_heap::{Heaps, LARGEST, ThreadHeap, allocate_shared, heaps, mine, mine_or_idle};
use crate::tls::current;

/// A block of at least `layout.size()` bytes; `None` when memory cannot be had. A size of 0 gives a block too.
#[inline]
pub fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    if layout.align() <= GRANULE
        && let Some(block) = allocate_waiting(layout.size())
    {
        return Some(block);
    }
    allocate_otherwise(layout)
}

/// A block of at least `size` bytes, aligned to a granule, if one waits in the calling thread's heap. For any other,
/// [`allocate`].
#[inline(always)]
pub fn allocate_waiting(size: usize) -> Option<NonNull<u8>> {
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    unsafe { current().local() }.allocate_waiting(size)
}

/// [`allocate`], where no block waits.
#[inline(never)]
pub fn allocate_otherwise(layout: Layout) -> Option<NonNull<u8>> {
    if layout.align() <= GRANULE
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
        && let Some(block) = unsafe { current().local() }.allocate_waiting_long(layout.size())
    {
        return Some(block);
    }
    if is_huge(layout) {
        return huge::allocate(layout);
    }
    let Some(heap) = mine() else { return allocate_first(layout) };
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    match unsafe { heap.allocate(layout) } {
        Some(block) => Some(block),
        None => allocate_at_last(layout),
    }
}

/// The first block of a thread, whose heap may be one that another has left, with blocks that wait.
#[cold]
fn allocate_first(layout: Layout) -> Option<NonNull<u8>> {
    if mine_or_idle().is_some() { allocate(layout) } else { allocate_at_last(layout) }
}

/// Where the system refuses a region, or the thread can have no heap of its own: from the shared heap, or of what is given
/// back that lay idle.
#[cold]
fn allocate_at_last(layout: Layout) -> Option<NonNull<u8>> {
    allocate_shared(layout).or_else(|| {
        heaps().trim();
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
        mine().and_then(|heap| unsafe { heap.allocate(layout) }).or_else(|| allocate_shared(layout))
    })
}

fn is_huge(layout: Layout) -> bool {
    layout.size().saturating_add(layout.align()) > LARGEST
}

/// As [`allocate`], with all bytes of `layout` zero. Memory that comes fresh from the system is not touched for that.
pub fn allocate_zeroed(layout: Layout) -> Option<NonNull<u8>> {
    if is_huge(layout) {
        return huge::allocate_zeroed(layout);
    }
    let Some(heap) = mine_or_idle() else { return allocate_at_last_zeroed(layout) };
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    let fresh = unsafe { heap.local() }.fresh();
    let block = allocate(layout)?;
    // SAFETY: as before; the block was just allocated, from that heap or another.
    unsafe { heap.local().clear(fresh, block, layout.size()) };
    Some(block)
}

#[cold]
fn allocate_at_last_zeroed(layout: Layout) -> Option<NonNull<u8>> {
    let block = allocate_at_last(layout)?;
    // SAFETY: the block was just allocated with that size.
    unsafe { block.write_bytes(0, layout.size()) };
    Some(block)
}

/// Frees the block at `ptr`.
///
/// # Errors
/// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a live block.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more. No other pointer does harm.
#[inline]
pub unsafe fn deallocate(ptr: NonNull<u8>) -> Result<(), FreeError> {
    // SAFETY: as the caller says.
    unsafe { if let_wait(ptr.as_ptr(), None) { Ok(()) } else { deallocate_long(ptr, None) } }
}

/// Frees the block at `ptr`, which was allocated for `layout`.
///
/// # Errors
/// As [`deallocate`], and [`FreeError::WrongSize`] for a block of another size.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more. No other pointer does harm.
#[inline]
pub unsafe fn deallocate_sized(ptr: NonNull<u8>, layout: Layout) -> Result<(), FreeError> {
    let size = layout.size();
    // SAFETY: as the caller says.
    unsafe { if let_wait(ptr.as_ptr(), Some(size)) { Ok(()) } else { deallocate_long(ptr, Some(size)) } }
}

/// # Safety
/// As for [`deallocate`].
#[inline(never)]
unsafe fn deallocate_long(ptr: NonNull<u8>, size: Option<usize>) -> Result<(), FreeError> {
    // SAFETY: as the caller says.
    unsafe {
        match let_wait_long(ptr.as_ptr(), size) {
            LongWait::No => return deallocate_otherwise(ptr, size.map_or(0, whole)),
            LongWait::Yes => {}
            LongWait::InPlaceOf(displaced) => coalesce(displaced),
            LongWait::TooLong(bytes) => free_long(ptr.as_ptr(), bytes),
        }
    }
    Ok(())
}

/// Frees the block at `ptr`, of `size` bytes if that is said, if it is a small one of the calling thread's heap, and may
/// wait there. Whether that is done; for any other, and for null, [`deallocate`].
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more. No other pointer does harm.
#[inline(always)]
pub unsafe fn let_wait(ptr: *mut u8, size: Option<usize>) -> bool {
    let (heap, start) = (current(), Start::of(ptr.addr()));
    // SAFETY: the block, if there is one, is of the calling thread's heap, of which nothing is borrowed, and the caller gives it
    // up.
    unsafe { heap.local().source().has_near(start) && heap.local().let_wait(granule_at(start, ptr), size) }
}

/// [`let_wait`], of a long block: one of each few sizes may wait.
///
/// # Safety
/// As for `let_wait`.
#[inline(always)]
pub unsafe fn let_wait_long(ptr: *mut u8, size: Option<usize>) -> LongWait {
    let (heap, start) = (current(), Start::of(ptr.addr()));
    // SAFETY: as in `let_wait`.
    unsafe {
        if !heap.local().source().has_near(start) {
            return LongWait::No;
        }
        heap.local().let_wait_long(granule_at(start, ptr), size)
    }
}

/// Frees the block at `ptr`, of `bytes` bytes, which is too long to wait.
///
/// # Safety
/// [`let_wait_long`] just said so of it.
#[inline(always)]
pub unsafe fn free_long(ptr: *mut u8, bytes: usize) {
    // SAFETY: as the caller says; the heap is the calling thread's, and nothing of it is borrowed.
    unsafe { current().local().deallocate_long(granule_at(Start::of(ptr.addr()), ptr), bytes) };
}

/// Coalesces the block in whose place another one waits.
///
/// # Safety
/// [`let_wait_long`] just gave it.
#[inline(always)]
pub unsafe fn coalesce(displaced: NonNull<u8>) {
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    unsafe { current().local().coalesce(displaced) };
}

/// The granule at `ptr`.
///
/// # Safety
/// One starts there, in a region.
#[inline(always)]
unsafe fn granule_at(start: Start, ptr: *mut u8) -> GranuleAt {
    // SAFETY: no region is at address 0.
    let ptr = unsafe { NonNull::new_unchecked(ptr) };
    GranuleAt { block: slot_of(ptr), granule: start.granule(), ptr }
}

/// Whose block holds an address.
enum Place {
    /// The calling thread's heap's.
    Mine(&'static ThreadHeap),
    /// Another heap's, in a region.
    Elsewhere(RemoteSpan),
    /// It is a huge block, in use.
    Huge(huge::Huge),
}

impl Place {
    /// # Safety
    /// If a live block starts at `ptr`, nobody frees it meanwhile.
    #[inline(always)]
    unsafe fn of(ptr: NonNull<u8>) -> Result<Self, FreeError> {
        if let Some(mine) = mine_if_of(ptr) {
            return Ok(Self::Mine(mine));
        }
        // SAFETY: as the caller says.
        unsafe { Self::elsewhere(ptr) }
    }

    /// # Safety
    /// As for [`of`](Self::of).
    #[inline(never)]
    unsafe fn elsewhere(ptr: NonNull<u8>) -> Result<Self, FreeError> {
        let (start, owner) = TABLE.block_of(ptr.addr().get()).ok_or(FreeError::NotOurs)?;
        if owner == huge::OWNER {
            return huge::find(start, ptr).map(Self::Huge);
        }
        // SAFETY: a region of the table has a span, which stays as long as a block of it is live. Where none is, the
        // pointer is a mistake that is caught unless the region goes at the same moment.
        Ok(Self::Elsewhere(unsafe { RemoteSpan::at(start) }))
    }
}

/// Frees the block at `ptr`, of `bytes` bytes, whole granules, unless they are 0, where [`let_wait`] has not.
///
/// # Errors
/// As [`deallocate_sized`].
///
/// # Safety
/// As for [`deallocate`].
#[inline(never)]
pub unsafe fn deallocate_otherwise(ptr: NonNull<u8>, bytes: usize) -> Result<(), FreeError> {
    let (start, owner) = TABLE.block_of(ptr.addr().get()).ok_or(FreeError::NotOurs)?;
    let mine = current();
    // SAFETY: as in `Place::elsewhere`; the caller gives the block up, and heaps with their inboxes are there for ever.
    unsafe {
        if owner == mine.owner() {
            return mine.local().deallocate_in(start, ptr, bytes);
        }
        if owner != huge::OWNER {
            return RemoteSpan::at(start).free(ptr, bytes, Heaps::of(owner).inbox());
        }
        let block = huge::find(start, ptr)?;
        if bytes > 0 && block.size() != bytes { Err(FreeError::WrongSize) } else { block.free() }
    }
}

/// Makes the block at `ptr` `new_size` bytes long, in place or by moving it to one aligned to a granule. `Ok(None)`,
/// and nothing has changed, when memory cannot be had.
///
/// # Errors
/// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a live block.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more once another pointer is returned.
#[inline]
pub unsafe fn resize(ptr: NonNull<u8>, new_size: usize) -> Result<Option<NonNull<u8>>, FreeError> {
    // SAFETY: as the caller says.
    unsafe {
        match resize_soon(ptr, new_size) {
            Some(block) => Ok(Some(block)),
            None => resize_otherwise(ptr, new_size),
        }
    }
}

/// [`resize`], if little is to do for that. If not, `None`, and nothing has changed.
///
/// # Safety
/// As for `resize`.
#[inline(always)]
pub unsafe fn resize_soon(ptr: NonNull<u8>, new_size: usize) -> Option<NonNull<u8>> {
    let (heap, start) = (current(), Start::of(ptr.addr().get()));
    // SAFETY: the block, if there is one, is of the calling thread's heap, of which nothing is borrowed, and the caller gives it
    // up if it moves.
    unsafe {
        if !heap.local().source().has_near(start) {
            return None;
        }
        heap.local().resize_soon(granule_at(start, ptr.as_ptr()), new_size)
    }
}

/// [`resize`], where [`resize_soon`] has not done it.
///
/// # Errors
/// As there.
///
/// # Safety
/// As for `resize`.
pub unsafe fn resize_otherwise(ptr: NonNull<u8>, new_size: usize) -> Result<Option<NonNull<u8>>, FreeError> {
    if let Some(heap) = mine_if_of(ptr)
        && new_size < huge::FROM_GROWN
    {
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed. The caller gives the block up if it
        // moves.
        let resized = unsafe { heap.local().resize_in(slot_of(ptr), ptr, new_size)? };
        if resized.is_some() {
            return Ok(resized);
        }
    }
    let size = usable_size(ptr)?;
    let Ok(layout) = Layout::from_size_align(size, GRANULE) else { return Ok(None) };
    // SAFETY: the block has this size, and the caller gives it up if it moves.
    Ok(unsafe { change(ptr, layout, new_size) })
}

/// Makes the block at `ptr`, which was allocated for `layout`, `new_size` bytes long and keeps its alignment.
/// `Ok(None)`, and nothing has changed, when memory cannot be had.
///
/// # Errors
/// As [`resize`], and [`FreeError::WrongSize`] for a block of another size.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more once another pointer is returned.
pub unsafe fn reallocate(
    ptr: NonNull<u8>,
    layout: Layout,
    new_size: usize,
) -> Result<Option<NonNull<u8>>, FreeError> {
    if usable_size(ptr)? != whole(layout.size()) {
        return Err(FreeError::WrongSize);
    }
    // SAFETY: the caller gives the block up if it moves.
    Ok(unsafe { change(ptr, layout, new_size) })
}

/// Changes the size of a live block, in place if it can be.
///
/// # Safety
/// A live block for `layout` starts at `ptr`, and nobody uses it any more once another pointer is returned.
unsafe fn change(ptr: NonNull<u8>, layout: Layout, new_size: usize) -> Option<NonNull<u8>> {
    let new_layout = Layout::from_size_align(new_size, layout.align()).ok()?;
    // SAFETY: as the caller says.
    unsafe {
        match Place::of(ptr).ok()? {
            Place::Mine(heap) if new_size < huge::FROM_GROWN => {
                if let Some(block) = heap.local().reallocate(ptr, layout, new_size) {
                    return Some(block);
                }
            }
            Place::Mine(heap) if heap.local().resize_in_place(ptr, new_size) == Ok(true) => return Some(ptr),
            Place::Huge(block) if new_size >= huge::TO_SHRUNK && layout.align() <= SMALLEST_PAGE => {
                return block.resize(new_size);
            }
            Place::Elsewhere(_) if whole(new_size) == whole(layout.size()) => return Some(ptr),
            _ => {}
        }
        let new = huge::allocate_grown(layout, new_size).or_else(|| allocate(new_layout))?;
        new.copy_from_nonoverlapping(ptr, new_size.min(whole(layout.size())));
        let freed = deallocate_sized(ptr, layout);
        debug_assert_eq!(freed, Ok(()));
        Some(new)
    }
}

/// The calling thread's heap, if `ptr` lies in a region of it.
#[inline(always)]
fn mine_if_of(ptr: NonNull<u8>) -> Option<&'static ThreadHeap> {
    let heap = current();
    if TABLE.is_first_of(heap.owner(), ptr.addr().get()) { Some(heap) } else { None }
}

/// Alignments up to this hold wherever a mapping goes.
const SMALLEST_PAGE: usize = 4096;

/// The bytes of the granules that `size` bytes fill.
#[inline(always)]
const fn whole(size: usize) -> usize {
    size.saturating_sub(1) / GRANULE * GRANULE + GRANULE
}

/// The bytes of the block at `ptr`: the size asked for, rounded up to granules.
///
/// # Errors
/// A [`FreeError`] for a pointer that is not the start of a live block.
#[inline]
pub fn usable_size(ptr: NonNull<u8>) -> Result<usize, FreeError> {
    // SAFETY: a block that is freed meanwhile is not live. The heap is the calling thread's, and nothing of it borrowed.
    unsafe {
        match Place::of(ptr)? {
            Place::Mine(heap) => heap.local().usable_size(ptr),
            Place::Elsewhere(span) => span.usable_size(ptr),
            Place::Huge(block) => Ok(block.size()),
        }
    }
}

/// What all heaps hold, and what of it is in use. Of other threads' heaps it is what they held a short while ago, and
/// blocks that wait there, or are on their way there, count as in use. O(heaps).
pub fn totals() -> Totals {
    heaps().totals() + huge::totals()
}

/// Checks the heaps of the calling thread and of those that have ended. O(heaps).
///
/// # Errors
/// The first [`Fault`] found: something wrote where it should not have.
pub fn check() -> Result<(), Fault> {
    heaps().each(|heaps| {
        for heap in heaps {
            // SAFETY: the calling thread may look at the heap.
            unsafe { heap.local() }.check()?;
        }
        Ok(())
    })
}

/// Gives all memory that is entirely free, in whole mappings, back to the system, but for that of other threads' heaps.
/// Returns its bytes.
pub fn trim() -> usize {
    heaps().trim() + idle::release()
}

/// Every chunk of the calling thread's heap, and of those whose threads have ended, and every huge block, as it is now, in
/// address order; `None` when there is no memory for the list.
pub fn snapshot() -> Option<Snapshot> {
    heaps().each(|heaps| {
        let mut snapshot = Snapshot::new();
        for heap in heaps {
            // SAFETY: the calling thread may look at the heap.
            snapshot.add_heap(unsafe { &*heap.local() }.heap())?;
        }
        huge::blocks().try_for_each(|(address, size)| snapshot.add(Chunk { address, size, in_use: true }))?;
        Some(snapshot.sorted())
    })
}

/// Of which heap an address is, by number. For tests.
#[doc(hidden)]
pub fn owner_of(ptr: NonNull<u8>) -> Option<usize> {
    TABLE.entry(ptr.addr().get()).owner().map(Owner::index)
}
