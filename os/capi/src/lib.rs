//! libmemalloc: the memalloc allocator for C.
