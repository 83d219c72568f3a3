//! What `malloc.h` has beside allocating: statistics, and giving memory back.

use core::ffi::{c_char, c_int, c_void};
use core::fmt::{self, Write};

use memalloc_os::process;

use crate::errno::EINVAL;

/// `struct mallinfo2`: bytes, but for the counts of blocks.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct MallInfo2 {
    arena: usize,
    ordblks: usize,
    smblks: usize,
    hblks: usize,
    hblkhd: usize,
    usmblks: usize,
    fsmblks: usize,
    uordblks: usize,
    fordblks: usize,
    keepcost: usize,
}

/// `struct mallinfo`: the same, as far as it fits.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MallInfo([c_int; 10]);

/// What there is now: `arena`, all bytes held from the system, so that `hblks` and `hblkhd`, which would come on top, are 0;
/// `uordblks` and `fordblks`, bytes in use and free; `fsmblks`, bytes that wait for a request of the same size.
#[unsafe(no_mangle)]
pub extern "C" fn mallinfo2() -> MallInfo2 {
    let totals = process::totals();
    MallInfo2 {
        arena: totals.source(),
        fsmblks: totals.waiting(),
        uordblks: totals.used(),
        fordblks: totals.free(),
        ..MallInfo2::default()
    }
}

/// [`mallinfo2`], where numbers that an `int` does not hold are the largest that it does.
#[unsafe(no_mangle)]
pub extern "C" fn mallinfo() -> MallInfo {
    let MallInfo2 { arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost } =
        mallinfo2();
    let numbers = [arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost];
    MallInfo(numbers.map(|number| c_int::try_from(number).unwrap_or(c_int::MAX)))
}

/// None of the parameters is one of this allocator's: always 0, an error.
#[unsafe(no_mangle)]
pub extern "C" fn mallopt(_parameter: c_int, _value: c_int) -> c_int {
    0
}

/// Gives memory that is entirely free back to the system. 1 if there was any, otherwise 0.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_trim(_pad: usize) -> c_int {
    c_int::from(process::trim() > 0)
}

/// Prints on standard error what there is now.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_stats() {
    let totals = process::totals();
    let mut text = Text::new();
    let _ = writeln!(
        text,
        "memalloc: {} bytes in use in {} blocks, {} free, {} waiting, {} of maps; {} held in {} mappings",
        totals.used(),
        totals.used_chunks(),
        totals.free(),
        totals.waiting(),
        totals.overhead(),
        totals.source(),
        totals.spans(),
    );
    // SAFETY: the bytes are the text's. Where standard error is closed, there is nobody to tell.
    unsafe { write(2, text.bytes.as_ptr().cast(), text.len) };
}

/// Writes what there is now to a stream, as XML. 0; `EINVAL` for any option, or -1 if it cannot be written.
///
/// # Safety
/// The stream is open for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_info(options: c_int, stream: *mut c_void) -> c_int {
    if options != 0 {
        return EINVAL;
    }
    let totals = process::totals();
    let mut text = Text::new();
    let _ = write!(
        text,
        "<malloc version=\"memalloc-1\">\n<system type=\"current\" size=\"{}\" mappings=\"{}\"/>\n\
         <total type=\"used\" count=\"{}\" size=\"{}\"/>\n<total type=\"waiting\" count=\"{}\" size=\"{}\"/>\n\
         <total type=\"free\" size=\"{}\"/>\n</malloc>\n",
        totals.source(),
        totals.spans(),
        totals.used_chunks(),
        totals.used(),
        totals.waiting_chunks(),
        totals.waiting(),
        totals.free(),
    );
    // SAFETY: the text ends with a zero byte; the stream is the caller's.
    if unsafe { fputs(text.bytes.as_ptr().cast(), stream) } < 0 { -1 } else { 0 }
}

unsafe extern "C" {
    fn write(file: c_int, bytes: *const c_void, len: usize) -> isize;
    fn fputs(text: *const c_char, stream: *mut c_void) -> c_int;
}

/// Text in memory of its own, as there is no allocating here, with a zero byte behind it.
struct Text {
    bytes: [u8; 512],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Self { bytes: [0; 512], len: 0 }
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        // A zero byte stays behind it.
        let place = self.bytes.get_mut(self.len..=end).ok_or(fmt::Error)?;
        for (byte, &new) in place.iter_mut().zip(text.as_bytes()) {
            *byte = new;
        }
        self.len = end;
        Ok(())
    }
}
