//! When blocks may wait: lists close for lack of long free chunks, or for some frees, or by size, and open again.

use super::{Lists, Quick};
use crate::Mode;
use crate::granule::GRANULE;

impl<M: Mode> Quick<M> {
    /// Granules. When no free chunk is as long, and the source has no such block, lists close; when one twice as long comes to
    /// be, they open again.
    #[inline(always)]
    pub fn ample(&self) -> usize {
        self.lists.ample()
    }

    /// Sets that.
    pub fn set_ample(&mut self, granules: usize) {
        self.lists.set_ample(granules);
    }

    /// Granules: when a free chunk comes to be as long, lists open that are closed. Endless where they are open.
    #[inline(always)]
    pub fn opens_at(&self) -> usize {
        self.lists.opens_at()
    }

    /// Lets nothing wait for now. All are empty.
    pub fn close(&mut self) {
        self.close_for(0);
    }

    /// [`close`](Self::close), until so many blocks more were freed.
    pub fn close_for(&mut self, frees: usize) {
        if let Some(terms) = self.lists.terms_mut() {
            terms.close(frees);
        }
        self.lists.note_terms();
        self.close_all_but(0);
    }

    /// Where any number of blocks may wait, lets none wait but of the sizes whose bits are set, until they are
    /// [asked for](Self::note_request).
    fn close_all_but(&mut self, asked: usize) {
        if M::BOUNDED {
            return;
        }
        for bytes in self.sizes().filter(|&bytes| asked & asked_bit(bytes) == 0) {
            // SAFETY: the size has a list.
            unsafe { self.list(bytes).as_mut() }.room = 0;
        }
    }

    /// Told of a request for `bytes` bytes: where any number of blocks may wait, those of a size do that is asked for, if the lists
    /// serve it. Of others, as blocks that shrank may have, each would wait for good. O(1).
    #[inline(always)]
    pub fn note_request(&mut self, bytes: usize) {
        if M::BOUNDED || !self.serves(bytes) {
            return;
        }
        let depth = self.policy().depth_of(bytes);
        // SAFETY: the size has a list.
        let list = unsafe { self.list(bytes).as_mut() };
        if list.room == 0 {
            list.room = depth.cast_signed();
        }
        if let Some(due) = self.lists.due_mut() {
            due.asked |= asked_bit(bytes);
        }
    }

    /// Where any number of blocks may wait, lets no more wait of the sizes of which it was not told that they were
    /// [asked for](Self::note_request) since the last time. Whether any of those wait now.
    pub fn close_unasked(&mut self) -> bool {
        let Some(due) = self.lists.due_mut() else { return false };
        let asked = core::mem::take(&mut due.asked);
        self.close_all_but(asked);
        // SAFETY: each size has a list.
        self.sizes().any(|bytes| self.has_one(bytes) && unsafe { !self.has_room(bytes) })
    }

    /// Lets as much wait as the policy says again.
    pub fn open(&mut self) {
        if let Some(terms) = self.lists.terms_mut() {
            terms.open();
        }
        self.lists.note_terms();
    }

    /// Whether lists are closed until some number of blocks more were freed.
    #[inline(always)]
    pub fn are_closed_for_some(&self) -> bool {
        self.lists.terms().closed_for > 0
    }

    /// Counts one of those. Whether it was the last.
    pub fn count_freed(&mut self) -> bool {
        self.lists.terms_mut().is_some_and(|terms| {
            terms.closed_for -= 1;
            terms.closed_for == 0
        })
    }
}

/// The bit of a size, of those that lists in the heap may serve: that of as many granules as a word has bits is the lowest, which
/// no other has.
#[inline(always)]
const fn asked_bit(bytes: usize) -> usize {
    1_usize.wrapping_shl((bytes / GRANULE) as u32)
}
