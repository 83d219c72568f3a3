//! What keeps a span from going back to its source, counted: blocks in use, and what is laid in it.

use super::{HELD, Span};
use crate::granule::Granule;
use crate::raw::after;

/// # Safety of its methods
/// As for [`Span`].
impl<G: Granule> Span<G> {
    /// What keeps it from going back to the source, as far as that is counted.
    ///
    /// # Safety
    /// As for the type.
    pub(crate) unsafe fn held(self) -> usize {
        // SAFETY: the span has a header.
        unsafe { self.get(HELD) }
    }

    /// Counts something that keeps it from going back.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn hold(self) {
        // SAFETY: the span has a header.
        unsafe { *after::<usize>(self.0, HELD).as_mut() += 1 };
    }

    /// Counts something less. Whether nothing is left.
    ///
    /// # Safety
    /// As for the type; something was counted.
    #[inline(always)]
    pub unsafe fn let_go(self) -> bool {
        // SAFETY: the span has a header.
        unsafe {
            let held = after::<usize>(self.0, HELD).as_mut();
            *held -= 1;
            *held == 0
        }
    }

    /// Counts something less, unless nothing would be left. Whether it does.
    ///
    /// # Safety
    /// As for the type; something was counted.
    #[inline(always)]
    pub unsafe fn let_go_unless_last(self) -> bool {
        // SAFETY: the span has a header.
        unsafe {
            let held = after::<usize>(self.0, HELD).as_mut();
            if *held == 1 {
                return false;
            }
            *held -= 1;
            true
        }
    }
}
