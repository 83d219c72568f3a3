//! Directories that say that they hold only what can be had again: <https://bford.info/cachedir/>.

use rustix::fd::AsFd;
use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::{self, Errno};

const TAG: &std::ffi::CStr = c"CACHEDIR.TAG";
const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// Whether a directory is tagged as a cache; an error only if there are too many open files to say.
pub(super) fn is_cache(dir: impl AsFd) -> io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let tag = match openat(dir, TAG, flags, Mode::empty()) {
        Ok(tag) => tag,
        Err(errno @ (Errno::MFILE | Errno::NFILE)) => return Err(errno),
        Err(_) => return Ok(false),
    };
    let is_file =
        fstat(&tag).is_ok_and(|facts| FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile);
    let mut start = [0; SIGNATURE.len()];
    Ok(is_file && io::read(&tag, &mut start).is_ok_and(|_| start == SIGNATURE))
}
