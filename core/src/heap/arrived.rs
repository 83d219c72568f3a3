//! Blocks that were freed from elsewhere and have come back.
//!
//! Such a block is posted until it waits or is free in the map, and only then no longer: who would free it once
//! more, at whatever moment, finds one or the other.

use core::ptr::NonNull;

use super::Heap;
use super::lookup::UsedChunk;
use crate::granule::Unit;
use crate::local::OnBadFree;
use crate::map::WORD_GRANULES;
use crate::span::Span;
use crate::{FreeError, Mode, PageSource};

/// Bits of blocks that were posted, and are to be no longer: those that wait now, and those that were not in use.
struct Posted {
    waiting: usize,
    bad: usize,
}

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Frees the blocks that were posted in entry `entry` of the span in the block of the source that starts at `block`. How
    /// many; `on_bad_free` is told of those that are not in use. O(1).
    ///
    /// # Safety
    /// The span is one of the heap's, its map has the entry, and who posted the first of the blocks has noted the entry.
    pub(crate) unsafe fn take_in_entry(
        &mut self,
        block: NonNull<u8>,
        entry: usize,
        on_bad_free: OnBadFree,
    ) -> usize {
        let mut count = 0;
        // SAFETY: as the caller says. Once no bit is left, the span may go, and is not looked at any more.
        unsafe {
            let span = Span::<Unit<S, M>>::at(block);
            let mut posted = span.posted().word_now(entry);
            while posted != 0 {
                let Posted { waiting, bad } = self.let_wait_posted(span, entry, posted);
                let done = waiting | bad;
                if done != 0 {
                    posted = span.posted().clear(entry, done);
                    count += done.count_ones() as usize;
                    Self::tell_of(span, entry, bad, on_bad_free);
                } else {
                    posted = self.take_back_posted(span, entry, posted);
                    count += 1;
                }
            }
        }
        count
    }

    /// Lets those of the blocks with bits `posted` in an entry wait that may.
    ///
    /// # Safety
    /// The span is one of the heap's, and its map has the entry; nobody uses blocks that were posted.
    #[inline(always)]
    unsafe fn let_wait_posted(&mut self, span: Span<Unit<S, M>>, entry: usize, posted: usize) -> Posted {
        let (mut left, mut done) = (posted, Posted { waiting: 0, bad: 0 });
        while left != 0 {
            let bit = left & left.wrapping_neg();
            left ^= bit;
            // SAFETY: as the caller says; a bit is that of a granule of the span.
            unsafe {
                let start = entry * WORD_GRANULES + bit.trailing_zeros() as usize;
                match self.posted_chunk(span, start) {
                    Some(chunk) if self.let_wait_used(chunk, span.address(start)) => done.waiting |= bit,
                    Some(_) => {}
                    None => done.bad |= bit,
                }
            }
        }
        done
    }

    /// Tells `on_bad_free` of the blocks with bits `bad` in an entry, which are no longer posted.
    #[inline(always)]
    fn tell_of(span: Span<Unit<S, M>>, entry: usize, mut bad: usize, on_bad_free: OnBadFree) {
        while bad != 0 {
            // SAFETY: a bit is that of a granule of the span.
            let block = unsafe { span.address(entry * WORD_GRANULES + bad.trailing_zeros() as usize) };
            bad &= bad - 1;
            on_bad_free(FreeError::AlreadyFree, block);
        }
    }

    /// The chunk in use that starts at granule `start` of `span`, posted or not, if one does.
    ///
    /// # Safety
    /// The span is one of ours, and the granule one of it.
    #[inline(always)]
    unsafe fn posted_chunk(&self, span: Span<Unit<S, M>>, start: usize) -> Option<UsedChunk<Unit<S, M>>> {
        // SAFETY: as the caller says.
        unsafe {
            let map = span.map().in_use(start)?;
            Some(UsedChunk { span, start, map })
        }
    }

    /// Makes the first of the blocks with bits `posted` in an entry free. The bits that are posted there then; if none are, the
    /// span may be gone.
    ///
    /// # Safety
    /// As for [`let_wait_posted`](Self::let_wait_posted); the block is in use and does not wait.
    unsafe fn take_back_posted(&mut self, span: Span<Unit<S, M>>, entry: usize, posted: usize) -> usize {
        let start = entry * WORD_GRANULES + posted.trailing_zeros() as usize;
        let mut left = 0;
        // SAFETY: as the caller says.
        unsafe {
            let mut clear = || left = span.posted().clear(entry, posted & posted.wrapping_neg());
            match self.posted_chunk(span, start) {
                Some(chunk) => self.take_back_clearing(chunk.span, chunk.start, chunk.map.end, clear),
                None => clear(),
            }
        }
        left
    }

    /// Has the span in the block that starts at `block` stay, and no other any longer, though it may become entirely free.
    pub(crate) fn pin(&mut self, block: Option<NonNull<u8>>) {
        self.pinned = block;
    }
}
