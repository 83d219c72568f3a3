//! Freeing.
//!
//! ```text
//!   is its region near at hand? ─▶ a glance: does it wait? ─▶ done
//!     │ no                           │ no
//!     │                              ▼
//!     │                         is it long, and does it wait? ─▶ done
//!     ▼                              │ no
//!   whose block is it? ◀─────────────┘
//! ```

use core::alloc::Layout;
use core::ptr::NonNull;

use memalloc_core::remote::RemoteSpan;
use memalloc_core::{FreeError, GRANULE, GranuleAt, LongWait};

use crate::heaps::{self, heap_of};
use crate::huge;
use crate::near::Start;
use crate::region::TABLE;
use crate::tls::current;

/// What came of letting a block wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetWait {
    /// It waits: it is freed, and on its heap's quick list of its size.
    Done,
    /// It does not. It lies in a region of the calling thread's heap, where a granule starts.
    Near,
    /// It does not, and may lie anywhere.
    Far,
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
    unsafe { free(ptr, None) }
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
    // SAFETY: as the caller says.
    unsafe { free(ptr, Some(layout.size())) }
}

/// # Safety
/// As for [`deallocate`].
#[inline(always)]
unsafe fn free(ptr: NonNull<u8>, size: Option<usize>) -> Result<(), FreeError> {
    // SAFETY: as the caller says.
    unsafe {
        match let_wait(ptr.as_ptr(), size) {
            LetWait::Done => Ok(()),
            LetWait::Near => deallocate_near_apart(ptr, size),
            LetWait::Far => deallocate_otherwise(ptr, size.map_or(0, whole)),
        }
    }
}

/// [`deallocate_near`], by a call.
///
/// # Errors
/// As there.
///
/// # Safety
/// As there.
#[inline(never)]
unsafe fn deallocate_near_apart(ptr: NonNull<u8>, size: Option<usize>) -> Result<(), FreeError> {
    // SAFETY: as the caller says.
    unsafe { deallocate_near(ptr, size) }
}

/// Frees the block at `ptr`, of `size` bytes if that is said, where [`let_wait`] has not, but said that it is near. To be a part of a
/// function that is called only then.
///
/// # Errors
/// As [`deallocate_sized`].
///
/// # Safety
/// As for [`let_wait`], which just said that the block is near.
#[inline(always)]
pub unsafe fn deallocate_near(ptr: NonNull<u8>, size: Option<usize>) -> Result<(), FreeError> {
    // SAFETY: as the caller says.
    unsafe {
        match let_wait_long(ptr.as_ptr(), size) {
            LongWait::No => return deallocate_otherwise(ptr, size.map_or(0, whole)),
            LongWait::Yes => {}
            LongWait::InPlaceOf(displaced, bytes) => coalesce(displaced, bytes),
            LongWait::MayNot(bytes) => deallocate_known(ptr.as_ptr(), bytes),
        }
    }
    Ok(())
}

/// Frees the block at `ptr`, of `size` bytes if that is said, if it is a small one of the calling thread's heap, and may
/// wait there. For any other, and for null, nothing has changed, and [`deallocate`] does it.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more. No other pointer does harm.
#[inline(always)]
pub unsafe fn let_wait(ptr: *mut u8, size: Option<usize>) -> LetWait {
    let (heap, start) = (current(), Start::of(ptr.addr()));
    // SAFETY: the block, if there is one, is of the calling thread's heap, of which nothing is borrowed, and the caller gives it
    // up.
    unsafe {
        if !heap.local().source().has_near(start) {
            return LetWait::Far;
        }
        if heap.local().let_wait(granule_at(start, ptr), size) { LetWait::Done } else { LetWait::Near }
    }
}

/// [`let_wait`], of a long block: the last few that were freed may wait.
///
/// # Safety
/// As for `let_wait`, which just said that the block is near.
#[inline(always)]
unsafe fn let_wait_long(ptr: *mut u8, size: Option<usize>) -> LongWait {
    // SAFETY: as in `let_wait`.
    unsafe { current().local().let_wait_long(granule_at(Start::of(ptr.addr()), ptr), size) }
}

/// Frees the block at `ptr`, of `bytes` bytes, which may not wait.
///
/// # Safety
/// [`let_wait_long`] just said so of it.
#[inline(never)]
unsafe fn deallocate_known(ptr: *mut u8, bytes: usize) {
    // SAFETY: as the caller says; the heap is the calling thread's, and nothing of it is borrowed.
    unsafe { current().deallocate_known(granule_at(Start::of(ptr.addr()), ptr), bytes) };
}

/// Coalesces the block of `bytes` bytes in whose place another one waits.
///
/// # Safety
/// [`let_wait_long`] just gave it.
#[inline(always)]
unsafe fn coalesce(displaced: NonNull<u8>, bytes: usize) {
    // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
    unsafe { current().local().coalesce(displaced, bytes) };
}

/// The granule at `ptr`.
///
/// # Safety
/// One starts there, in a region.
#[inline(always)]
pub(super) unsafe fn granule_at(start: Start, ptr: *mut u8) -> GranuleAt {
    // SAFETY: no region is at address 0.
    unsafe {
        let block = NonNull::new_unchecked(start.slot_of(ptr));
        GranuleAt { block, granule: start.granule(), ptr: NonNull::new_unchecked(ptr) }
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
    // SAFETY: as in `Place::elsewhere`; the caller gives the block up, and heaps with their inboxes are there for ever.
    unsafe {
        if owner == current().owner() {
            return free_own(start, ptr, bytes);
        }
        if owner != huge::OWNER {
            let freed = RemoteSpan::at(start).free(ptr, bytes, heap_of(owner).inbox());
            heaps::count_free_elsewhere();
            return freed;
        }
        let block = huge::find(ptr)?;
        if bytes > 0 && block.size() != bytes { Err(FreeError::WrongSize) } else { block.free() }
    }
}

/// [`deallocate_otherwise`], in a region of the calling thread's heap that starts at `region`. It is near from then on.
///
/// # Errors
/// As there.
///
/// # Safety
/// As there.
#[inline(never)]
unsafe fn free_own(region: NonNull<u8>, ptr: NonNull<u8>, bytes: usize) -> Result<(), FreeError> {
    let heap = current();
    // SAFETY: as the caller says; the heap is the calling thread's, and nothing of it is borrowed.
    unsafe {
        if heap.local().source().bring_near(region)
            && let_wait(ptr.as_ptr(), (bytes > 0).then_some(bytes)) == LetWait::Done
        {
            return Ok(());
        }
        heap.local().deallocate_in(region, ptr, bytes)
    }
}

/// The bytes of the granules that `size` bytes fill.
#[inline(always)]
pub(super) const fn whole(size: usize) -> usize {
    size.saturating_sub(1) / GRANULE * GRANULE + GRANULE
}
