//! What is made of a walk: a line for each entry, or something else.

use std::ffi::OsString;

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum View {
    /// Lines as GNU du has them.
    #[default]
    Lines,
    /// What ncdu reads.
    Json,
}

/// What has no meaning in ncdu's format: sizes are bytes there, and everything has its place.
const NOT_WITH_JSON: [&str; 15] = [
    "max-depth",
    "summarize",
    "threshold",
    "inodes",
    "separate-dirs",
    "total",
    "time",
    "time-style",
    "null",
    "block-size",
    "human-readable",
    "si",
    "k",
    "m",
    "files0-from",
];

impl View {
    /// The first option that does not go with the view.
    pub(super) fn conflict(self, options: &[(String, OsString)]) -> Option<Vec<u8>> {
        let (view, bad): (_, &[&str]) = match self {
            Self::Lines => return None,
            Self::Json => ("json", &NOT_WITH_JSON),
        };
        let (name, _) = options.iter().find(|(name, _)| bad.contains(&name.as_str()))?;
        let dashes = if name.len() == 1 { "-" } else { "--" };
        Some(format!("cannot combine --{view} with {dashes}{name}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_conflict_is_named() {
        let options = ["all", "k", "total"].map(|name| (name.to_owned(), OsString::new()));
        assert_eq!(View::Json.conflict(&options).unwrap(), b"cannot combine --json with -k");
        assert_eq!(View::Json.conflict(&options[..1]), None);
        assert_eq!(View::Lines.conflict(&options), None);
    }
}
