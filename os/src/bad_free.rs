//! The end of a program that frees what it must not.

use core::fmt::{self, Write};

use memalloc_core::FreeError;

/// Prints one line on standard error that says what was wrong with freeing `ptr`, and aborts.
#[cold]
pub fn abort_on_bad_free(error: FreeError, ptr: *mut u8) -> ! {
    let line = Line::of(error, ptr);
    // If the program has closed its standard error, the line is lost, and it ends all the same.
    let _ = rustix::io::write(rustix::stdio::stderr(), line.text());
    std::process::abort()
}

/// A line of text in memory of its own, as there is no allocating here.
struct Line {
    bytes: [u8; 128],
    len: usize,
}

impl Line {
    fn of(error: FreeError, ptr: *mut u8) -> Self {
        let mut line = Self { bytes: [0; 128], len: 0 };
        let what = if error == FreeError::AlreadyFree { "double free" } else { "bad free" };
        // What is longer than the line is left out.
        let _ = writeln!(line, "memalloc: {what} of {ptr:p}: {error}");
        line
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let place = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_whole_for_every_error_and_address() {
        use FreeError::{AlreadyFree, NotAStart, NotOurs, WrongSize};
        for error in [AlreadyFree, NotAStart, NotOurs, WrongSize] {
            let line = Line::of(error, core::ptr::without_provenance_mut(usize::MAX));
            let text = core::str::from_utf8(line.text()).unwrap();
            assert!(text.starts_with("memalloc: ") && text.ends_with('\n'), "{text}");
            assert!(text.contains(&std::format!("{:#x}: {error}", usize::MAX)), "{text}");
            assert_eq!(text.contains("double free"), error == AlreadyFree);
        }
    }
}
