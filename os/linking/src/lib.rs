//! For build scripts: has what std depends on linked into a program or library instead of loaded with it.
//!
//! The dynamic loader's work for `libgcc_s.so` is a seventh of the time of a short program, and 100 KiB of its memory;
//! that for the C library a quarter of what is left. std asks for them with `-lgcc_s` and `-lc`: linker scripts of these
//! names, which lead to the static copies, stand in for them. Other crates of the build are not concerned, as they would be
//! by `-C target-feature=+crt-static`, with which no shared library is to be had.
//!
//! Where a static copy is not at hand, or the build is for another machine or C library, or has chosen for itself, nothing
//! changes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// Called by a build script: its package is linked with the compiler's static unwinder.
pub fn link_unwinder_statically() {
    println!("cargo::rerun-if-changed=build.rs");
    let Some(scripts) = place_of_scripts("unwinder") else { return };
    if stand_in(&scripts, "gcc_s", &["libgcc_eh.a"]).is_ok() {
        println!("cargo::rustc-link-search=native={}", scripts.display());
    }
}

/// Called by a build script: the program `name` of its package loads no shared library, and is still put at a random
/// address.
pub fn link_program_statically(name: &str) {
    let Some(scripts) = place_of_scripts("libc") else { return };
    // The C library calls the unwinder when it ends a thread.
    let libc = stand_in(&scripts, "c", &["libc.a", "libgcc_eh.a"]);
    let made = libc.and(stand_in(&scripts, "m", &["libm.a"])).and(found("rcrt1.o"));
    if made.is_ok() {
        println!("cargo::rustc-link-arg-bin={name}=-L{}", scripts.display());
        println!("cargo::rustc-link-arg-bin={name}=-static-pie");
    }
}

/// Called by a build script: the shared library of its package is linked by GNU's linker, if that is there. It leaves out what
/// is reached only from the unwinding tables of functions that are left out, as LLVM's does not: for a library that
/// cannot panic that is four fifths of its code, all that std has for panics.
///
/// Each of `hot`, functions by their names, starts at a line of the cache: what is a few dozen instructions long takes up to a
/// quarter longer where it happens to lie badly.
pub fn leave_out_what_is_not_called(hot: &[&str]) {
    println!("cargo::rerun-if-changed=build.rs");
    let Some(scripts) = place_of_scripts("linker").filter(|_| program("ld.bfd")) else { return };
    println!("cargo::rustc-cdylib-link-arg=-fuse-ld=bfd");
    if let Ok(script) = at_lines(&scripts, hot) {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-T,{}", script.display());
    }
}

/// A script that adds to the linker's own: has each of some functions start at a multiple of 64.
fn at_lines(scripts: &Path, functions: &[&str]) -> io::Result<PathBuf> {
    let sections: String = functions.iter().map(|name| format!("*(.text.{name}) ")).collect();
    let script = scripts.join("hot.ld");
    fs::create_dir_all(scripts)?;
    fs::write(
        &script,
        format!("SECTIONS {{ .text.hot : SUBALIGN(64) {{ {sections}}} }} INSERT BEFORE .text;\n"),
    )?;
    Ok(script)
}

/// Whether the C compiler finds a program that it works with; it answers with the bare name where it does not.
fn program(name: &str) -> bool {
    let answer = Command::new("cc").arg(format!("-print-prog-name={name}")).output();
    let answer = answer.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned());
    answer.is_ok_and(|path| path != name || in_path(name))
}

fn in_path(name: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|place| place.join(name).is_file()))
}

/// Where the linker scripts of this build go, if it is one for this machine that leaves the choice to us.
fn place_of_scripts(kind: &str) -> Option<PathBuf> {
    let of = |name| env::var(name).unwrap_or_default();
    let is_native = of("HOST") == of("TARGET");
    let is_glibc = of("CARGO_CFG_TARGET_OS") == "linux" && of("CARGO_CFG_TARGET_ENV") == "gnu";
    let is_static = of("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "crt-static");
    // The sanitizers watch over the calls of the shared C library.
    let is_watched = env::var_os("CARGO_CFG_SANITIZE").is_some();
    let scripts = PathBuf::from(env::var_os("OUT_DIR")?).join(kind);
    (is_native && is_glibc && !is_static && !is_watched).then_some(scripts)
}

/// Has `-l{name}` stand for the static libraries.
fn stand_in(scripts: &Path, name: &str, libraries: &[&str]) -> io::Result<()> {
    let mut script = String::new();
    for library in libraries {
        script += &format!("INPUT(\"{}\")\n", found(library)?.display());
    }
    fs::create_dir_all(scripts)?;
    fs::write(scripts.join(format!("lib{name}.so")), script)
}

/// Where the C compiler keeps a file that it links with; it answers with the bare name where it has none.
fn found(file: &str) -> io::Result<PathBuf> {
    let answer = Command::new("cc").arg(format!("-print-file-name={file}")).output()?;
    let path = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
    if path.is_file() { Ok(path) } else { Err(io::ErrorKind::NotFound.into()) }
}
