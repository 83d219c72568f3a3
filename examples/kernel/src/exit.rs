//! The end: QEMU exits with 2 v + 1 when v is written to its debug exit.

use crate::port;

const DEBUG_EXIT: u16 = 0xf4;

fn exit(value: u8) -> ! {
    loop {
        // SAFETY: QEMU ends.
        unsafe { port::write(DEBUG_EXIT, value) };
    }
}

/// QEMU exits with 33.
pub fn succeed() -> ! {
    exit(16)
}

/// QEMU exits with 35.
pub fn fail() -> ! {
    exit(17)
}
