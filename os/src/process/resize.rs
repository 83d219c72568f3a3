//! Making blocks longer and shorter.

use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use memalloc_core::{FreeError, GRANULE, LiveBlock};

use super::free::{granule_at, whole};
use super::place::{Place, mine_if_of};
use super::{allocate, deallocate_sized, usable_size};
use crate::mapping::UNIT;
use crate::near::Start;
use crate::region::slot_of;
use crate::thread_heap::LARGEST;
use crate::tls::current;

/// Whether a block was left as long as it was, as there was no memory for a shorter one.
static LEFT_LONGER: AtomicBool = AtomicBool::new(false);

/// Makes the block at `ptr` `new_size` bytes long, in place or by moving it to one aligned to a granule; one that grows or shrinks
/// by less than an eighth may be left up to an eighth longer. `Ok(None)`,
/// and nothing has changed, when memory cannot be had.
///
/// # Errors
/// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a live block.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more once another pointer is returned.
#[inline]
pub unsafe fn resize(ptr: NonNull<u8>, new_size: usize) -> Result<Option<NonNull<u8>>, FreeError> {
    // SAFETY: as the caller says.
    unsafe { resize_of(ptr, None, new_size) }
}

/// Makes the block at `ptr`, which was allocated for `layout`, `new_size` bytes long and keeps its alignment.
/// `Ok(None)`, and nothing has changed, when memory cannot be had.
///
/// # Errors
/// As [`resize`], and [`FreeError::WrongSize`] for a block of another size.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more once another pointer is returned.
#[inline]
pub unsafe fn reallocate(
    ptr: NonNull<u8>,
    layout: Layout,
    new_size: usize,
) -> Result<Option<NonNull<u8>>, FreeError> {
    // SAFETY: as the caller says. Every block is aligned to a granule.
    unsafe {
        if layout.align() <= GRANULE {
            resize_of(ptr, Some(layout.size()), new_size)
        } else {
            reallocate_aligned(ptr, layout, new_size)
        }
    }
}

/// [`resize`], of a block of `size` bytes if that is said.
///
/// # Errors
/// As [`reallocate`].
///
/// # Safety
/// As for `resize`.
#[inline(always)]
unsafe fn resize_of(
    ptr: NonNull<u8>,
    size: Option<usize>,
    new_size: usize,
) -> Result<Option<NonNull<u8>>, FreeError> {
    // SAFETY: as the caller says; nothing is asked of the heap since the block was found.
    unsafe {
        if let Some(block) = OwnBlock::at(ptr)
            && size.is_none_or(|size| whole(size) == block.0.size())
            && let Some(block) = block.resize_soon(size.is_some(), new_size)
        {
            return Ok(Some(block));
        }
        resize_otherwise(ptr, size, new_size)
    }
}

/// A live block of the calling thread's heap, as long as nothing else is asked of that.
#[derive(Debug)]
pub struct OwnBlock(LiveBlock);

impl OwnBlock {
    /// That which starts at `ptr`, as far as that is soon seen.
    #[inline(always)]
    pub fn at(ptr: NonNull<u8>) -> Option<Self> {
        let (heap, start) = (current(), Start::of(ptr.addr().get()));
        // SAFETY: the heap is the calling thread's, of which nothing is borrowed, and the granule one of it.
        unsafe {
            if !heap.local().source().has_near(start) {
                return None;
            }
            heap.local().live_block(granule_at(start, ptr.as_ptr())).map(Self)
        }
    }

    /// That of `bytes` bytes at `ptr`.
    ///
    /// # Safety
    /// [`at`](Self::at) answers so for the pointer.
    #[inline(always)]
    pub unsafe fn new(ptr: NonNull<u8>, bytes: usize) -> Self {
        // SAFETY: as the caller says.
        Self(unsafe { LiveBlock::new(granule_at(Start::of(ptr.addr().get()), ptr.as_ptr()), bytes) })
    }

    /// Its bytes.
    #[inline(always)]
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// Whether [`resize`] to `new_size` bytes has nothing to do. Not for 0 bytes.
    #[inline(always)]
    pub fn is_about(&self, new_size: usize) -> bool {
        self.0.is_about(new_size)
    }

    /// Whether a block of `usable` bytes may have been [resized](resize) to `size`, which need not be its own.
    pub fn may_be(size: usize, usable: usize) -> bool {
        LiveBlock::may_be(size, usable) || size < usable && LEFT_LONGER.load(Relaxed)
    }

