//! The allocators that are compared.

use std::io;
use std::path::{Path, PathBuf};

use crate::peers;

/// Where Debian has the others: libmimalloc2.0, libjemalloc2, libtcmalloc-minimal4.
const OTHERS: [(&str, &str); 3] = [
    ("mimalloc 2", "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2"),
    ("jemalloc", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"),
    ("tcmalloc", "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4"),
];

/// An allocator, and the library that brings it.
pub(crate) struct Allocator {
    pub(crate) name: &'static str,
    /// For `LD_PRELOAD`; the C library's own has none.
    pub(crate) library: Option<PathBuf>,
}

impl Allocator {
    /// glibc, ours, which lies beside `bench`, and those of the others that are installed, in the system or in `scratch`.
    pub(crate) fn found(bench: &Path, scratch: &Path) -> io::Result<Vec<Self>> {
        let ours = bench.with_file_name("libmemalloc_preload.so");
        if !ours.exists() {
            let text =
                format!("{} is not there: run 'cargo build --release --workspace' first", ours.display());
            return Err(io::Error::other(text));
        }
        let first = [("glibc", None), ("memalloc", Some(ours))];
        let others = OTHERS.map(|(name, path)| (name, Some(PathBuf::from(path))));
        let built = peers::found(scratch).map(|(name, path)| (name, Some(path)));
        let found = first.into_iter().chain(others).chain(built);
        let found = found.filter(|(_, library)| library.as_ref().is_none_or(|path| path.exists()));
        Ok(found.map(|(name, library)| Self { name, library }).collect())
    }
}
