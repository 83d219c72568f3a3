//! Huge blocks: each a mapping of its own, of no heap, which any thread may free or resize.
//!
//! ```text
//!   ┌─ … ─┬──────────────────────────────┬─ … ─┐
//!   │     │ block                        │     │   whole slots
//!   └─ … ─┴──────────────────────────────┴─ … ─┘
//!   ▲ slot: its header, apart from it    ▲ up to a slot
//!         ▲ the same, unless the alignment is larger
//! ```

mod header;
mod resize;
mod slots;

use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use header::{Header, MARKED};
use memalloc_core::{FreeError, GRANULE, Totals};
use slots::Slots;

use crate::heaps;
use crate::idle;
use crate::mapping::{PAGE, SLOT, give_back_pages};
use crate::region::{TABLE, unmap_below_next};
use crate::table::Owner;
use crate::thread_heap::LARGEST;

/// The owner of all huge blocks.
pub(crate) const OWNER: Owner = Owner::new(Owner::COUNT - 1).expect("the last owner");

/// A huge block that shrinks to less, in however small steps, becomes one of a heap.
const TO_SHRUNK: usize = 128 << 10;

/// Pages that whoever had them before has left beyond blocks' ends are no more than so many bytes,
const MOST_UNUSED: usize = 8 << 20;
/// or such a part of all blocks.
const PART_UNUSED: usize = 3;
/// As a call of the system takes its time, so many bytes go back at once, if there are as many.
const LEAST_GIVEN: usize = 256 << 10;

/// How many there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Bytes of their mappings.
static MAPPED: AtomicUsize = AtomicUsize::new(0);
/// Bytes of the mappings from the block on.
static CAPACITY: AtomicUsize = AtomicUsize::new(0);
/// Bytes of the blocks.
static USED: AtomicUsize = AtomicUsize::new(0);
/// Bytes beyond the blocks' ends that may have pages.
static UNUSED: AtomicUsize = AtomicUsize::new(0);

/// A huge block in use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Huge {
    /// Where its mapping starts.
    start: NonNull<u8>,
    size: usize,
    header: &'static Header,
}

/// A block for `layout`, of memory that is idle if there is enough. `None` when memory cannot be had.
#[cold]
pub(crate) fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    Some(allocate_either(layout)?.0)
}

/// A block for `layout`, all zero. `None` when memory cannot be had.
#[cold]
pub(crate) fn allocate_zeroed(layout: Layout) -> Option<NonNull<u8>> {
    let (block, used) = allocate_either(layout)?;
    // SAFETY: the block has these bytes. To clear pages takes less than to have others.
    unsafe { block.write_bytes(0, used.min(layout.size())) };
    Some(block)
}

/// A block for `layout`, and how many bytes from its start on may hold what they held: those beyond are zeros. For lack of
/// memory, all that is free makes way.
fn allocate_either(layout: Layout) -> Option<(NonNull<u8>, usize)> {
    allocate_of_free(layout).or_else(|| {
        heaps::trim();
        allocate_of_free(layout)
    })
}

/// [`allocate_either`], of what memory there is.
fn allocate_of_free(layout: Layout) -> Option<(NonNull<u8>, usize)> {
    let size = layout.size().max(1).checked_next_multiple_of(GRANULE)?;
    // A mapping starts at a slot's multiple, which is one of every smaller alignment.
    let mapped = size.checked_add(layout.align().saturating_sub(SLOT))?.checked_next_multiple_of(SLOT)?;
    let Slots { start, used, pieces } = Slots::of(mapped)?;
    let offset = start.addr().get().wrapping_neg() & (layout.align() - 1);
    // SAFETY: nobody uses what lies beyond the block's end.
    let touched = unsafe { touched_of(start, mapped, used, offset + size) };
    // Who finds the block in the table finds its header.
    if !Header::write(start, mapped, offset, size, touched, pieces) || !TABLE.insert(start, mapped, OWNER) {
        // SAFETY: the memory was just mapped, or idle, and is unused.
        unsafe { unmap_below_next(start, mapped) };
        return None;
    }
    count_in(mapped, offset, size, touched);
    // SAFETY: the block lies in the mapping.
    Some((unsafe { start.add(offset) }, used.saturating_sub(offset)))
}

/// How many bytes of a mapping of `mapped` bytes at `start` may have pages, once its first `end` are used, where `used` may have some
/// now. Of the pages beyond the end the highest go back to the system, as many as are too many.
///
/// # Safety
/// Nobody uses what lies beyond the end.
unsafe fn touched_of(start: NonNull<u8>, mapped: usize, used: usize, end: usize) -> usize {
    let unused = unused_of(mapped, end, used);
    let most = MOST_UNUSED.max(USED.load(Relaxed) / PART_UNUSED);
    let too_many = (UNUSED.load(Relaxed) + unused).saturating_sub(most);
    if unused == 0 || too_many == 0 {
        return used.max(end);
    }
    // The longer a block, the more seldom: who has the mapping next most likely needs the lowest of them.
    let kept = (end + unused.saturating_sub(too_many.max(LEAST_GIVEN))).next_multiple_of(PAGE);
    // SAFETY: as the caller says.
    if unsafe { give_back_pages(start.add(kept), mapped - kept) } { kept } else { used }
}

