//! How the programs are linked.

fn main() {
    memalloc_linking::link_unwinder_statically();
    // It is run for a dozen files as often as for a million: its start is what counts then.
    memalloc_linking::link_program_statically("my_du");
}
