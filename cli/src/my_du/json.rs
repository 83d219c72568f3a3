//! The export format of ncdu 1 (<https://dev.yorhel.nl/ncdu/jsonfmt>), written while the walk goes on.
//!
//! ```text
//! [1,0,{"progname":"my_du",...},
//! [{"name":"/DIR","asize":4096,"dsize":4096},
//! {"name":"file","asize":5,"dsize":4096},
//! [{"name":"sub",...}]]]
//! ```

use std::ffi::OsStr;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path;
use std::time::SystemTime;

use memalloc_os::walk::{Diagnostic, Entry, Listener, Totals, Trouble};

use super::print::Printer;

/// Writes what is told of one operand.
pub(super) struct Json<'p, 's> {
    printer: &'p mut Printer<'s>,
    /// The path of the last directory that was entered, if its description may still grow.
    open: Option<Vec<u8>>,
    /// How many directories are not closed.
    depth: usize,
    /// Something has been described.
    begun: bool,
}

impl<'p, 's> Json<'p, 's> {
    pub(super) fn new(printer: &'p mut Printer<'s>) -> Self {
        Self { printer, open: None, depth: 0, begun: false }
    }

    /// Ends the text, if there is any.
    pub(super) fn finish(mut self) {
        if self.begun {
            self.settle();
            let brackets = "]".repeat(self.depth) + "]\n";
            let _ = self.printer.text(brackets.as_bytes());
        }
    }

    /// Starts a description: `before` it, and the name.
    fn describe(&mut self, before: &str, path: &[u8], depth: usize) {
        self.settle();
        let mut text = Vec::new();
        if self.begun {
            text.extend_from_slice(b",\n");
        } else {
            self.begun = true;
            text.extend_from_slice(head().as_bytes());
        }
        text.extend_from_slice(before.as_bytes());
        text.extend_from_slice(b"{\"name\":");
        append_string(&name(path, depth), &mut text);
        let _ = self.printer.text(&text);
    }

    fn sizes(&mut self, totals: &Totals) -> ControlFlow<()> {
        let mut text = Vec::new();
        for (name, size) in [("asize", totals.size), ("dsize", totals.other)] {
            if size > 0 {
                // Writing to memory does not fail.
                let _ = write!(text, ",\"{name}\":{size}");
            }
        }
        self.printer.text(&text)
    }

    /// Ends the description of the last directory.
    fn settle(&mut self) {
        if self.open.take().is_some() {
            let _ = self.printer.text(b"}");
        }
    }
}

impl Listener for Json<'_, '_> {
    fn enter(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        self.describe("[", entry.path, entry.depth);
        self.open = Some(entry.path.into());
        self.depth += 1;
        self.sizes(&entry.totals)
    }

    fn entry(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        if entry.is_directory {
            self.settle();
            self.depth -= 1;
            return self.printer.text(b"]");
        }
        self.describe("", entry.path, entry.depth);
        let _ = self.sizes(&entry.totals);
        self.printer.text(b"}")
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        let path = diagnostic.path.as_os_str().as_bytes();
        match diagnostic.trouble {
            Trouble::ReadDirectory(_) if self.open.as_deref() == Some(path) => {
                let _ = self.printer.text(b",\"read_error\":true");
            }
            Trouble::Access(_) if self.depth > 0 => {
                self.describe("", path, self.depth);
                let _ = self.printer.text(b",\"read_error\":true}");
            }
            _ => {}
        }
        self.printer.diagnostic(diagnostic);
    }

    fn pause(&mut self) -> ControlFlow<()> {
        self.printer.pause()
    }
}

fn head() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!(
        "[1,0,{{\"progname\":\"{}\",\"progver\":\"{}\",\"timestamp\":{}}},\n",
        super::NAME,
        env!("CARGO_PKG_VERSION"),
        since.as_secs()
    )
}

/// The last component of a path; at the top all of it, from the root.
fn name(path: &[u8], depth: usize) -> Vec<u8> {
    if depth > 0 {
        return path.rsplit(|&byte| byte == b'/').next().unwrap_or_default().into();
    }
    match path::absolute(OsStr::from_bytes(path)) {
        Ok(absolute) => absolute.into_os_string().as_bytes().into(),
        Err(_) => path.into(),
    }
}

/// Appends a string. Bytes that are not UTF-8 stay as they are, which is how ncdu writes and reads them.
fn append_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in bytes {
        // Writing to memory does not fail.
        let _ = match byte {
            b'"' | b'\\' => out.write_all(&[b'\\', byte]),
            0..0x20 | 0x7f => write!(out, "\\u{byte:04x}"),
            _ => out.write_all(&[byte]),
        };
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        let mut out = Vec::new();
        append_string(b"a\"\\\n\x7f\xff\xc3\xa4/", &mut out);
        assert_eq!(out, b"\"a\\\"\\\\\\u000a\\u007f\xff\xc3\xa4/\"");
    }

    #[test]
    fn only_the_top_has_a_path() {
        assert_eq!(name(b"a/b/c\nd", 2), b"c\nd");
        assert_eq!(name(b"/usr", 0), b"/usr");
        assert!(name(b"x", 0).starts_with(b"/") && name(b"x", 0).ends_with(b"/x"));
    }
}
