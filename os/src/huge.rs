//! Huge blocks: each a mapping of its own, of no heap, which any thread may free or resize.
//!
//! ```text
//!   ┌────────┬─ … ─┬──────────────────────────────┬─ … ─┐
//!   │ header │     │ block                        │     │   whole slots
//!   └────────┴─ … ─┴──────────────────────────────┴─ … ─┘
//!   ▲ slot         ▲ a page or more behind, where its alignment says
//! ```

use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memalloc_core::{FreeError, GRANULE, Totals};
use rustix::mm::{Advice, MremapFlags, madvise, mremap, mremap_fixed};
use rustix::process::{Resource, getrlimit};

use crate::idle;
use crate::mapping::{SLOT, unmap};
use crate::region::{TABLE, map_slots, unmap_and_forget, unmap_below_next};
use crate::table::Owner;
use crate::thread_heap::mine;

/// The owner of all huge blocks.
pub(crate) const OWNER: Owner = Owner::new(Owner::COUNT - 1).expect("the last owner");

/// A block that has to move to grow to so many bytes becomes a huge one: it may well grow again, and then does without a
/// copy, and leaves no hole behind.
pub(crate) const FROM_GROWN: usize = 256 << 10;
/// A huge block that shrinks to less becomes one of a heap.
pub(crate) const TO_SHRUNK: usize = FROM_GROWN / 2;
/// A mapping of more bytes takes no idle memory in, as it would then have to be copied when it moves.
const MOST_JOINED: usize = 32 << 20;
/// Such blocks take no more than this part of an address space that is limited.
const PART_OF_LIMIT: u64 = 8;

/// What lies below a block at least.
const PAGE: usize = 4096;

/// What stands at the start of a huge block's mapping.
#[derive(Debug)]
#[repr(C)]
struct Header {
    /// Bytes of the mapping.
    mapped: AtomicUsize,
    /// Where the block starts.
    offset: AtomicUsize,
    /// Bytes of the block, whole granules; 0 once it is freed, so that of two threads that free it one is answered.
    size: AtomicUsize,
    /// 1 if parts of it were idle, so that it may be several mappings to the kernel, which moves only one at a time.
    joined: AtomicUsize,
}

/// How many there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Bytes of their mappings.
static MAPPED: AtomicUsize = AtomicUsize::new(0);
/// Bytes of the mappings from the block on.
static CAPACITY: AtomicUsize = AtomicUsize::new(0);
/// Bytes of the blocks.
static USED: AtomicUsize = AtomicUsize::new(0);

/// A huge block in use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Huge {
    start: NonNull<u8>,
    size: usize,
}

/// A block for `layout`, of memory that is idle if there is enough. `None` when memory cannot be had.
#[cold]
pub(crate) fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    Some(allocate_either(layout)?.0)
}

/// A block for `layout`, all zero. `None` when memory cannot be had.
#[cold]
pub(crate) fn allocate_zeroed(layout: Layout) -> Option<NonNull<u8>> {
    let (block, was_idle) = allocate_either(layout)?;
    if was_idle {
        // SAFETY: the block has these bytes. To clear pages takes less than to have others.
        unsafe { block.write_bytes(0, layout.size()) };
    }
    Some(block)
}

/// A block for `layout`, and whether its memory was idle; otherwise it is all zero.
fn allocate_either(layout: Layout) -> Option<(NonNull<u8>, bool)> {
    let size = layout.size().max(1).checked_next_multiple_of(GRANULE)?;
    // A mapping starts at a slot's multiple, which is one of every smaller alignment.
    let below = layout.align().max(PAGE) + if layout.align() > SLOT { PAGE } else { 0 };
    let mapped = size.checked_add(below)?.checked_next_multiple_of(SLOT)?;
    let idle = idle::take(mapped);
    let (start, was_idle) = (idle.or_else(|| map_anew(mapped))?, idle.is_some());
    let block_at = (start.addr().get() + PAGE).next_multiple_of(layout.align());
    let offset = block_at - start.addr().get();
    // SAFETY: the header, and the block behind it, lie in the mapping, which is ours alone so far.
    unsafe {
        start.cast::<Header>().write(Header {
            mapped: AtomicUsize::new(mapped),
            offset: AtomicUsize::new(offset),
            size: AtomicUsize::new(size),
            joined: AtomicUsize::new(was_idle.into()),
        });
        // Last: who finds the block finds its header.
        if !TABLE.insert(start, mapped, OWNER) {
            unmap_below_next(start, mapped);
            return None;
        }
        count_in(mapped, offset, size);
        Some((start.add(offset), was_idle))
    }
}

