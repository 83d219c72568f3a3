//! Operands from a file, each ended by a NUL.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::message::reason;
use super::quote::{quoted, quoted_if_needed};
use super::standard::Input;

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
            Box::new(BufReader::new(Input))
        } else {
            let failed = |error: io::Error| {
                [b"cannot open ", &*quoted(path), b" for reading: ", reason(&error).as_bytes()].concat()
            };
            Box::new(BufReader::new(File::open(path).map_err(failed)?))
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
