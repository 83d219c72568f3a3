//! malloc(3) on the memalloc allocator.
