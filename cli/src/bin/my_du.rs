//! A disk-usage walker.
fn main() {}
