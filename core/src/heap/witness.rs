//! The witness: a block in use. As long as it is, others need not be looked for; once it is freed, one that is takes its place.
//! When there is none but in the home, all other spans go back, and when there is none at all, what the home has free.
//!
//! It is one of the span that was added last, if any in that is in use, and else of the one before, and so on. Which one of the
//! span is as good as random, so that, in whatever order blocks are freed, it likely is not the next, and is replaced some log n
//! times while n are.

use core::ptr::NonNull;

use super::Heap;
use crate::granule::{GRANULE, Granule, Unit};
use crate::raw::holds;
use crate::span::Span;
use crate::{Local, PageSource};

/// What the home has free goes back in pieces of so many bytes and more.
const PIECES_FROM: usize = 64 << 10;
/// 2^32 over the golden ratio: its multiples are scattered.
const SCATTER: u32 = 0x9e37_79b9;

/// To pass a span by takes as long as a look at so many map entries.
const ENTRIES_A_SPAN: usize = 8;

/// It would take longer than is paid for.
struct TooLong;

impl<S: PageSource> Heap<S, Local> {
    /// Whether the free of this block is to be followed by [`replace_witness`](Self::replace_witness).
    #[inline(always)]
    pub(crate) fn is_witness(&self, block: NonNull<u8>) -> bool {
        self.quick.is_witness(block)
    }

    /// Told that the witness was freed, if there was one: finds another, and gives back what none was found in. O(heap / the
    /// granules of a map entry + free chunks), which is a part of what the frees since took.
    #[cold]
    #[inline(never)]
    pub(crate) fn replace_witness(&mut self, freed: Option<NonNull<u8>>) {
        self.quick.set_witness(None);
        let is_one_alone = self.counts.spans <= 1;
        if is_one_alone && freed.is_none() || !self.source.wants_back() {
            return;
        }
        let Ok(witness) = self.find_witness(freed) else { return };
        if witness.is_none_or(|witness| !is_one_alone && self.home().is_some_and(|home| is_in(witness, home)))
        {
            self.release_swept();
            self.discard_from(PIECES_FROM, S::discard_for_now);
        }
        self.quick.set_witness(witness);
    }

    /// Whether there is a witness, and it is still in use: others' frees, and those by `resize`, are not noticed.
    pub(super) fn has_live_witness(&self) -> bool {
        // SAFETY: there is none once a span was given back; until then, it lies in one of the heap's.
        NonNull::new(core::ptr::without_provenance_mut(self.quick.witness())).is_some_and(|witness| unsafe {
            let span = self.span_of_own(witness);
            span.map().glance(span.granule_of(witness)).is_live()
        })
    }

    /// A witness, if there is any: of the span in which one was freed, if the heap still has that, and then of those added before it,
    /// of those after it, and of the home. An error if too few frees have paid for a search that is so long.
    fn find_witness(&mut self, freed: Option<NonNull<u8>>) -> Result<Option<NonNull<u8>>, TooLong> {
        let chance = freed.map_or(1, |block| (block.addr().get() / GRANULE) as u32).wrapping_mul(SCATTER);
        if !self.quick.spend(self.counts.spans * ENTRIES_A_SPAN) {
            return Err(TooLong);
        }
        let home = self.home();
        // SAFETY: the spans are the heap's.
        let spans = || core::iter::successors(self.spans, |span| unsafe { span.next() });
        let is_newer = |&span: &_| freed.is_some_and(|freed| !is_in(freed, span));
        let others = spans().skip_while(is_newer).chain(spans().take_while(is_newer));
        for span in others.filter(|&span| home != Some(span)).chain(home) {
            // SAFETY: the span is one of the heap's.
            let (witness, looked) = unsafe { Self::used_of(span, chance) };
            if !self.quick.spend(looked) {
                return Err(TooLong);
            }
            if witness.is_some() {
                return Ok(witness);
            }
        }
        Ok(None)
    }

    /// Some block in use of a span, and how many map entries were looked at.
    ///
    /// # Safety
    /// The span is one of the heap's.
    unsafe fn used_of(span: Span<Unit<S, Local>>, chance: u32) -> (Option<NonNull<u8>>, usize) {
        // SAFETY: the span is the heap's, and so are its granules.
        unsafe {
            let (map, first, end) = (span.map(), span.first(), span.end());
            let at = ((u64::from(chance << 1) * map.entries_of(first, end) as u64) >> 32) as usize;
            let (start, looked) = map.used_from(first, end, at, chance >> 31 == 0);
            (start.map(|start| span.address(start)), looked)
        }
    }
}

/// Whether an address lies in the block of a span.
fn is_in(address: NonNull<u8>, span: Span<impl Granule>) -> bool {
    // SAFETY: asked of a heap's spans alone.
    holds(unsafe { span.block() }, address.addr().get())
}
