//! Looking at what there is.

use core::ffi::{c_int, c_ulong, c_void};
use core::ptr::NonNull;

use memalloc_os::{Chunk, process};

use crate::errno::{EINVAL, ENOMEM, EUCLEAN, set_errno};

/// `struct memalloc_stats`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MemStats {
    held: c_ulong,
    used: c_ulong,
    free: c_ulong,
    overhead: c_ulong,
    blocks: c_ulong,
    regions: c_ulong,
}

/// `struct memchunk`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MemChunk {
    address: *mut c_void,
    size: c_ulong,
    in_use: c_int,
}

impl From<&Chunk> for MemChunk {
    fn from(chunk: &Chunk) -> Self {
        Self {
            address: chunk.address.as_ptr().cast(),
            size: chunk.size as c_ulong,
            in_use: chunk.in_use.into(),
        }
    }
}

/// What `memwalk` calls.
pub type Visit = unsafe extern "C" fn(chunk: *const MemChunk, context: *mut c_void) -> c_int;

/// The bytes of a block that may be used; 0 with `EINVAL` for what is not a live block.
#[unsafe(no_mangle)]
pub extern "C" fn memusable(ptr: *const c_void) -> c_ulong {
    let size = NonNull::new(ptr.cast_mut().cast()).and_then(|block| process::usable_size(block).ok());
    if size.is_none() {
        set_errno(EINVAL);
    }
    size.unwrap_or(0) as c_ulong
}

/// Fills in `stats`: 0; or -1 with `EINVAL` if it is null.
///
/// # Safety
/// `stats` is null or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memstats(stats: *mut MemStats) -> c_int {
    if stats.is_null() {
        return fail(EINVAL);
    }
    let totals = process::totals();
    let now = MemStats {
        held: totals.source() as c_ulong,
        used: totals.used() as c_ulong,
        free: totals.free() as c_ulong,
        overhead: totals.overhead() as c_ulong,
        blocks: totals.used_chunks() as c_ulong,
        regions: totals.spans() as c_ulong,
    };
    // SAFETY: the caller says that it can be written to.
    unsafe { stats.write(now) };
    0
}

/// Calls `visit` with each chunk of this moment, until one call returns another value than 0, and returns that.
///
/// # Safety
/// `visit` is null or a function that may be called so, and that returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memwalk(visit: Option<Visit>, context: *mut c_void) -> c_int {
    let Some(visit) = visit else { return fail(EINVAL) };
    let Some(chunks) = process::snapshot() else { return fail(ENOMEM) };
    for chunk in chunks.iter().map(MemChunk::from) {
        // SAFETY: the caller gives a function for this; the heap is not locked.
        let result = unsafe { visit(&raw const chunk, context) };
        if result != 0 {
            return result;
        }
    }
    0
}

/// Checks the heap: 0, or -1 with `EUCLEAN` if it is corrupt.
#[unsafe(no_mangle)]
pub extern "C" fn memcheck() -> c_int {
    if process::check().is_ok() { 0 } else { fail(EUCLEAN) }
}

#[cold]
fn fail(errno: c_int) -> c_int {
    set_errno(errno);
    -1
}
