//! The linker script of the board.

fn main() {
    let architecture = std::env::var("CARGO_CFG_TARGET_ARCH").expect("cargo says the architecture");
    let board = if architecture == "arm" { "cortex_m" } else { "riscv" };
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    println!("cargo::rustc-link-arg=-T{package}/{board}.ld");
    println!("cargo::rerun-if-changed={board}.ld");
}
