//! The feature `nightly` is nothing to a compiler that takes no unstable features. Where size is what counts, what is called
//! from several places is not inlined.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(unstable_allocator)");
    println!("cargo::rustc-check-cfg=cfg(for_size)");
    println!("cargo::rerun-if-changed=build.rs");
    if matches!(std::env::var("OPT_LEVEL").as_deref(), Ok("s" | "z")) {
        println!("cargo::rustc-cfg=for_size");
    }
    // Cargo hands on what the compiler tells of its target. This it tells only where it takes unstable features.
    let told = ["CARGO_FEATURE_NIGHTLY", "CARGO_CFG_TARGET_HAS_ATOMIC_LOAD_STORE"];
    if told.iter().all(|name| std::env::var_os(name).is_some()) {
        println!("cargo::rustc-cfg=unstable_allocator");
    }
}
