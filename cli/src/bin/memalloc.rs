//! A workbench for allocators.
fn main() {}
