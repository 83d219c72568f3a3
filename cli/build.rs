//! How the programs are linked.

fn main() {
    memalloc_unwinder::link_statically();
}
