//! The heap of the process: what [`MemAlloc`](crate::MemAlloc) and the C libraries allocate from.
//!
//! ```text
//!   thread ──▶ its heap ──▶ regions of 4 MiB        thread that frees another's block ──▶ that heap's map
//!   any thread ──▶ huge blocks, a mapping each
//! ```
//!
//! Each thread has a heap of its own, so that no lock is taken and no atomic exchange made for a small block. Any thread
//! may call any of these functions, and the child of a fork too, whatever other threads did when it was forked. None of
//! them calls the program's allocator, but through the C library where that first notes that a thread has a heap; none changes
//! `errno`.

mod free;
mod place;
mod resize;

use core::alloc::Layout;
use core::ptr::{NonNull, null_mut};

use memalloc_core::inspect::Fault;
use memalloc_core::{FreeError, GRANULE, Totals};

use crate::heaps::{self, allocate_shared, mine, mine_or_idle};
use crate::huge;
use crate::idle;
use crate::near::Start;
use crate::region::TABLE;
use crate::snapshot::{Chunk, Snapshot};
use crate::table::Owner;
use crate::thread_heap::LARGEST;
use crate::tls::current;
use free::granule_at;
pub use free::{LetWait, deallocate, deallocate_near, deallocate_otherwise, deallocate_sized, let_wait};
use place::Place;
pub use resize::{OwnBlock, reallocate, resize, resize_otherwise};

/// A block of at least `layout.size()` bytes; `None` when memory cannot be had. A size of 0 gives a block too.
#[inline]
pub fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    match allocate_soon(layout) {
        Some(block) => Some(block),
        None => allocate_otherwise(layout, true),
    }
}

/// [`allocate`], of a block whose size nobody says later, when it is [freed](deallocate) or [resized](resize): a long one may be up
/// to an eighth longer.
#[inline]
pub fn allocate_about(layout: Layout) -> Option<NonNull<u8>> {
    match allocate_soon(layout) {
        Some(block) => Some(block),
        None => allocate_otherwise(layout, false),
    }
}

/// [`allocate`], if a block waits in a list of the calling thread's heap.
#[inline(always)]
fn allocate_soon(layout: Layout) -> Option<NonNull<u8>> {
    if layout.align() <= GRANULE {
        return allocate_waiting(layout.size());
    }
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    unsafe { current().local() }.allocate_waiting_aligned(layout)
}

/// A block of at least `size` bytes, aligned to a granule, if one waits in the calling thread's heap. For any other,
/// [`allocate`].
#[inline(always)]
pub fn allocate_waiting(size: usize) -> Option<NonNull<u8>> {
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    unsafe { current().local() }.allocate_waiting(size)
}

/// A block for `layout`, too long for a quick list, if one waits in the calling thread's heap; of one whose size is said later, or
/// [not](allocate_about). For any other, [`allocate`].
#[inline(always)]
pub fn allocate_waiting_long(layout: Layout, is_said: bool) -> Option<NonNull<u8>> {
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    unsafe { current().local() }.allocate_waiting_long(layout, is_said)
}

/// [`allocate`], where no block waits in a list, of one whose size is said later, or [not](allocate_about).
#[inline(never)]
pub fn allocate_otherwise(layout: Layout, is_said: bool) -> Option<NonNull<u8>> {
    match allocate_waiting_long(layout, is_said) {
        Some(block) => Some(block),
        None => allocate_anew(layout, is_said),
    }
}

/// [`allocate_otherwise`], where no long block waits either.
#[inline]
pub fn allocate_anew(layout: Layout, is_said: bool) -> Option<NonNull<u8>> {
    if is_huge(layout) {
        return huge::allocate(layout);
    }
    let Some(heap) = mine() else { return allocate_first(layout) };
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    match unsafe { heap.allocate(layout, is_said) } {
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
        heaps::trim();
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
        mine().and_then(|heap| unsafe { heap.allocate(layout, true) }).or_else(|| allocate_shared(layout))
    })
}

fn is_huge(layout: Layout) -> bool {
    layout.size().saturating_add(layout.align()) > LARGEST
}

/// As [`allocate`], with all bytes of `layout` zero. Memory that comes fresh from the system is not touched for that.
#[inline]
pub fn allocate_zeroed(layout: Layout) -> Option<NonNull<u8>> {
    match allocate_zeroed_soon(layout) {
        Some(block) => Some(block),
        None => allocate_zeroed_otherwise(layout, true),
    }
}

/// As [`allocate_about`], with all bytes of `layout` zero. Memory that comes fresh from the system is not touched for that.
#[inline]
pub fn allocate_about_zeroed(layout: Layout) -> Option<NonNull<u8>> {
    match allocate_zeroed_soon(layout) {
        Some(block) => Some(block),
        None => allocate_zeroed_otherwise(layout, false),
    }
}

/// [`allocate_zeroed`], if a block waits in a list of the calling thread's heap.
#[inline(always)]
fn allocate_zeroed_soon(layout: Layout) -> Option<NonNull<u8>> {
    let block = allocate_soon(layout)?;
    // SAFETY: the block was just allocated with that size.
    unsafe { block.write_bytes(0, layout.size()) };
    Some(block)
}

/// [`allocate_zeroed`], where no block waits in a list, of one whose size is said later, or not.
#[inline(never)]
fn allocate_zeroed_otherwise(layout: Layout, is_said: bool) -> Option<NonNull<u8>> {
    if is_huge(layout) {
        return huge::allocate_zeroed(layout);
    }
    let Some(heap) = mine_or_idle() else { return allocate_at_last_zeroed(layout) };
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    let fresh = unsafe { heap.local() }.fresh();
    let block = allocate_otherwise(layout, is_said)?;
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

/// The bytes of the block at `ptr`: the size asked for, rounded up to granules, or more once it was [resized](resize), or if it is
/// [about](allocate_about) as long.
///
/// # Errors
/// A [`FreeError`] for a pointer that is not the start of a live block.
#[inline]
pub fn usable_size(ptr: NonNull<u8>) -> Result<usize, FreeError> {
    if let Some(bytes) = usable_size_near(Some(ptr)) {
        return Ok(bytes);
    }
    usable_size_otherwise(ptr)
}

/// [`usable_size`], of a block of the calling thread's heap whose region is near at hand. `None` for any other, for null and for what
/// is no live block: [`usable_size`] says what that is.
#[inline(always)]
pub fn usable_size_near(ptr: Option<NonNull<u8>>) -> Option<usize> {
    let ptr = ptr.map_or(null_mut(), NonNull::as_ptr);
    let start = Start::of(ptr.addr());
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed. If its region is near, a granule of that starts there.
    unsafe {
        let heap = current().local();
        if heap.source().has_near(start) { heap.usable_size_soon(granule_at(start, ptr)) } else { None }
    }
}

/// [`usable_size`], of a block that is not near, or of none.
#[inline(never)]
fn usable_size_otherwise(ptr: NonNull<u8>) -> Result<usize, FreeError> {
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
    heaps::totals() + huge::totals()
}

/// Checks the heaps of the calling thread and of those that have ended. O(heaps).
///
/// # Errors
/// The first [`Fault`] found: something wrote where it should not have.
pub fn check() -> Result<(), Fault> {
    heaps::each(|heaps| {
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
    // What the heaps give up may become idle, but is counted already.
    let released = idle::release() + heaps::trim();
    idle::release();
    released
}

/// Every chunk of the calling thread's heap, and of those whose threads have ended, and every huge block, as it is now, in
/// address order; `None` when there is no memory for the list.
pub fn snapshot() -> Option<Snapshot> {
    heaps::each(|heaps| {
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
