//! How much of a file's blocks other files use too: reflinks, and what snapshots keep.

use rustix::fd::AsFd;
use rustix::io::{self, Errno};
use rustix::ioctl::{Opcode, Updater, ioctl};

/// `FS_IOC_FIEMAP` of `linux/fs.h`.
const FIEMAP: Opcode = 0xc020_660b;
/// Flags of `linux/fiemap.h`.
const IS_LAST: u32 = 0x1;
const IS_SHARED: u32 = 0x2000;

/// Extents that one call asks for.
const MOST: usize = 64;

/// `struct fiemap`, with its extents.
#[repr(C)]
struct Request {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    room: u32,
    reserved: u32,
    extents: [Extent; MOST],
}

/// `struct fiemap_extent`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Extent {
    logical: u64,
    physical: u64,
    length: u64,
    reserved: [u64; 2],
    flags: u32,
    more_reserved: [u32; 3],
}

impl Extent {
    const NONE: Self =
        Self { logical: 0, physical: 0, length: 0, reserved: [0; 2], flags: 0, more_reserved: [0; 3] };
}

/// The bytes of a file that lie in blocks which others use too; none where the file system cannot say.
pub(super) fn shared_bytes(file: impl AsFd) -> io::Result<u64> {
    let (mut start, mut shared) = (0, 0_u64);
    loop {
        let mut request = Request {
            start,
            length: u64::MAX - start,
            flags: 0,
            mapped: 0,
            room: MOST as u32,
            reserved: 0,
            extents: [Extent::NONE; MOST],
        };
        // SAFETY: the call reads the head and writes head and extents, as many as there is room for.
        match unsafe { ioctl(&file, Updater::<FIEMAP, Request>::new(&mut request)) } {
            Ok(()) => {}
            Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::INVAL | Errno::NOSYS) => return Ok(shared),
            Err(errno) => return Err(errno),
        }
        let extents = request.extents.get(..request.mapped as usize).unwrap_or_default();
        for extent in extents.iter().filter(|extent| extent.flags & IS_SHARED != 0) {
            shared = shared.saturating_add(extent.length);
        }
        match extents.last() {
            Some(last) if last.flags & IS_LAST == 0 => start = last.logical.saturating_add(last.length),
            _ => return Ok(shared),
        }
    }
}