/// Maps `size` bytes, whole slots, once what is free has made way.
fn map_anew(size: usize) -> Option<NonNull<u8>> {
    make_way(size);
    map_slots(size)
}

/// Has what is free make way for `bytes` bytes more of huge blocks.
fn make_way(bytes: usize) {
    if let Some(heap) = mine() {
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed.
        unsafe { heap.make_way(bytes) };
    }
}

/// A block for what was allocated for `layout` and grows to `new_size` bytes, if it is to be a huge one.
#[cold]
pub(crate) fn allocate_grown(layout: Layout, new_size: usize) -> Option<NonNull<u8>> {
    if new_size < FROM_GROWN.max(layout.size()) || takes_much() {
        return None;
    }
    allocate(Layout::from_size_align(new_size, layout.align()).ok()?)
}

/// Whether huge blocks take a large part of a limited address space.
fn takes_much() -> bool {
    let limit = getrlimit(Resource::As).current.unwrap_or(u64::MAX);
    (MAPPED.load(Relaxed) + SLOT) as u64 > limit / PART_OF_LIMIT
}

/// The block in use at `ptr`, which lies in a huge block's mapping that starts at `start`.
pub(crate) fn find(start: NonNull<u8>, ptr: NonNull<u8>) -> Result<Huge, FreeError> {
    let header = header(start);
    let size = header.size.load(Relaxed);
    if size == 0 {
        return Err(FreeError::AlreadyFree);
    }
    if ptr.addr().get() - start.addr().get() != header.offset.load(Relaxed) {
        return Err(FreeError::NotAStart);
    }
    Ok(Huge { start, size })
}

impl Huge {
    /// Bytes of the block.
    pub(crate) const fn size(self) -> usize {
        self.size
    }

    /// Frees the block.
    ///
    /// # Errors
    /// [`FreeError::AlreadyFree`] if another thread was faster.
    ///
    /// # Safety
    /// Nobody uses the block any more.
    pub(crate) unsafe fn free(self) -> Result<(), FreeError> {
        let header = header(self.start);
        header.size.compare_exchange(self.size, 0, Relaxed, Relaxed).map_err(|_| FreeError::AlreadyFree)?;
        let mapped = header.mapped.load(Relaxed);
        count_out(mapped, header.offset.load(Relaxed), self.size);
        TABLE.remove(self.start, mapped);
        // SAFETY: the block was live, and now nobody's.
        unsafe { idle::keep(self.start, mapped) };
        Ok(())
    }

    /// Makes the block `size` bytes long, without a copy: where it lies, or at another place at the same distance from a
    /// slot. `None`, and nothing has changed, when memory cannot be had.
    ///
    /// # Safety
    /// If another pointer is returned, nobody uses the block by the old one any more. No other thread frees or resizes it
    /// meanwhile.
    pub(crate) unsafe fn resize(self, size: usize) -> Option<NonNull<u8>> {
        let header = header(self.start);
        let (mapped, offset) = (header.mapped.load(Relaxed), header.offset.load(Relaxed));
        let size = size.max(1).checked_next_multiple_of(GRANULE)?;
        let needed = size.checked_add(offset)?.checked_next_multiple_of(SLOT)?;
        // SAFETY: as the caller says.
        let start = unsafe {
            if needed > mapped {
                self.grow_to(mapped, needed)?
            } else {
                self.shrink_to(mapped, needed, offset + size)
            }
        };
        let header = self::header(start);
        count_out(mapped, offset, self.size);
        header.mapped.store(needed, Relaxed);
        header.size.store(size, Relaxed);
        count_in(needed, offset, size);
        // SAFETY: the block lies in the mapping.
        Some(unsafe { start.add(offset) })
    }

    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn grow_to(self, mapped: usize, needed: usize) -> Option<NonNull<u8>> {
        make_way(needed - mapped);
        // SAFETY: as the caller says.
        unsafe {
            if self.grow_in_place(mapped, needed) {
                if TABLE.insert(self.start, needed, OWNER) {
                    return Some(self.start);
                }
                unmap(self.start.add(mapped), needed - mapped);
                return None;
            }
            self.move_to(map_slots(needed)?, mapped, needed)
        }
    }

