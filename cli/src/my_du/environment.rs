//! What the environment says of units and times, as GNU du takes it.

use std::env;
use std::os::unix::ffi::OsStrExt;

use super::scale::Scale;
use super::size;

/// The first of these variables that is set holds, even if it makes no sense.
pub(super) fn scale_of_environment() -> Scale {
    let names = ["DU_BLOCK_SIZE", "BLOCK_SIZE", "BLOCKSIZE"];
    let block = if is_posix() { 512 } else { 1024 };
    let given = names.into_iter().find_map(env::var_os);
    given.and_then(|text| size::lenient_block(text.as_bytes())).unwrap_or(Scale::unit(block))
}

/// Whether POSIX is to be obeyed where GNU does otherwise.
pub(super) fn is_posix() -> bool {
    env::var_os("POSIXLY_CORRECT").is_some()
}

pub(super) fn style_of_environment() -> Vec<u8> {
    let style = env::var_os("TIME_STYLE").unwrap_or_else(|| "locale".into());
    let style = style.as_bytes();
    if style == b"locale" {
        return b"long-iso".into();
    }
    if style.starts_with(b"+") {
        return style.split(|&byte| byte == b'\n').next().unwrap_or_default().into();
    }
    let mut style = style;
    while let Some(rest) = style.strip_prefix(b"posix-") {
        style = rest;
    }
    style.into()
}
