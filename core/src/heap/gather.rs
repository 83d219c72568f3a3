//! Blocks that wait in no list, put into lists.
//!
//! A list that is as deep as it is to be begins anew: what was in it waits on, as marks say, but in no list. So what was freed last,
//! and is in the cache, is handed out first. Blocks that wait longer need not be handed out in the order of their frees, in which
//! those that were freed at random lie far apart: before a long chunk is cut up for want of a short one, all that waits is gathered
//! in the order of addresses.

use core::iter::successors;

use super::Heap;
use crate::granule::Unit;
use crate::map::WORD_GRANULES;
use crate::span::Span;
use crate::{Mode, PageSource};

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Puts all that waits into lists, where what lies lowest in a span comes first, if many blocks wait in none. Whether that is
    /// done. O(heap / the granules of a map entry + blocks that wait).
    #[inline(always)]
    pub(super) fn gather_if_many(&mut self) -> bool {
        let do_many = Self::MARKS && self.quick.has_many_unlisted(self.counts.entries());
        if do_many {
            self.gather();
        }
        do_many
    }

    #[cold]
    #[inline(never)]
    fn gather(&mut self) {
        self.quick.forget();
        // SAFETY: the spans are the heap's; what waits in them is in no list any more.
        unsafe {
            for span in successors(self.spans, |span| span.next()) {
                self.gather_in(span);
            }
        }
        self.quick.note_gathered();
    }

    /// Puts all that waits in a span into lists.
    ///
    /// # Safety
    /// The span is one of the heap's. What waits in it is in no list, and its marks say what does.
    unsafe fn gather_in(&mut self, span: Span<Unit<S, M>>) {
        // SAFETY: as the caller says; where a mark is set, a chunk starts that waits, and so has a list.
        unsafe {
            for index in (span.first() / WORD_GRANULES..=(span.end() - 1) / WORD_GRANULES).rev() {
                let mut waiting = span.marks().word_at(index);
                while waiting != 0 {
                    let bit = waiting.ilog2() as usize;
                    waiting ^= 1 << bit;
                    let start = index * WORD_GRANULES + bit;
                    let size = span.map().scan(start + 1, span.end()) - start;
                    self.quick.push(span.address(start), size * Self::GRANULE);
                }
            }
        }
    }
}
