//! `libmemalloc_preload.so`: malloc(3) for any program, by `LD_PRELOAD`.
//!
//! The functions do what the GNU C library's manual says of them. A free of what is not a live block prints one line
//! on standard error and aborts. None of them uses thread-local storage or the program's allocator (which is these
//! functions), so that they can be called before the program has begun and while it ends.

mod aligned;
mod errno;
mod malloc;

pub use aligned::{aligned_alloc, memalign, posix_memalign, pvalloc, valloc};
pub use malloc::{calloc, free, malloc, malloc_usable_size, realloc, reallocarray};
