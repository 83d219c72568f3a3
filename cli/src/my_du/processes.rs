//! What the options say about child processes.

use std::ffi::OsStr;
use std::num::NonZeroUsize;

use memalloc_os::walk::Forks;

use super::choice::one_of;
use super::quote::quoted;
use super::settings::{Otherwise, wrong};

/// How many at once.
pub(super) fn jobs(argument: &OsStr) -> Result<NonZeroUsize, Otherwise> {
    let number = argument.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| wrong([b"invalid number of jobs ", &*quoted(argument)].concat(), true))
}

/// Which ones.
pub(super) fn forks(argument: &OsStr) -> Result<Forks, Otherwise> {
    let words = [("each", Forks::Each), ("shared", Forks::Shared)];
    one_of("fork", &words, argument).map_err(|message| wrong(message, true))
}
