//! How much memory the module has.

/// Bytes that linear memory grows to, at most: so that the end of it is seen.
const MOST: usize = 16 << 20;
/// Bytes of the stack.
const STACK: usize = 64 << 10;

fn main() {
    println!("cargo::rustc-link-arg=--max-memory={MOST}");
    println!("cargo::rustc-link-arg=-zstack-size={STACK}");
}
