//! The memalloc allocator for C. What each function does stands in `include/memalloc.h`.

mod errno;
mod free;
mod get;
mod look;

pub use free::memfree;
pub use get::{memaligned, memalloc, memcalloc, memrealloc};
pub use look::{MemChunk, MemStats, Visit, memcheck, memstats, memusable, memwalk};