    /// [`resize`], if its size is said on the next call, or not, as far as little is to do for that. If not, `None`, and nothing
    /// has changed.
    ///
    /// # Safety
    /// As for `resize`; nothing was asked of the heap since the block was found.
    #[inline(always)]
    pub unsafe fn resize_soon(self, is_said: bool, new_size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the heap is the calling thread's, of which nothing is borrowed, and the caller gives the block up if it moves.
        unsafe { current().local().resize_soon(self.0, is_said, new_size) }
    }
}

/// [`resize`], of a block of `size` bytes if that is said, where [`OwnBlock::resize_soon`] has not done it.
///
/// # Errors
/// As [`reallocate`].
///
/// # Safety
/// As for `resize`.
#[inline(never)]
pub unsafe fn resize_otherwise(
    ptr: NonNull<u8>,
    size: Option<usize>,
    new_size: usize,
) -> Result<Option<NonNull<u8>>, FreeError> {
    if let Some(heap) = mine_if_of(ptr)
        && new_size <= LARGEST
    {
        // SAFETY: the heap is the calling thread's, and nothing of it is borrowed. The caller gives the block up if it
        // moves.
        let resized = unsafe { heap.local().resize_in(slot_of(ptr), ptr, size, new_size)? };
        if resized.is_some() {
            return Ok(resized);
        }
    }
    let has = usable_size(ptr)?;
    if size.is_some_and(|size| whole(size) != has) {
        return Err(FreeError::WrongSize);
    }
    let Ok(layout) = Layout::from_size_align(has, GRANULE) else { return Ok(None) };
    // SAFETY: the block has this size, and the caller gives it up if it moves.
    let changed = unsafe { change(ptr, layout, new_size) };
    Ok(changed.or_else(|| (size.is_none() && new_size <= has).then(|| leave_longer(ptr))))
}

/// The block at `ptr` as it is, though a shorter one was asked for: a longer one will do for who does not say its size.
#[cold]
fn leave_longer(ptr: NonNull<u8>) -> NonNull<u8> {
    LEFT_LONGER.store(true, Relaxed);
    ptr
}

/// [`reallocate`], of any alignment.
///
/// # Errors
/// As there.
///
/// # Safety
/// As there.
#[inline(never)]
unsafe fn reallocate_aligned(
    ptr: NonNull<u8>,
    layout: Layout,
    new_size: usize,
) -> Result<Option<NonNull<u8>>, FreeError> {
    if usable_size(ptr)? != whole(layout.size()) {
        return Err(FreeError::WrongSize);
    }
    // SAFETY: the caller gives the block up if it moves.
    Ok(unsafe { change(ptr, layout, new_size) })
}

/// Changes the size of a live block, in place if it can be.
///
/// # Safety
/// A live block for `layout` starts at `ptr`, and nobody uses it any more once another pointer is returned.
unsafe fn change(ptr: NonNull<u8>, layout: Layout, new_size: usize) -> Option<NonNull<u8>> {
    let new_layout = Layout::from_size_align(new_size, layout.align()).ok()?;
    // SAFETY: as the caller says.
    unsafe {
        match Place::of(ptr).ok()? {
            Place::Mine(heap) if heap.local().resize_in_place(ptr, new_size) == Ok(true) => return Some(ptr),
            // Alignments up to a unit's hold wherever it goes.
            Place::Huge(block) if block.stays_for(new_size) && layout.align() <= UNIT => {
                if let Some(block) = block.resize(new_size) {
                    return Some(block);
                }
            }
            Place::Elsewhere(_) if whole(new_size) == whole(layout.size()) => return Some(ptr),
            _ => {}
        }
        let Some(new) = allocate(new_layout) else { return shrink_huge(ptr, layout, new_size) };
        new.copy_from_nonoverlapping(ptr, new_size.min(whole(layout.size())));
        let freed = deallocate_sized(ptr, layout);
        debug_assert_eq!(freed, Ok(()));
        Some(new)
    }
}

/// Makes a huge block shorter where there is no memory for one of a heap. `None`, and nothing has changed, for all others.
///
/// # Safety
/// As for [`change`].
#[cold]
unsafe fn shrink_huge(ptr: NonNull<u8>, layout: Layout, new_size: usize) -> Option<NonNull<u8>> {
    // SAFETY: as the caller says; what does not grow does not move.
    unsafe {
        match Place::of(ptr).ok()? {
            Place::Huge(block) if new_size <= layout.size() => block.resize(new_size),
            _ => None,
        }
    }
}