/// The block in use at `ptr`, which lies in a huge block's mapping that starts at `start`.
pub(crate) fn find(start: NonNull<u8>, ptr: NonNull<u8>) -> Result<Huge, FreeError> {
    let header = Header::of(start).ok_or(FreeError::NotOurs)?;
    let size = header.size.load(Acquire);
    if size == 0 {
        return Err(FreeError::AlreadyFree);
    }
    if ptr.addr().get() - start.addr().get() != header.offset.load(Relaxed) {
        return Err(FreeError::NotAStart);
    }
    Ok(Huge { start, size, header })
}

impl Huge {
    /// Bytes of the block.
    pub(crate) const fn size(self) -> usize {
        self.size
    }

    /// Whether it stays a huge block when it is to have `size` bytes. One that becomes half as long or less does not if a heap can
    /// have it: others can use its mapping as it is, and what lies behind it need not go back to the system.
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
        let freed = self.header.size.compare_exchange(self.size, 0, Acquire, Relaxed);
        freed.map_err(|_| FreeError::AlreadyFree)?;
        let mapped = self.mapped();
        count_out(mapped, self.offset(), self.size, self.touched());
        TABLE.remove(self.start, mapped);
        // SAFETY: the block was live, and now nobody's.
        unsafe { self.give_up(self.start, mapped) };
        Ok(())
    }

    /// Keeps `bytes` bytes at `start`, a part of its mapping, for others, or gives them back to the system.
    ///
    /// # Safety
    /// They are whole slots, in no table, and nobody uses them any more.
    unsafe fn give_up(self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe {
            if self.pieces() == MARKED {
                // What the kernel was told of a part would hold for whoever has it next.
                unmap_below_next(start, bytes);
            } else {
                let below = start.addr().get() - self.start.addr().get();
                idle::keep(start, bytes, self.touched().saturating_sub(below));
            }
        }
    }

    /// Bytes of its mapping.
    fn mapped(self) -> usize {
        self.header.mapped.load(Relaxed)
    }

    /// Where it starts in its mapping.
    fn offset(self) -> usize {
        self.header.offset.load(Relaxed)
    }

    /// Bytes from the start of its mapping on that may have pages.
    fn touched(self) -> usize {
        self.header.touched.load(Relaxed)
    }

    /// Whether it is one mapping to the kernel.
    fn pieces(self) -> usize {
        self.header.pieces.load(Relaxed)
    }
}

/// Each huge block in use: where it starts, and its bytes. One that is freed meanwhile is there, or not.
pub(crate) fn blocks() -> impl Iterator<Item = (NonNull<u8>, usize)> {
    TABLE.blocks_of(OWNER).filter_map(|start| {
        let header = Header::of(start)?;
        let size = header.size.load(Acquire);
        let block = NonNull::new(start.as_ptr().wrapping_add(header.offset.load(Relaxed)))?;
        (size > 0).then_some((block, size))
    })
}

/// Bytes that all huge blocks' mappings have.
pub(crate) fn mapped() -> usize {
    MAPPED.load(Relaxed)
}

/// What all huge blocks hold, and what they have left that is idle.
pub(crate) fn totals() -> Totals {
    let (idle, mapped, capacity) = (idle::bytes(), MAPPED.load(Relaxed), CAPACITY.load(Relaxed));
    Totals::of(COUNT.load(Relaxed), mapped + idle, capacity + idle, USED.load(Relaxed))
}

/// Bytes of a mapping of `mapped` bytes beyond its first `end` that may have pages, if its first `touched` have.
fn unused_of(mapped: usize, end: usize, touched: usize) -> usize {
    touched.min(mapped).saturating_sub(end)
}

fn count_in(mapped: usize, offset: usize, size: usize, touched: usize) {
    COUNT.fetch_add(1, Relaxed);
    MAPPED.fetch_add(mapped, Relaxed);
    CAPACITY.fetch_add(mapped - offset, Relaxed);
    USED.fetch_add(size, Relaxed);
    UNUSED.fetch_add(unused_of(mapped, offset + size, touched), Relaxed);
}

fn count_out(mapped: usize, offset: usize, size: usize, touched: usize) {
    COUNT.fetch_sub(1, Relaxed);
    MAPPED.fetch_sub(mapped, Relaxed);
    CAPACITY.fetch_sub(mapped - offset, Relaxed);
    USED.fetch_sub(size, Relaxed);
    UNUSED.fetch_sub(unused_of(mapped, offset + size, touched), Relaxed);
}
