//! The end of a program that frees what it must not.

use core::fmt::{self, Write};
use core::ptr::NonNull;

use memalloc_core::FreeError;

use crate::process;

/// Prints one line on standard error that says what was wrong with freeing `ptr`, and aborts.
#[cold]
pub fn abort_on_bad_free(error: FreeError, ptr: *mut u8) -> ! {
    let size = if error == FreeError::WrongSize { size_of_block(ptr) } else { None };
    let line = Line::of(error, ptr, size);
    // If the program has closed its standard error, the line is lost, and it ends all the same.
    let _ = rustix::io::write(rustix::stdio::stderr(), line.text());
    std::process::abort()
}

/// The bytes of the block in use at `ptr`, if one is.
fn size_of_block(ptr: *mut u8) -> Option<usize> {
    process::usable_size(NonNull::new(ptr)?).ok()
}

/// A line of text in memory of its own, as there is no allocating here.
struct Line {
    bytes: [u8; 128],
    len: usize,
}

impl Line {
    /// What was wrong with freeing `ptr`, and the bytes of the block there, if that is to be told.
    fn of(error: FreeError, ptr: *mut u8, size: Option<usize>) -> Self {
        let mut line = Self { bytes: [0; 128], len: 0 };
        let what = if error == FreeError::AlreadyFree { "double free" } else { "bad free" };
        // What is longer than the line is left out.
        let _ = write!(line, "memalloc: {what} of {ptr:p}: {error}");
        let _ = size.map(|size| write!(line, ": {size} bytes"));
        let _ = writeln!(line);
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
            let most = std::format!(": {} bytes", usize::MAX);
            for (size, end) in [(None, ""), (Some(usize::MAX), most.as_str())] {
                let line = Line::of(error, core::ptr::without_provenance_mut(usize::MAX), size);
                let text = core::str::from_utf8(line.text()).unwrap();
                let what = if error == AlreadyFree { "double free" } else { "bad free" };
                assert_eq!(text, std::format!("memalloc: {what} of {:#x}: {error}{end}\n", usize::MAX));
            }
        }
    }
}
