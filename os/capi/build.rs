//! How the shared library is linked: its name for the dynamic linker, and that it stays.

use std::os::unix::fs::symlink;
use std::path::Path;

const SONAME: &str = "libmemalloc.so.0";

fn main() {
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,{SONAME}");
    // It stays when it is closed: threads that end later call into it.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // It is made ready before other libraries are (glibc 2.34 and later): so its locks are the last that a fork takes.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,initfirst");
    memalloc_linking::link_unwinder_statically();
    memalloc_linking::leave_out_what_is_not_called(&["memalloc", "memfree"]);
    link_beside_the_library();
}

/// Programs linked to the library where cargo puts it look for it there by its soname. `OUT_DIR` is
/// `PROFILE/build/PACKAGE/out`. Whoever has not got the link still has the install script.
fn link_beside_the_library() {
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    if let Some(profile) = Path::new(&out).ancestors().nth(3) {
        let _ = symlink("libmemalloc.so", profile.join(SONAME));
    }
}
