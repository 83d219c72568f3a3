//! A workbench for allocators: replays allocation traces and draws the heaps they leave.

use std::io::{self, Write};
use std::process::ExitCode;

#[path = "../memalloc/mod.rs"]
mod memalloc;

fn main() -> ExitCode {
    let config = memalloc::Config::from_args();
    match memalloc::run(&config, &mut io::BufWriter::new(io::stdout().lock())) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            let _ = writeln!(io::stderr(), "memalloc: standard output: {error}");
            ExitCode::FAILURE
        }
    }
}
