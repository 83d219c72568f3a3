//! How the shared library is linked.

fn main() {
    // It stays when it is closed: threads that end later call into it.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    memalloc_linking::link_unwinder_statically();
    memalloc_linking::leave_out_what_is_not_called();
}
