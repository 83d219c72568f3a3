//! What is made of a walk: a line for each entry, or something else.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;

use super::groups::By;
use super::quote::cited;

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum View {
    /// Lines as GNU du has them.
    #[default]
    Lines,
    /// What ncdu reads.
    Json,
    /// A tree with bars.
    Tree,
    /// The largest lines, so many.
    Top(NonZeroUsize),
    /// A line for each group.
    Groups(By),
}

/// What has no meaning in ncdu's format: sizes are bytes there, and everything has its place.
const NOT_WITH_JSON: [&str; 21] = [
    "by",
    "shared",
    "sort",
    "reverse",
    "tree",
    "top",
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

/// What has no place in a tree, or whose parts do not make the whole.
const NOT_WITH_TREE: [&str; 9] =
    ["by", "shared", "json", "top", "separate-dirs", "total", "time", "time-style", "null"];

const NOT_WITH_TOP: [&str; 6] = ["by", "json", "tree", "summarize", "sort", "reverse"];

const NOT_WITH_BY: [&str; 6] = ["tree", "top", "json", "max-depth", "summarize", "separate-dirs"];

impl View {
    /// The largest lines, as many as the argument says.
    pub(super) fn top(argument: &OsStr) -> Result<Self, Vec<u8>> {
        let number = argument.to_str().and_then(|text| text.parse().ok());
        number
            .map(Self::Top)
            .ok_or_else(|| [b"invalid number of lines ", &*cited(argument.as_bytes())].concat())
    }

    /// The first option that does not go with the view.
    pub(super) fn conflict(self, options: &[(String, OsString)]) -> Option<Vec<u8>> {
        let (view, bad): (_, &[&str]) = match self {
            Self::Lines => return None,
            Self::Json => ("json", &NOT_WITH_JSON),
            Self::Tree => ("tree", &NOT_WITH_TREE),
            Self::Top(_) => ("top", &NOT_WITH_TOP),
            Self::Groups(_) => ("by", &NOT_WITH_BY),
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
