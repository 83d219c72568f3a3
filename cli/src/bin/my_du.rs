//! A disk-usage walker: bytes in each tree, links followed, every inode counted once.

#[path = "../my_du/mod.rs"]
mod my_du;

use std::process::ExitCode;

fn main() -> ExitCode {
    my_du::run(std::env::args_os())
}
