//! The spans of a heap, in a list.

use super::{NEXT, PREVIOUS, Span};
use crate::granule::Granule;

/// # Safety of its methods
/// As for [`Span`].
impl<G: Granule> Span<G> {
    /// The next span of the heap.
    ///
    /// # Safety
    /// As for the type.
    pub unsafe fn next(self) -> Option<Self> {
        if G::COUNTED {
            return None;
        }
        // SAFETY: the span has a header.
        unsafe { self.get(NEXT) }
    }

    /// Makes it the head of the list `spans`.
    ///
    /// # Safety
    /// As for the type, for each span of the list; this one is in none.
    pub unsafe fn push(self, spans: &mut Option<Self>) {
        if !G::COUNTED {
            // SAFETY: the spans have headers.
            unsafe {
                self.set(NEXT, *spans);
                self.set::<Option<Self>>(PREVIOUS, None);
                if let Some(next) = *spans {
                    next.set(PREVIOUS, Some(self));
                }
            }
        }
        *spans = Some(self);
    }

    /// Takes it out of the list `spans`.
    ///
    /// # Safety
    /// As for the type, for each span of the list; this one is in it.
    pub unsafe fn unlink(self, spans: &mut Option<Self>) {
        if G::COUNTED {
            *spans = None;
            return;
        }
        // SAFETY: the spans have headers.
        unsafe {
            let (next, previous) = (self.next(), self.get::<Option<Self>>(PREVIOUS));
            match previous {
                Some(previous) => previous.set(NEXT, next),
                None => *spans = next,
            }
            if let Some(next) = next {
                next.set(PREVIOUS, previous);
            }
        }
    }
}
