//! Growing and shrinking a local heap's own blocks.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::{GranuleAt, LocalHeap};
use crate::granule::{GRANULE, TwoWords, granules};
use crate::heap::allocate::whole;
use crate::heap::length::Length;
use crate::span::Span;
use crate::{FreeError, PageSource};

/// A block in use of a local heap, as long as nothing else is asked of that.
#[derive(Debug, Clone, Copy)]
pub struct LiveBlock {
    at: GranuleAt,
    bytes: usize,
}

impl LiveBlock {
    /// That of `bytes` bytes which starts at a granule.
    ///
    /// # Safety
    /// [`LocalHeap::live_block`] answers so for the granule.
    #[inline(always)]
    pub const unsafe fn new(at: GranuleAt, bytes: usize) -> Self {
        Self { at, bytes }
    }

    /// Its bytes. O(1).
    #[inline(always)]
    pub const fn size(self) -> usize {
        self.bytes
    }

    /// Whether it may stay as it is for `new_size` bytes, one or more, where nobody says its size: see
    /// [`resize`](LocalHeap::resize). O(1).
    #[inline(always)]
    pub fn is_about(self, new_size: usize) -> bool {
        new_size > 0 && Self::may_be(new_size, self.bytes)
    }

    /// Whether a block of `usable` bytes may have been [resized](LocalHeap::resize) to `size`.
    #[inline(always)]
    pub fn may_be(size: usize, usable: usize) -> bool {
        Length::is_about(granules::<TwoWords>(size), usable / GRANULE)
    }
}

impl<S: PageSource> LocalHeap<'_, S> {
    /// Makes the block at `ptr`, of this heap, `new_size` bytes long: see
    /// [`Heap::reallocate`](crate::Heap::reallocate). One that becomes half as long or less moves, as in [`resize`](Self::resize).
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
        let bytes = whole::<TwoWords>(layout.size());
        // SAFETY: as the caller says; the granule is the span's. Every block is aligned to a granule.
        unsafe {
            if layout.align() <= GRANULE
                && let Some((span, start)) = self.heap.granule_at(ptr)
                && self.heap.usable_size_soon(span, start) == Some(bytes)
                && let Some(block) = self.heap.resize_soon(span, start, ptr, bytes, true, new_size)
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
    /// [`Heap::resize`](crate::Heap::resize). As nobody says its size later, it may stay up to an eighth longer than that; one
    /// that grows by less than that, and by eight granules at most, gets an eighth more, as it may well grow again: else a string
    /// that grows by a byte at a time would be copied each time that it comes to the next granule. One that becomes half as long or
    /// less moves, if anything else is free, so that its place stays whole. One that moves to grow is as
    /// [`allocate_taking_in`](Self::allocate_taking_in) has it.
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

    /// The block in use that starts at a granule, if one of this heap does. O(1).
    ///
    /// # Safety
    /// The source's [`granule_at`](PageSource::granule_at) answers so for the address.
    #[inline(always)]
    pub unsafe fn live_block(&self, at: GranuleAt) -> Option<LiveBlock> {
        // SAFETY: as the caller says.
        let bytes = unsafe { self.usable_size_soon(at) }?;
        Some(LiveBlock { at, bytes })
    }

    /// [`resize`](Self::resize), of a block whose size is said on the next call, or not, if little is to do for that. If not, or
    /// for 0 bytes, `None`, and nothing has changed. O(1), but for the copy.
    ///
    /// # Safety
    /// The block is of this heap, of which nothing was asked since it was found, and nobody uses it any more once another
    /// pointer is returned.
    #[inline(always)]
    pub unsafe fn resize_soon(
        &mut self,
        block: LiveBlock,
        is_said: bool,
        new_size: usize,
    ) -> Option<NonNull<u8>> {
        if new_size == 0 {
            return None;
        }
        let LiveBlock { at, bytes } = block;
        // SAFETY: as the caller says; each block of the source holds a span.
        unsafe { self.heap.resize_soon(Span::at(at.block), at.granule, at.ptr, bytes, is_said, new_size) }
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
