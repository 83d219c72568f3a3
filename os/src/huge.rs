//! Huge blocks: of no heap, each with pages of its own, which any thread may free or resize. They lie side by side, and beside what is
//! [idle], in whole slots.
//!
//! ```text
//!   │ slot            │ slot            │ slot            │
//!   │ block             │ block               │ idle      │
//!   ▲ whole units, by which its size is found
//! ```

mod place;
mod resize;
mod sizes;

use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use memalloc_core::{FreeError, GRANULE, Totals};
use sizes::{FREED, NONE, size_at, size_to_be_at};

use crate::heaps;
use crate::idle::{self, Taken};
use crate::mapping::{SLOT, UNIT};
use crate::region::TABLE;
use crate::table::Owner;
use crate::thread_heap::LARGEST;

/// The owner of all huge blocks, and of what is idle.
pub(crate) const OWNER: Owner = Owner::new(Owner::COUNT - 1).expect("the last owner");

/// A huge block that shrinks to less, in however small steps, becomes one of a heap.
const TO_SHRUNK: usize = UNIT;

/// How many there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Bytes of their places.
static HELD: AtomicUsize = AtomicUsize::new(0);
/// Bytes of the blocks.
static USED: AtomicUsize = AtomicUsize::new(0);

/// A huge block in use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Huge {
    start: NonNull<u8>,
    size: usize,
    /// Where its size stands.
    entry: &'static AtomicUsize,
}

/// A block for `layout`, of memory that is idle if there is enough. `None` when memory cannot be had.
#[cold]
pub(crate) fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    Some(allocate_either(layout)?.start)
}

/// A block for `layout`, all zero. `None` when memory cannot be had.
#[cold]
pub(crate) fn allocate_zeroed(layout: Layout) -> Option<NonNull<u8>> {
    let place = allocate_either(layout)?;
    // SAFETY: the place is the block's. To clear pages takes less than to have others.
    unsafe { place.clear(layout.size()) };
    Some(place.start)
}

/// The place of a block for `layout`. For lack of memory, all that is free makes way.
fn allocate_either(layout: Layout) -> Option<Taken> {
    allocate_of_free(layout).or_else(|| {
        heaps::trim();
        idle::release();
        allocate_of_free(layout)
    })
}

/// [`allocate_either`], of what memory there is.
fn allocate_of_free(layout: Layout) -> Option<Taken> {
    let size = layout.size().max(1).checked_next_multiple_of(GRANULE)?;
    let place = place::take(whole_units(size)?, layout.align().max(UNIT))?;
    let Some(entry) = size_to_be_at(place.start) else {
        // SAFETY: the place was just taken, and is unused.
        unsafe { idle::keep(place.start, place.size) };
        return None;
    };
    entry.store(size, Release);
    count_in(size);
    Some(place)
}

/// Bytes of the units that `size` bytes fill. `None` where no address space has as many.
fn whole_units(size: usize) -> Option<usize> {
    size.checked_next_multiple_of(UNIT).filter(|&bytes| bytes <= isize::MAX as usize)
}

/// The block in use at `ptr`, which lies in a slot of huge blocks.
pub(crate) fn find(ptr: NonNull<u8>) -> Result<Huge, FreeError> {
    let entry = size_at(ptr).ok_or(FreeError::NotOurs)?;
    match entry.load(Acquire) {
        NONE => Err(FreeError::NotAStart),
        _ if !ptr.addr().get().is_multiple_of(UNIT) => Err(FreeError::NotAStart),
        FREED => Err(FreeError::AlreadyFree),
        size => Ok(Huge { start: ptr, size, entry }),
    }
}

impl Huge {
    /// Bytes of the block.
    pub(crate) const fn size(self) -> usize {
        self.size
    }

    /// Whether it stays a huge block when it is to have `size` bytes. One that becomes half as long or less does not if a heap can
    /// have it: others can use its place as it is, and what lies behind it need not go back to the system.
    pub(crate) const fn stays_for(self, size: usize) -> bool {
        size > LARGEST || (size >= TO_SHRUNK && size > self.size / 2)
    }

    /// Frees the block.
    ///
    /// # Errors
    /// [`FreeError::AlreadyFree`] if another thread was faster.
    ///
    /// # Safety
    /// Nobody uses the block any more.
    pub(crate) unsafe fn free(self) -> Result<(), FreeError> {
        let freed = self.entry.compare_exchange(self.size, FREED, Acquire, Relaxed);
        freed.map_err(|_| FreeError::AlreadyFree)?;
        count_out(self.size);
        // SAFETY: the block was live, and now nobody's.
        unsafe { idle::keep(self.start, place_of(self.size)) };
        Ok(())
    }
}

/// Each huge block in use: where it starts, and its bytes. One that is freed meanwhile is there, or not.
pub(crate) fn blocks() -> impl Iterator<Item = (NonNull<u8>, usize)> {
    let units = |slot: NonNull<u8>| (0..SLOT).step_by(UNIT).map(move |from| slot.as_ptr().wrapping_add(from));
    TABLE.blocks_of(OWNER).flat_map(units).filter_map(|unit| {
        let start = NonNull::new(unit)?;
        let size = size_at(start)?.load(Acquire);
        (size != NONE && size != FREED).then_some((start, size))
    })
}

/// Bytes that all huge blocks' places have.
pub(crate) fn held() -> usize {
    HELD.load(Relaxed)
}

/// What all huge blocks hold, and what is idle.
pub(crate) fn totals() -> Totals {
    let (idle, held) = (idle::bytes(), HELD.load(Relaxed));
    Totals::of(COUNT.load(Relaxed), held + idle, held + idle, USED.load(Relaxed))
}

/// [`whole_units`] of a block in use.
const fn place_of(size: usize) -> usize {
    size.next_multiple_of(UNIT)
}

fn count_in(size: usize) {
    COUNT.fetch_add(1, Relaxed);
    HELD.fetch_add(place_of(size), Relaxed);
    USED.fetch_add(size, Relaxed);
}

fn count_out(size: usize) {
    COUNT.fetch_sub(1, Relaxed);
    HELD.fetch_sub(place_of(size), Relaxed);
    USED.fetch_sub(size, Relaxed);
}
