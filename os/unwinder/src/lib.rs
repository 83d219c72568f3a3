//! For build scripts: has the compiler's unwinder linked into a program or library instead of loaded with it.
//!
//! The dynamic loader's work for `libgcc_s.so` is a seventh of the time of a short program, and 100 KiB of its memory.
//! std asks for it with `-lgcc_s`, so a linker script of that name, which leads to the compiler's static copy, stands in
//! for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// Called by a build script: its package is linked with the static unwinder. Where that is not at hand, or the build is
/// for another machine or C library, nothing changes.
pub fn link_statically() {
    println!("cargo::rerun-if-changed=build.rs");
    if !is_native_glibc() {
        return;
    }
    let (Some(unwinder), Some(scripts)) = (static_unwinder(), env::var_os("OUT_DIR").map(PathBuf::from))
    else {
        return;
    };
    if write_stand_in(&scripts, &unwinder).is_ok() {
        println!("cargo::rustc-link-search=native={}", scripts.display());
    }
}

fn is_native_glibc() -> bool {
    let of = |name| env::var(name).unwrap_or_default();
    of("HOST") == of("TARGET") && of("CARGO_CFG_TARGET_OS") == "linux" && of("CARGO_CFG_TARGET_ENV") == "gnu"
}

/// Where the C compiler keeps its static unwinder; it answers with the bare name where it has none.
fn static_unwinder() -> Option<PathBuf> {
    let answer = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output().ok()?;
    let path = PathBuf::from(String::from_utf8(answer.stdout).ok()?.trim());
    path.is_absolute().then_some(path).filter(|path| path.is_file())
}

fn write_stand_in(scripts: &Path, unwinder: &Path) -> io::Result<()> {
    fs::write(scripts.join("libgcc_s.so"), format!("INPUT(\"{}\")\n", unwinder.display()))
}
