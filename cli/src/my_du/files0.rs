//! Operands from a file, each ended by a NUL.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::message::reason;
use super::quote::{quoted, quoted_if_needed};
use super::standard::Input;
use super::watch;

/// Operands, and what is wrong with some.
pub(super) struct Files0 {
    /// The file, in messages.
    name: Vec<u8>,
    is_stdin: bool,
    reader: Box<dyn BufRead>,
    count: u64,
}

impl Files0 {
    /// Opens the file; `-` is standard input.
    pub(super) fn open(path: &OsStr) -> Result<Self, Vec<u8>> {
        let is_stdin = path == "-";
        let reader: Box<dyn BufRead> = if is_stdin {
            Box::new(BufReader::new(UntilInterrupted(Input)))
        } else {
            let failed = |error: io::Error| {
                [b"cannot open ", &*quoted(path), b" for reading: ", reason(&error).as_bytes()].concat()
            };
            match open_until_interrupted(path).map_err(failed)? {
                Some(file) => Box::new(BufReader::new(UntilInterrupted(file))),
                None => Box::new(io::empty()),
            }
        };
        Ok(Self { name: quoted_if_needed(path), is_stdin, reader, count: 0 })
    }
}

impl Iterator for Files0 {
    /// An operand, or a complaint.
    type Item = Result<OsString, Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut name = Vec::new();
        match self.reader.read_until(0, &mut name) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => {
                self.reader = Box::new(io::empty());
                return Some(Err([&*self.name, b": read error: ", reason(&error).as_bytes()].concat()));
            }
        }
        self.count += 1;
        name.pop_if(|last| *last == 0);
        Some(match name.as_slice() {
            b"" => {
                let place = format!(":{}: invalid zero-length file name", self.count);
                Err([&*self.name, place.as_bytes()].concat())
            }
            b"-" if self.is_stdin => Err([
                b"when reading file names from stdin, no file name of ",
                &*quoted(OsStr::from_bytes(b"-")),
                b" allowed",
            ]
            .concat()),
            _ => Ok(OsString::from_vec(name)),
        })
    }
}

/// Opens a file, which may take until somebody writes to it; `None` if the user interrupts.
fn open_until_interrupted(path: &OsStr) -> io::Result<Option<File>> {
    while !watch::is_interrupted() {
        match rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::INTR) => {}
            opened => return Ok(Some(opened?.into())),
        }
    }
    Ok(None)
}

/// What ends when the user interrupts.
struct UntilInterrupted<R>(R);

impl<R: Read> Read for UntilInterrupted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !watch::is_interrupted() {
            match self.0.read(buf) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
        Ok(0)
    }
}
