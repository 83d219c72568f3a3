//! What the boot loader tells: the memory map and the command line (PVH start info, version 1).

use core::ffi::CStr;
use core::slice;

const MAGIC: u32 = 0x336e_c578;
const RAM: u32 = 1;

/// The start info, as it lies in memory.
#[repr(C)]
pub struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    modules: u32,
    module_list: u64,
    command_line: u64,
    acpi: u64,
    map: u64,
    map_entries: u32,
    reserved: u32,
}

/// A range of the memory map.
#[repr(C)]
pub struct Range {
    pub start: u64,
    pub size: u64,
    kind: u32,
    reserved: u32,
}

impl Range {
    /// Whether it is RAM that may be used.
    pub fn is_usable(&self) -> bool {
        self.kind == RAM
    }
}

impl StartInfo {
    /// The memory map.
    pub fn map(&self) -> &[Range] {
        assert!(self.magic == MAGIC && self.version >= 1, "the boot loader gives no memory map");
        // SAFETY: the boot loader says so, and the first 4 GiB are mapped.
        unsafe { slice::from_raw_parts(self.map as usize as *const Range, self.map_entries as usize) }
    }

    /// Whether a word is on the command line.
    pub fn command_line_has(&self, word: &str) -> bool {
        if self.command_line == 0 {
            return false;
        }
        // SAFETY: as above.
        let line = unsafe { CStr::from_ptr(self.command_line as usize as *const _) };
        line.to_str().is_ok_and(|line| line.split_whitespace().any(|there| there == word))
    }
}
