//! What is kept of huge blocks.

use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Relaxed, Release};

use crate::leaves::{Element, Leaves};
use crate::mapping::SLOT_BITS;

/// It is one.
pub(super) const ONE: usize = 0;
/// It may be several, as parts of it were idle, each of them whole slots.
pub(super) const JOINED: usize = 1;
/// It is several, as the program has told the kernel something of a part, or is not to be moved.
pub(super) const MARKED: usize = 2;

/// What is kept of a huge block: apart from it, so that anybody may look, though another thread frees it meanwhile.
#[derive(Debug)]
pub(super) struct Header {
    /// Bytes of the mapping.
    pub(super) mapped: AtomicUsize,
    /// Where the block starts in it.
    pub(super) offset: AtomicUsize,
    /// Bytes of the block, whole granules; 0 once it is freed, so that of two threads that free it one is answered.
    pub(super) size: AtomicUsize,
    /// Bytes from the start of the mapping on beyond which nothing was written.
    pub(super) touched: AtomicUsize,
    /// Whether it is one mapping to the kernel, which surely moves only one at a time: [`ONE`], [`JOINED`] or [`MARKED`].
    pub(super) pieces: AtomicUsize,
}

// SAFETY: numbers, and atomic.
unsafe impl Element for Header {}

/// The headers of the mappings that start at each slot.
static HEADERS: Leaves<Header> = Leaves::new();

impl Header {
    /// That of the mapping that starts at `start`, if there ever was one near there.
    pub(super) fn of(start: NonNull<u8>) -> Option<&'static Self> {
        HEADERS.get(slot(start))
    }

    /// Writes that of the mapping that starts at `start`. `false` if there is no memory for it.
    #[must_use]
    pub(super) fn write(
        start: NonNull<u8>,
        mapped: usize,
        offset: usize,
        size: usize,
        touched: usize,
        pieces: usize,
    ) -> bool {
        if !HEADERS.map(slot(start), slot(start)) {
            return false;
        }
        let Some(header) = Self::of(start) else { return false };
        header.mapped.store(mapped, Relaxed);
        header.offset.store(offset, Relaxed);
        header.touched.store(touched, Relaxed);
        header.pieces.store(pieces, Relaxed);
        // Last: who sees the size sees the rest.
        header.size.store(size, Release);
        true
    }
}

fn slot(start: NonNull<u8>) -> usize {
    start.addr().get() >> SLOT_BITS
}
