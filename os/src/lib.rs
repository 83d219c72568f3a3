//! The memalloc allocator and directory walker on Linux.

mod fork;
pub mod walk;
