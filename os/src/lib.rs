//! The memalloc allocator and directory walker on Linux.
//!
//! [`MmapSource`] gives a [`Heap`](memalloc_core::Heap) memory of the system. [`process`] is one such heap for the
//! whole program, and [`MemAlloc`] makes it the program's allocator. [`walk`] counts what directories hold.

mod bad_free;
mod clock;
mod fork;
mod global;
mod heaps;
mod huge;
mod idle;
mod leaves;
mod limit;
mod lock;
mod map_vec;
mod mapping;
mod mmap;
mod moving;
mod near;
pub mod process;
mod region;
mod snapshot;
mod table;
mod thread_heap;
mod tls;
pub mod walk;

pub use bad_free::abort_on_bad_free;
pub use global::MemAlloc;
pub use mmap::MmapSource;
pub use snapshot::{Chunk, Snapshot};

/// The README's examples.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
