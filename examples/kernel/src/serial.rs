//! The first serial line.

use core::fmt::{self, Write};

use crate::port;

const DATA: u16 = 0x3f8;
const INTERRUPTS: u16 = DATA + 1;
const FIFO: u16 = DATA + 2;
const LINE: u16 = DATA + 3;
const STATUS: u16 = DATA + 5;
const CAN_SEND: u8 = 0x20;

/// 8 bits a byte, at the rate that stands, without interrupts.
pub fn initialize() {
    for (register, value) in [(INTERRUPTS, 0), (LINE, 3), (FIFO, 7)] {
        // SAFETY: the serial line is this module's.
        unsafe { port::write(register, value) };
    }
}

/// Prints to the serial line.
pub struct Serial;

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the serial line is this module's.
            unsafe {
                while port::read(STATUS) & CAN_SEND == 0 {}
                port::write(DATA, byte);
            }
        }
        Ok(())
    }
}

macro_rules! println {
    ($($what:tt)*) => {{
        use core::fmt::Write;
        let _ = writeln!($crate::serial::Serial, $($what)*);
    }};
}
pub(crate) use println;
