//! Input and output ports.

use core::arch::asm;

/// Writes a byte to a port.
///
/// # Safety
/// The device behind the port is the caller's, and does no harm to memory.
pub unsafe fn write(port: u16, byte: u8) {
    // SAFETY: as the caller says.
    unsafe { asm!("out dx, al", in("dx") port, in("al") byte, options(nostack)) };
}

/// Reads a byte from a port.
///
/// # Safety
/// As for [`write`].
pub unsafe fn read(port: u16) -> u8 {
    let byte;
    // SAFETY: as the caller says.
    unsafe { asm!("in al, dx", in("dx") port, out("al") byte, options(nostack)) };
    byte
}