    /// Has `needed - mapped` bytes more above its mapping, if they are idle or can be had there.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn grow_in_place(self, mapped: usize, needed: usize) -> bool {
        // SAFETY: the mapping is the block's own, and what lies above it is looked at by nobody.
        unsafe {
            if mapped <= MOST_JOINED && idle::take_at(self.start.add(mapped), needed - mapped) {
                header(self.start).joined.store(1, Relaxed);
                return true;
            }
            // As before any mapping, so that a peak holds none of it.
            idle::release();
            mremap(self.start.as_ptr().cast(), mapped, needed, MremapFlags::empty()).is_ok()
        }
    }

    /// Moves the mapping to `new`, of `needed` bytes.
    ///
    /// # Safety
    /// As for [`resize`](Self::resize); `new` was just mapped with so many bytes.
    unsafe fn move_to(self, new: NonNull<u8>, mapped: usize, needed: usize) -> Option<NonNull<u8>> {
        // SAFETY: the new mapping is ours; the old one is the block's own, and leaves its place.
        unsafe {
            if !TABLE.insert(new, needed, OWNER) {
                unmap(new, needed);
                return None;
            }
            TABLE.remove(self.start, mapped);
            if header(self.start).joined.load(Relaxed) == 1 {
                new.copy_from_nonoverlapping(self.start, mapped);
                header(new).joined.store(0, Relaxed);
                idle::keep(self.start, mapped);
                return Some(new);
            }
            let old = self.start.as_ptr().cast();
            if mremap_fixed(old, mapped, needed, MremapFlags::MAYMOVE, new.as_ptr().cast()).is_err() {
                let _ = TABLE.insert(self.start, mapped, OWNER);
                unmap_and_forget(new, needed);
                return None;
            }
        }
        Some(new)
    }

    /// # Safety
    /// As for [`resize`](Self::resize).
    unsafe fn shrink_to(self, mapped: usize, needed: usize, end: usize) -> NonNull<u8> {
        // SAFETY: what lies above the block's new end is not used any more.
        unsafe {
            if needed < mapped {
                TABLE.remove(self.start.add(needed), mapped - needed);
                idle::keep(self.start.add(needed), mapped - needed);
            }
            let end = end.next_multiple_of(PAGE);
            if end < needed {
                // A refusal leaves the pages where they are.
                let _ = madvise(self.start.add(end).as_ptr().cast(), needed - end, Advice::LinuxDontNeed);
            }
        }
        self.start
    }
}

/// Each huge block in use: where it starts, and its bytes.
pub(crate) fn blocks() -> impl Iterator<Item = (NonNull<u8>, usize)> {
    TABLE.blocks_of(OWNER).filter_map(|start| {
        let (offset, size) = (header(start).offset.load(Relaxed), header(start).size.load(Relaxed));
        // SAFETY: the block lies in the mapping.
        (size > 0).then(|| (unsafe { start.add(offset) }, size))
    })
}

/// What all huge blocks hold, and what they have left that is idle.
pub(crate) fn totals() -> Totals {
    let (mapped, capacity) = (MAPPED.load(Relaxed), CAPACITY.load(Relaxed));
    Totals::of(COUNT.load(Relaxed), mapped + idle::bytes(), capacity + idle::bytes(), USED.load(Relaxed))
}

fn header(start: NonNull<u8>) -> &'static Header {
    // SAFETY: the table has a huge block's mapping there, whose header lasts as long as it.
    unsafe { start.cast().as_ref() }
}

fn count_in(mapped: usize, offset: usize, size: usize) {
    COUNT.fetch_add(1, Relaxed);
    MAPPED.fetch_add(mapped, Relaxed);
    CAPACITY.fetch_add(mapped - offset, Relaxed);
    USED.fetch_add(size, Relaxed);
}

fn count_out(mapped: usize, offset: usize, size: usize) {
    COUNT.fetch_sub(1, Relaxed);
    MAPPED.fetch_sub(mapped, Relaxed);
    CAPACITY.fetch_sub(mapped - offset, Relaxed);
    USED.fetch_sub(size, Relaxed);
}
