//! The standard descriptors as they were given. Where one cannot be used, the standard library takes the input for empty
//! and the output for written; here that is an error.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::OpenOptionsExt;

use rustix::stdio;

/// Takes the numbers of those that are closed, so that nothing which is opened later is read or written in their stead.
/// What takes them can be neither.
pub(super) fn hold_closed() {
    // Read access is asked for because the library wants some; `O_PATH` gives none.
    let open = || OpenOptions::new().read(true).custom_flags(libc::O_PATH).open("/");
    while let Ok(taken) = open()
        && taken.as_raw_fd() <= libc::STDERR_FILENO
    {
        let _ = taken.into_raw_fd();
    }
}

/// Standard input, without a buffer.
pub(super) struct Input;

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(stdio::stdin(), buf)?)
    }
}

/// Standard output, without a buffer.
pub(super) struct Output;

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(stdio::stdout(), buf)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
