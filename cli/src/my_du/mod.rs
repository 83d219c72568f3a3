//! What my_du does with its arguments, its output and its exit status; the work is `memalloc_os::walk`.

mod message;
mod options;
mod quote;
mod scale;
mod size;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;

use memalloc_os::walk::Walker;

use options::{Asked, Options};

/// The name in messages.
pub(crate) const NAME: &str = "my_du";

/// What the program says of itself when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Complete = 0,
    Incomplete = 1,
}

/// Runs the program.
#[cfg_attr(test, expect(dead_code, reason = "the tests are run instead"))]
pub(crate) fn run(args: impl Iterator<Item = OsString>) -> Status {
    match options::parse(args) {
        Asked::Measure(options) => measure(options),
        Asked::Show(text) => status(show(&text)),
        Asked::Wrong(message) => {
            complain(&message);
            complain_usage();
            Status::Incomplete
        }
    }
}

fn measure(options: Options) -> Status {
    let Options { config, scale, end, total, operands } = options;
    let mut sum = 0u64;
    let mut walker = Walker::new(config);
    let mut complete = true;
    for operand in operands {
        let bytes = walker.measure(operand.as_ref(), &mut |diagnostic| {
            complete = false;
            complain(&message::of(&diagnostic));
        });
        let Some(bytes) = bytes else { continue };
        sum = sum.saturating_add(bytes);
        if let Err(error) = show(&line(&scale.show(bytes), &operand, end)) {
            return status(Err(error));
        }
    }
    if total && let Err(error) = show(&line(&scale.show(sum), OsStr::new("total"), end)) {
        return status(Err(error));
    }
    if complete { Status::Complete } else { Status::Incomplete }
}

fn line(size: &str, name: &OsStr, end: u8) -> Vec<u8> {
    [size.as_bytes(), b"\t", name.as_bytes(), &[end]].concat()
}

fn show(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

fn status(shown: io::Result<()>) -> Status {
    match shown {
        Ok(()) => return Status::Complete,
        // The reader has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => complain(format!("write error: {}", message::reason(&error)).as_bytes()),
    }
    Status::Incomplete
}

/// Writes a message; if even that fails, there is nobody left to tell.
fn complain(message: &[u8]) {
    let line = [NAME.as_bytes(), b": ", message, b"\n"].concat();
    let _ = io::stderr().write_all(&line);
}

fn complain_usage() {
    let _ = writeln!(io::stderr(), "Try '{NAME} --help' for more information.");
}
