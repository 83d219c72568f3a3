//! The memalloc allocator and directory walker on Linux.

mod mapping;
mod mmap;
mod table;

pub use mmap::MmapSource;
