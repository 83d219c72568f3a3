//! memalloc beside its peers.
fn main() {}
