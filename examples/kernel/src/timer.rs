//! The interval timer, through the first interrupt controller.

use crate::port;

/// The timer's vector.
pub const VECTOR: usize = 32;

const COMMAND: [u16; 2] = [0x20, 0xa0];
const DATA: [u16; 2] = [0x21, 0xa1];
const END_OF_INTERRUPT: u8 = 0x20;
const CHANNEL: u16 = 0x40;
const MODE: u16 = 0x43;
/// Of 1,193,182 a second.
const TICKS: u16 = 1193;

/// Lets the timer interrupt, about a thousand times a second.
pub fn start() {
    // SAFETY: the controllers and the timer are this module's. The vectors start at 32 and 40; the second controller is the
    // first one's third line, and all lines but the timer's are masked.
    unsafe {
        for which in 0..2 {
            port::write(COMMAND[which], 0x11);
            port::write(DATA[which], [VECTOR as u8, VECTOR as u8 + 8][which]);
            port::write(DATA[which], [4, 2][which]);
            port::write(DATA[which], 1);
        }
        port::write(MODE, 0x34);
        let [low, high] = TICKS.to_le_bytes();
        port::write(CHANNEL, low);
        port::write(CHANNEL, high);
        port::write(DATA[1], 0xff);
        port::write(DATA[0], 0xfe);
    }
}

/// Lets nothing interrupt any more; the firmware leaves its own timer running.
pub fn stop() {
    // SAFETY: as above.
    unsafe {
        port::write(DATA[0], 0xff);
        port::write(DATA[1], 0xff);
    }
}

/// Lets the next interrupt come.
pub fn acknowledge() {
    // SAFETY: as above.
    unsafe { port::write(COMMAND[0], END_OF_INTERRUPT) };
}
