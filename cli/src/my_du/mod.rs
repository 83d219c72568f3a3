//! What my_du does with its arguments, its output and its exit status; the work is `memalloc_os::walk`.

mod human;
mod message;
mod options;
mod quote;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use memalloc_os::walk::Walker;

use options::{Asked, Options};

/// The name in messages.
pub(crate) const NAME: &str = "my_du";

/// Runs the program.
pub(crate) fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    match options::parse(args) {
        Asked::Measure(options) => measure(options),
        Asked::Show(text) => exit_code(show(&text)),
        Asked::Wrong(message) => {
            complain(&message);
            complain_usage();
            ExitCode::FAILURE
        }
    }
}

fn measure(options: Options) -> ExitCode {
    let Options { config, human, operands } = options;
    let mut walker = Walker::new(config);
    let mut complete = true;
    for operand in operands {
        let bytes = walker.measure(operand.as_ref(), &mut |diagnostic| {
            complete = false;
            complain(&message::of(&diagnostic));
        });
        let Some(bytes) = bytes else { continue };
        if let Err(error) = show(&line(bytes, human, &operand)) {
            return exit_code(Err(error));
        }
    }
    if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(bytes: u64, human: bool, operand: &OsStr) -> Vec<u8> {
    let mut line = if human { human::ceiling(bytes) } else { bytes.to_string() }.into_bytes();
    line.push(b'\t');
    line.extend_from_slice(operand.as_bytes());
    line.push(b'\n');
    line
}

fn show(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

fn exit_code(shown: io::Result<()>) -> ExitCode {
    match shown {
        Ok(()) => return ExitCode::SUCCESS,
        // The reader has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => complain(format!("write error: {}", message::reason(&error)).as_bytes()),
    }
    ExitCode::FAILURE
}

/// Writes a message; if even that fails, there is nobody left to tell.
fn complain(message: &[u8]) {
    let line = [NAME.as_bytes(), b": ", message, b"\n"].concat();
    let _ = io::stderr().write_all(&line);
}

fn complain_usage() {
    let _ = writeln!(io::stderr(), "Try '{NAME} --help' for more information.");
}
