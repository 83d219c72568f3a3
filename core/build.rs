//! The feature `nightly` is nothing to a compiler that takes no unstable features.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(unstable_allocator)");
    println!("cargo::rerun-if-changed=build.rs");
    // Cargo hands on what the compiler tells of its target. This it tells only where it takes unstable features.
    let told = ["CARGO_FEATURE_NIGHTLY", "CARGO_CFG_TARGET_HAS_ATOMIC_LOAD_STORE"];
    if told.iter().all(|name| std::env::var_os(name).is_some()) {
        println!("cargo::rustc-cfg=unstable_allocator");
    }
}
