//! Growing and shrinking a local heap's own blocks.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::{GranuleAt, LocalHeap};
use crate::granule::{GRANULE, TwoWords};
use crate::heap::allocate::whole;
use crate::span::Span;
use crate::{FreeError, PageSource};

impl<S: PageSource> LocalHeap<'_, S> {
    /// Makes the block at `ptr`, of this heap, `new_size` bytes long: see
    /// [`Heap::reallocate`](crate::Heap::reallocate).
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and nobody uses it any more
    /// once another pointer is returned.
    #[inline]
    pub unsafe fn reallocate(
        &mut self,
        ptr: NonNull<u8>,
        layout: Layout,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        // SAFETY: as the caller says; the granule is the span's. Every block is aligned to a granule.
        unsafe {
            if layout.align() <= GRANULE
                && let Some((span, start)) = self.heap.granule_at(ptr)
                && let Some(block) =
                    self.heap.resize_soon(span, start, ptr, Some(whole::<TwoWords>(layout.size())), new_size)
            {
                return Some(block);
            }
            if self.has_arrived() {
                self.take_in_some();
            }
            self.heap.reallocate(ptr, layout, new_size)
        }
    }

    /// Makes the block at `ptr`, of this heap, `new_size` bytes long: see
    /// [`Heap::resize`](crate::Heap::resize).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and nobody uses it any more
    /// once another pointer is returned.
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

    /// [`resize`](Self::resize), of the block that starts at a granule, and of `size` bytes if that is said, if little is to do
    /// for that. If not, `None`, and nothing has changed. O(1), but for the copy.
    ///
    /// # Safety
    /// If a block in use of this heap starts there, it is given by [its pointer](crate::Heap#pointers), and nobody uses it
    /// any more once another pointer is returned. The source's [`granule_at`](PageSource::granule_at) answers so for the
    /// address.
    #[inline(always)]
    pub unsafe fn resize_soon(
        &mut self,
        at: GranuleAt,
        size: Option<usize>,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        let expected = size.map(whole::<TwoWords>);
        // SAFETY: as the caller says; each block of the source holds a span.
        unsafe { self.heap.resize_soon(Span::at(at.block), at.granule, at.ptr, expected, new_size) }
    }

    /// [`resize`](Self::resize), of a block of `size` bytes, if that is said, in a block of the source that starts at `block`:
    /// less to find out.
    ///
    /// # Errors
    /// As there, and [`FreeError::WrongSize`] for a block of another size.
    ///
    /// # Safety
    /// As there. `block` is what the source's [`block_of`](PageSource::block_of) answers for `ptr`.
    #[inline(always)]
    pub unsafe fn resize_in(
        &mut self,
        block: NonNull<u8>,
        ptr: NonNull<u8>,
        size: Option<usize>,
        new_size: usize,
    ) -> Result<Option<NonNull<u8>>, FreeError> {
        if self.has_arrived() {
            self.take_in_some();
        }
        // SAFETY: as the caller says.
        unsafe { self.heap.resize_in(block, ptr, size.map(whole::<TwoWords>), new_size) }
    }

    /// Makes the block at `ptr`, of this heap, `new_size` bytes long where it lies: see
    /// [`Heap::resize_in_place`](crate::Heap::resize_in_place).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// If a block in use starts at `ptr`, it is given by [its pointer](crate::Heap#pointers), and what lies in it above a
    /// lower end is used no more.
    pub unsafe fn resize_in_place(&mut self, ptr: NonNull<u8>, new_size: usize) -> Result<bool, FreeError> {
        // SAFETY: as the caller says.
        unsafe { self.heap.resize_in_place(ptr, new_size) }
    }
}
