//! Taking chunks out of their bins, wherever in those they are: the neighbours of what becomes free.

use core::hint::select_unpredictable;
use core::ptr::NonNull;

use super::Bins;
use crate::chunk::FreeChunk;
use crate::granule::{Granule, Position};

/// # Safety of its methods
/// As for the bins' others.
impl<G: Granule> Bins<G> {
    /// Takes the chunk at `at` out of its bin. Its granules. O(1).
    ///
    /// # Safety
    /// As for the type. A free chunk starts there, which is in one of these bins.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub unsafe fn remove(&mut self, base: NonNull<u8>, at: Position<G>) -> usize {
        // SAFETY: a free chunk starts there.
        unsafe {
            let chunk = FreeChunk::at(at);
            match chunk.size_of_more(base) {
                Some(size) => self.unlink::<true>(base, chunk, size),
                None => self.unlink::<false>(base, chunk, 1),
            }
        }
    }

    /// Takes the chunk that ends where `end` starts out of its bin. Its granules. O(1).
    ///
    /// # Safety
    /// As for the type. A free chunk ends there, which is in one of these bins.
    #[cfg_attr(not(for_size), inline(always))]
    #[cfg_attr(for_size, inline(never))]
    pub unsafe fn remove_below(&mut self, base: NonNull<u8>, end: Position<G>) -> usize {
        // SAFETY: a free chunk ends there, where its footer says its start.
        unsafe {
            match FreeChunk::size_of_more_below(base, end) {
                Some(size) => self.unlink::<true>(base, FreeChunk::at(end.down(size)), size),
                None => self.unlink::<false>(base, FreeChunk::at(end.down(1)), 1),
            }
        }
    }

    /// [`remove`](Self::remove), if `is_free`. If not, 0 granules. Without a branch on that. O(1).
    ///
    /// # Safety
    /// As there, if `is_free`.
    #[inline(always)]
    pub unsafe fn remove_if(&mut self, base: NonNull<u8>, at: Position<G>, is_free: bool) -> usize {
        // SAFETY: a free chunk is there, or the blank.
        unsafe { self.remove(base, select_unpredictable(is_free, at, self.blank())) }
    }

    /// [`remove_below`](Self::remove_below), if `is_free`. If not, 0 granules. Without a branch on that. O(1).
    ///
    /// # Safety
    /// As there, if `is_free`.
    #[inline(always)]
    pub unsafe fn remove_below_if(&mut self, base: NonNull<u8>, end: Position<G>, is_free: bool) -> usize {
        // SAFETY: a free chunk ends there, where its footer says its start; or all is the blank's.
        unsafe {
            let blank = self.blank();
            let footer = select_unpredictable(is_free, end.cell_down(), FreeChunk::size_cell(blank));
            match footer.size(base) {
                Some(size) => {
                    let chunk = select_unpredictable(is_free, end.down(size), blank);
                    self.unlink::<true>(base, FreeChunk::at(chunk), size)
                }
                None => self.unlink::<false>(base, FreeChunk::at(end.down(1)), 1),
            }
        }
    }

    #[inline(always)]
    unsafe fn unlink<const MORE: bool>(
        &mut self,
        base: NonNull<u8>,
        chunk: FreeChunk<G>,
        size: usize,
    ) -> usize {
        // SAFETY: the chunk is in a bin.
        let (slot, is_last) = unsafe { chunk.unlink::<MORE>(base) };
        let bin = slot.cells_above(self.heads);
        self.mark_empty_if(is_last & (bin < self.count), bin);
        size
    }
}
