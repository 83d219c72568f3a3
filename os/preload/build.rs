//! How the shared library is linked.

fn main() {
    // It stays when it is closed: threads that end later call into it.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    memalloc_linking::link_unwinder_statically();
    // Functions of the same code have one section, by the name of any of them.
    memalloc_linking::leave_out_what_is_not_called(
        &"malloc __libc_malloc free cfree __libc_free _ZdlPv realloc __libc_realloc"
            .split(' ')
            .collect::<Vec<_>>(),
    );
}
