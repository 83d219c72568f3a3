//! The memalloc allocator and directory walker on Linux.
