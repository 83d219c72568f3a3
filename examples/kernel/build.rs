//! The linker script, and no start files or libraries: plain stable Rust for a host target makes a kernel.

fn main() {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    let script = format!("-T{package}/kernel.ld");
    let arguments = ["-nostartfiles", "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none"];
    for argument in arguments.into_iter().chain(["-Wl,-z,max-page-size=0x1000", &script]) {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    println!("cargo::rerun-if-changed=kernel.ld");
}
