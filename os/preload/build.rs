//! How the shared library is linked.

fn main() {
    // It stays when it is closed: threads that end later call into it.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // It is made ready before other libraries are (glibc 2.34 and later): so its locks are the last that a fork takes, once what
    // others do first is done.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,initfirst");
    // What its functions call of each other is its own, whatever the program has by the same names.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
    memalloc_linking::link_unwinder_statically();
    // Functions of the same code have one section, by the name of any of them.
    memalloc_linking::leave_out_what_is_not_called(
        &"malloc __libc_malloc free cfree __libc_free _ZdlPv realloc __libc_realloc"
            .split(' ')
            .collect::<Vec<_>>(),
    );
}
