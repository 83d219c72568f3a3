//! Whose block holds an address.

use core::ptr::NonNull;

use memalloc_core::FreeError;
use memalloc_core::remote::RemoteSpan;

use crate::huge;
use crate::region::TABLE;
use crate::thread_heap::ThreadHeap;
use crate::tls::current;

/// Whose block holds an address.
pub(super) enum Place {
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
    pub(super) unsafe fn of(ptr: NonNull<u8>) -> Result<Self, FreeError> {
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
            return huge::find(ptr).map(Self::Huge);
        }
        // SAFETY: a region of the table has a span, which stays as long as a block of it is live. Where none is, the
        // pointer is a mistake that is caught unless the region goes at the same moment.
        Ok(Self::Elsewhere(unsafe { RemoteSpan::at(start) }))
    }
}

/// The calling thread's heap, if `ptr` lies in a region of it.
#[inline(always)]
pub(super) fn mine_if_of(ptr: NonNull<u8>) -> Option<&'static ThreadHeap> {
    let heap = current();
    if TABLE.is_first_of(heap.owner(), ptr.addr().get()) { Some(heap) } else { None }
}
