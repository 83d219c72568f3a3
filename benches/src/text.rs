//! Machine code of three functions, compiled for size.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The bytes of machine code of what the feature `name` of the crate beside this one selects, or why they are not known.
pub fn bytes(name: &str) -> Result<usize, String> {
    let library = build(name)?;
    let output = run(Command::new("size").arg("-A").arg(&library))?;
    let text = output.lines().find_map(|line| line.strip_prefix(".text")?.split_whitespace().next());
    text.and_then(|size| size.parse().ok()).ok_or_else(|| format!("{}: no .text", library.display()))
}

/// Builds the library. Where it is.
fn build(name: &str) -> Result<PathBuf, String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("text/Cargo.toml");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("text/target");
    let build = run(Command::new("cargo")
        .args(["build", "--release", "--quiet", "--features", name, "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target));
    build.map(|_| target.join("release/libmemalloc_text.so"))
}

/// What a command printed.
fn run(command: &mut Command) -> Result<String, String> {
    let named = format!("{:?}", command.get_program());
    let output = command.output().map_err(|error| format!("{named}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{named}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
