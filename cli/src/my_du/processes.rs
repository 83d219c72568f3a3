//! What the options say about child processes.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;

use memalloc_os::walk::Forks;

use super::quote::quoted;
use super::settings::{Otherwise, wrong};

/// How many at once.
pub(super) fn jobs(argument: &OsStr) -> Result<NonZeroUsize, Otherwise> {
    let number = argument.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| wrong([b"invalid number of jobs ", &*quoted(argument)].concat(), true))
}

/// Which ones.
pub(super) fn forks(argument: &OsStr) -> Result<Forks, Otherwise> {
    match argument.as_bytes() {
        b"each" => Ok(Forks::Each),
        b"shared" => Ok(Forks::Shared),
        _ => {
            let valid = b" for '--fork'; valid are 'each' and 'shared'";
            Err(wrong([b"invalid argument ", &*quoted(argument), valid].concat(), true))
        }
    }
}
