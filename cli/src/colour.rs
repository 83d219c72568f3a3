//! Whether colours are wanted.

use std::env;
use std::io::{self, IsTerminal};

/// Whether standard output is a terminal that has colours, and nobody has asked for none.
pub(super) fn may_be_coloured() -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let has_none = env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && !unwanted && !has_none
}
