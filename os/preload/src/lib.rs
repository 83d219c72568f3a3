//! `libmemalloc_preload.so`: malloc(3) for any program, by `LD_PRELOAD`.
//!
//! The functions do what the GNU C library's manual says of them. A free of what is not a live block prints one line
//! on standard error and aborts. None of them uses the program's allocator (which is these functions) or thread-local
//! storage that has to be allocated first, so that they can be called before the program has begun and while it ends.

mod aliases;
mod aligned;
mod cxx;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod dlopen;
mod errno;
mod info;
mod malloc;
mod next;
mod sized;

pub use aliases::*;
pub use aligned::{aligned_alloc, memalign, posix_memalign, pvalloc, valloc};
pub use cxx::*;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub use dlopen::dlopen;
pub use info::{MallInfo, MallInfo2, mallinfo, mallinfo2, malloc_info, malloc_stats, malloc_trim, mallopt};
pub use malloc::{calloc, free, malloc, malloc_usable_size, realloc, reallocarray};
pub use sized::{cfree, free_aligned_sized, free_sized};
