//! What QEMU, or a debugger, does for a program that has no devices: prints, tells its arguments, and ends it.

use core::fmt::{self, Write};

use crate::board::semihosting_call;

const WRITE_CHARACTER: usize = 0x03;
const GET_COMMAND_LINE: usize = 0x15;
const EXIT_EXTENDED: usize = 0x20;
const APPLICATION_EXIT: usize = 0x20026;

/// Prints to the host.
pub struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the call reads one byte.
            unsafe { semihosting_call(WRITE_CHARACTER, (&raw const byte).addr()) };
        }
        Ok(())
    }
}

macro_rules! println {
    ($($what:tt)*) => {{
        use core::fmt::Write;
        let _ = writeln!($crate::semihosting::Console, $($what)*);
    }};
}
pub(crate) use println;

/// Ends the program with a status.
pub fn exit(status: u32) -> ! {
    let parameters = [APPLICATION_EXIT, status as usize];
    loop {
        // SAFETY: the call reads two words, and does not return.
        unsafe { semihosting_call(EXIT_EXTENDED, parameters.as_ptr().addr()) };
    }
}

/// Whether the command line's last word is `argument`.
pub fn argument_is(argument: &str) -> bool {
    let mut line = [0_u8; 128];
    let mut parameters = [line.as_mut_ptr().addr(), line.len()];
    // SAFETY: the call writes into the line, and its length.
    let failed = unsafe { semihosting_call(GET_COMMAND_LINE, parameters.as_mut_ptr().addr()) };
    let line = core::str::from_utf8(line.get(..parameters[1]).unwrap_or_default()).unwrap_or_default();
    failed == 0 && line.split_whitespace().last() == Some(argument)
}
