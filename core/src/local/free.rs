//! A local heap's own frees.

use core::alloc::Layout;
use core::num::NonZero;
use core::ptr::NonNull;

use super::{GranuleAt, LocalHeap};
use crate::granule::TwoWords;
use crate::heap::allocate::whole;
use crate::span::Span;
use crate::{FreeError, Heap, Local, PageSource};

/// What came of letting a long block wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongWait {
    /// It does not; nothing has changed.
    No,
    /// It waits.
    Yes,
    /// It waits in place of another, of so many bytes, which is to be [coalesced](LocalHeap::coalesce).
    InPlaceOf(NonNull<u8>, usize),
    /// It is in use, of so many bytes, and may not wait: it is to be [freed](LocalHeap::deallocate_known).
    MayNot(usize),
}

impl<S: PageSource> LocalHeap<'_, S> {
    /// Frees the block at `ptr`: see [`Heap::deallocate`](crate::Heap::deallocate).
    ///
    /// # Errors
    /// As there; [`FreeError::NotOurs`] for another heap's block.
    ///
    /// # Safety
    /// If a block in use of this heap starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and nobody uses
    /// it any more. No other pointer does harm.
    #[inline]
    pub unsafe fn deallocate(&mut self, ptr: NonNull<u8>) -> Result<(), FreeError> {
        // SAFETY: as the caller says.
        unsafe { self.free(ptr, None) }
    }

    /// Frees the block at `ptr`, which was allocated for `layout`: see
    /// [`Heap::deallocate_sized`](crate::Heap::deallocate_sized).
    ///
    /// # Errors
    /// As there; [`FreeError::NotOurs`] for another heap's block.
    ///
    /// # Safety
    /// If a block in use of this heap starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and nobody uses
    /// it any more. No other pointer does harm.
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
            if let Some((span, start)) = self.heap.granule_at(ptr)
                && self.heap.let_wait_soon(span, start, ptr, expected)
            {
                return Ok(());
            }
            self.heap.count_free();
            let is_witness = self.heap.is_witness(ptr);
            self.heap.free_on_second_look(ptr, expected.and_then(NonZero::new))?;
            if is_witness {
                self.heap.replace_witness(Some(ptr));
            }
        }
        Ok(())
    }

    /// Frees the block at `ptr`, of `bytes` bytes, whole granules, unless they are 0, in a block of the source that starts at
    /// `block`. For a block that may not wait it takes less than [`deallocate`](Self::deallocate). O(1).
    ///
    /// # Errors
    /// As for [`deallocate_sized`](Self::deallocate_sized).
    ///
    /// # Safety
    /// If a block in use of this heap starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and nobody uses
    /// it any more. `block` is what the source's [`block_of`](PageSource::block_of) answers for `ptr`.
    pub unsafe fn deallocate_in(
        &mut self,
        block: NonNull<u8>,
        ptr: NonNull<u8>,
        bytes: usize,
    ) -> Result<(), FreeError> {
        self.heap.release_if_time();
        let is_witness = self.heap.is_witness(ptr);
        // SAFETY: as the caller says.
        unsafe { self.heap.free_in(block, ptr, NonZero::new(bytes)) }?;
        if is_witness {
            self.heap.replace_witness(Some(ptr));
        }
        Ok(())
    }

    /// Frees the block that starts at a granule, of `size` bytes if that is said, if it is small and one more of its size may
    /// wait. Whether that is done; if not, nothing has changed, and [`deallocate`](Self::deallocate) or
    /// [`deallocate_sized`](Self::deallocate_sized) does it, or says why not. O(1).
    ///
    /// # Safety
    /// If a block in use of this heap starts there, it is given by [its pointer](crate::Heap#pointers), and nobody uses it
    /// any more. The source's [`granule_at`](PageSource::granule_at) answers so for the address.
    #[inline(always)]
    pub unsafe fn let_wait(&mut self, at: GranuleAt, size: Option<usize>) -> bool {
        // SAFETY: as the caller says; each block of the source holds a span.
        unsafe {
            self.heap.let_wait_soon(Span::at(at.block), at.granule, at.ptr, size.map(whole::<TwoWords>))
        }
    }

    /// [`let_wait`](Self::let_wait), of a block of which that has said no: of long ones, the last few that were freed may wait.
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

    /// Frees the block that starts at a granule, of `bytes` bytes, which may not wait. O(1).
    ///
    /// # Safety
    /// [`let_wait_long`](Self::let_wait_long) just said so of it.
    #[inline(always)]
    pub unsafe fn deallocate_known(&mut self, at: GranuleAt, bytes: usize) {
        // SAFETY: as the caller says: the block is in use. Each block of the source holds a span.
        unsafe {
            let span = Span::at(at.block);
            let take_back = |heap: &mut Heap<S, Local>| heap.take_back_known(span, at.granule, bytes);
            self.heap.free_and_count(take_back);
        }
    }

    /// Coalesces the block of `bytes` bytes in whose place another one waits. O(1).
    ///
    /// # Safety
    /// [`let_wait_long`](Self::let_wait_long) just gave it.
    #[inline(always)]
    pub unsafe fn coalesce(&mut self, displaced: NonNull<u8>, bytes: usize) {
        // SAFETY: the block was one that waits.
        self.heap.free_and_count(|heap| unsafe { heap.take_back_waiting::<true>(displaced, bytes) });
    }
}
