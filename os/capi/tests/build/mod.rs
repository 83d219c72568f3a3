//! The C libraries as they are now, and C programs that use them.
//!
//! Cargo builds no C library for a test, so these are built here, in a target directory of their own. Cargo's lock
//! keeps two test commands apart in there. With `MEMALLOC_RELEASE` set they are those that are shipped, which abort where
//! those with debug assertions unwind.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Where the libraries are, built from the sources as they are.
pub fn libraries() -> &'static Path {
    static LIBRARIES: OnceLock<PathBuf> = OnceLock::new();
    LIBRARIES.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c-libraries");
        let (profile, flag): (_, &[&str]) = match std::env::var_os("MEMALLOC_RELEASE") {
            Some(_) => ("release", &["--release"]),
            None => ("debug", &[]),
        };
        let build = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "memalloc-capi", "--package", "memalloc-preload"])
            .args(flag)
            .arg("--target-dir")
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(build.unwrap().success());
        target.join(profile)
    })
}

/// A compiler run, which succeeds without a warning.
pub fn compile(compiler: &str, arguments: &[&str]) {
    let output =
        Command::new(compiler).args(["-Wall", "-Wextra", "-Werror"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{compiler} {arguments:?}:\n{}", text(&output.stderr));
}

/// What a command prints, which succeeds.
pub fn stdout_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", all(&output));
    text(&output.stdout)
}

/// How a command ended and what it printed.
pub fn all(output: &Output) -> String {
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
