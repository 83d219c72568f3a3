//! Reading trace files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::harmless::harmless;
use super::standard::Input;
use super::trace::Trace;

/// What a trace is called.
pub(crate) fn name(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// What messages, tables and drawings call a trace.
pub(crate) fn shown_name(path: &Path) -> String {
    harmless(name(path).chars())
}

/// Reads a trace from a file, or the standard input for `-`.
///
/// # Errors
/// Why it cannot be read, or is no trace; the message names it.
pub(crate) fn read(path: &Path) -> Result<Trace, String> {
    let name = shown_name(path);
    let content = content(path).map_err(|error| format!("{name}: {error}"))?;
    Trace::parse(&name, &content).map_err(|error| error.to_string())
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if is_standard_input(path) {
        Input.read_to_end(&mut content)?;
    } else {
        File::open(path)?.read_to_end(&mut content)?;
    }
    Ok(content)
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}
