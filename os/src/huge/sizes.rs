//! The sizes of huge blocks, by the unit where each starts: apart from them, so that anybody may look, though another thread frees one
//! meanwhile.

use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;

use crate::leaves::{Leaves, leaves};
use crate::mapping::UNIT_BITS;

/// Where no block has started so far.
pub(super) const NONE: usize = 0;
/// Where one did that was freed. No block has so many bytes, as each has whole granules.
pub(super) const FREED: usize = 1;

static SIZES: Leaves<AtomicUsize, { leaves(UNIT_BITS) }> = Leaves::new();

/// That of the block that starts in the unit of `ptr`.
pub(super) fn size_at(ptr: NonNull<u8>) -> Option<&'static AtomicUsize> {
    SIZES.get(ptr.addr().get() >> UNIT_BITS)
}

/// [`size_at`], for a block that is to start there. `None` if there is no memory for it.
pub(super) fn size_to_be_at(start: NonNull<u8>) -> Option<&'static AtomicUsize> {
    let unit = start.addr().get() >> UNIT_BITS;
    if SIZES.map(unit, unit) { SIZES.get(unit) } else { None }
}
