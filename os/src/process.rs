//! The heap of the process: what [`MemAlloc`](crate::MemAlloc) and the C libraries allocate from.
//!
//! Any thread may call any of these functions, and the child of a fork too, whatever other threads did when it was
//! forked. None of them calls the program's allocator, touches thread-local storage or changes `errno`.

use core::alloc::Layout;
use core::ptr::NonNull;

use memalloc_core::inspect::Fault;
use memalloc_core::{FreeError, GRANULE, Heap, Totals};

use crate::lock::{Guard, Lock};
use crate::mmap::MmapSource;
use crate::snapshot::Snapshot;
use crate::zeroed::{clear, clear_fresh};

static HEAP: Lock<Heap<MmapSource>> = Lock::new(Heap::new(MmapSource::new()), hold_across_forks);

fn heap() -> Guard<'static, Heap<MmapSource>> {
    HEAP.lock()
}

/// A block of at least `layout.size()` bytes; `None` when memory cannot be had. A size of 0 gives a block too.
#[inline]
pub fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    heap().allocate(layout)
}

/// As [`allocate`], with all bytes of `layout` zero. Memory that comes fresh from the system is not touched for that.
pub fn allocate_zeroed(layout: Layout) -> Option<NonNull<u8>> {
    let (block, is_fresh) = {
        let mut heap = heap();
        let spans = heap.totals().spans();
        (heap.allocate(layout)?, heap.totals().spans() > spans)
    };
    // SAFETY: the block was just allocated with that size; if a span came with it, from that span.
    unsafe {
        if is_fresh {
            clear_fresh(block, layout.size());
        } else {
            clear(block, layout.size());
        }
    }
    Some(block)
}

/// Frees the block at `ptr`.
///
/// # Errors
/// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a live block.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more. No other pointer does harm.
#[inline]
pub unsafe fn deallocate(ptr: NonNull<u8>) -> Result<(), FreeError> {
    // SAFETY: the caller gives the block up.
    unsafe { heap().deallocate(ptr) }
}

/// Frees the block at `ptr`, which was allocated for `layout`.
///
/// # Errors
/// As [`deallocate`], and [`FreeError::WrongSize`] for a block of another size.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more. No other pointer does harm.
#[inline]
pub unsafe fn deallocate_sized(ptr: NonNull<u8>, layout: Layout) -> Result<(), FreeError> {
    // SAFETY: the caller gives the block up.
    unsafe { heap().deallocate_sized(ptr, layout) }
}

/// Makes the block at `ptr` `new_size` bytes long, in place or by moving it to one aligned to a granule. `Ok(None)`,
/// and nothing has changed, when memory cannot be had.
///
/// # Errors
/// A [`FreeError`], and nothing has changed, for a pointer that is not the start of a live block.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more once another pointer is returned.
pub unsafe fn resize(ptr: NonNull<u8>, new_size: usize) -> Result<Option<NonNull<u8>>, FreeError> {
    let mut heap = heap();
    let size = heap.usable_size(ptr)?;
    let Ok(layout) = Layout::from_size_align(size, GRANULE) else { return Ok(None) };
    // SAFETY: the block has this size, and the caller gives it up if it moves.
    Ok(unsafe { heap.reallocate(ptr, layout, new_size) })
}

/// Makes the block at `ptr`, which was allocated for `layout`, `new_size` bytes long and keeps its alignment.
/// `Ok(None)`, and nothing has changed, when memory cannot be had.
///
/// # Errors
/// As [`resize`], and [`FreeError::WrongSize`] for a block of another size.
///
/// # Safety
/// If a live block starts at `ptr`, nobody uses it any more once another pointer is returned.
pub unsafe fn reallocate(
    ptr: NonNull<u8>,
    layout: Layout,
    new_size: usize,
) -> Result<Option<NonNull<u8>>, FreeError> {
    let mut heap = heap();
    if heap.usable_size(ptr)? != layout.size().next_multiple_of(GRANULE).max(GRANULE) {
        return Err(FreeError::WrongSize);
    }
    // SAFETY: the caller gives the block up if it moves.
    Ok(unsafe { heap.reallocate(ptr, layout, new_size) })
}

/// The bytes of the block at `ptr`: the size asked for, rounded up to granules.
///
/// # Errors
/// A [`FreeError`] for a pointer that is not the start of a live block.
#[inline]
pub fn usable_size(ptr: NonNull<u8>) -> Result<usize, FreeError> {
    heap().usable_size(ptr)
}

/// What the heap holds, and what of it is in use. O(1).
pub fn totals() -> Totals {
    heap().totals()
}

/// Checks the whole heap, while all other threads wait for it. O(heap).
///
/// # Errors
/// The first [`Fault`] found: something wrote where it should not have.
pub fn check() -> Result<(), Fault> {
    heap().check()
}

/// Gives all memory that is entirely free, in whole mappings, back to the system. Returns its bytes.
pub fn trim() -> usize {
    heap().trim()
}

/// Every chunk as it is now, in address order; `None` when there is no memory for the list.
pub fn snapshot() -> Option<Snapshot> {
    Snapshot::take(&heap())
}

/// Takes the lock once while the program is loaded, before it has threads: the handlers are there, then, before any
/// thread can fork while another holds the lock for the first time.
#[used]
#[unsafe(link_section = ".init_array")]
static LOCK_AT_START: extern "C" fn() = {
    extern "C" fn lock_once() {
        drop(heap());
    }
    lock_once
};

/// Has each fork done with the lock held: a child must not come into being while another thread, which it will not
/// have, is changing the heap.
fn hold_across_forks() {
    unsafe extern "C" {
        fn pthread_atfork(
            prepare: Option<unsafe extern "C" fn()>,
            parent: Option<unsafe extern "C" fn()>,
            child: Option<unsafe extern "C" fn()>,
        ) -> core::ffi::c_int;
    }
    // SAFETY: the handlers live as long as the program. A refusal, for lack of memory, leaves forks as they were.
    unsafe { pthread_atfork(Some(before_fork), Some(after_fork), Some(after_fork)) };
}

unsafe extern "C" fn before_fork() {
    HEAP.acquire();
}

/// Runs in the parent and in the child.
unsafe extern "C" fn after_fork() {
    // SAFETY: `before_fork` has run in this thread, or in the one that this is the child of.
    unsafe { HEAP.release() };
}
