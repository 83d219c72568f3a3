//! Sums by what things are, or whose.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::ControlFlow;

use memalloc_os::walk::{Diagnostic, Entry, Kind, Listener, Totals};

use super::choice::one_of;
use super::owners::Owners;
use super::print::Printer;

/// What makes a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The ending of a file's name, or that it is no file.
    Type,
    Owner,
}

impl By {
    pub(super) fn read(argument: &OsStr) -> Result<Self, Vec<u8>> {
        one_of("by", &[("type", Self::Type), ("owner", Self::Owner)], argument)
    }
}

/// The sum of each group.
pub(super) struct Groups {
    by: By,
    owners: Owners,
    sums: BTreeMap<Vec<u8>, Totals>,
}

impl Groups {
    pub(super) fn new(by: By) -> Self {
        Self { by, owners: Owners::default(), sums: BTreeMap::new() }
    }

    fn add(&mut self, entry: &Entry<'_>) {
        let Some(origin) = entry.origin else { return };
        let group = match self.by {
            By::Type => type_of(entry.path, origin.kind),
            By::Owner => self.owners.name(origin.owner),
        };
        match self.sums.get_mut(group) {
            Some(sum) => sum.add(&entry.totals),
            None => _ = self.sums.insert(group.into(), entry.totals),
        }
    }

    /// Prints a line for each group.
    pub(super) fn print(&self, printer: &mut Printer<'_>) -> ControlFlow<()> {
        self.sums.iter().try_for_each(|(group, sum)| printer.list(sum, group))
    }
}

/// Adds what is listed to groups.
pub(super) struct Grouper<'g, 'p, 's> {
    pub(super) groups: &'g mut Groups,
    pub(super) printer: &'p mut Printer<'s>,
}

impl Listener for Grouper<'_, '_, '_> {
    fn enter(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        self.groups.add(entry);
        ControlFlow::Continue(())
    }

    fn entry(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        if !entry.is_directory {
            self.groups.add(entry);
        }
        ControlFlow::Continue(())
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.printer.diagnostic(diagnostic);
    }
}

fn type_of(path: &[u8], kind: Kind) -> &[u8] {
    match kind {
        Kind::File => ending(path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()),
        Kind::Directory => b"(directory)",
        Kind::Link => b"(link)",
        _ => b"(other)",
    }
}

/// The last part of a name that starts with a point and is no number, as in `libx.so.6`.
fn ending(name: &[u8]) -> &[u8] {
    let mut rest = name;
    while let Some(point) = rest.iter().rposition(|&byte| byte == b'.').filter(|&point| point > 0) {
        let ending = &rest[point..];
        if !ending[1..].iter().all(u8::is_ascii_digit) {
            return ending;
        }
        rest = &rest[..point];
    }
    b"(no ending)"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_endings_of_names() {
        let of = |name: &str| String::from_utf8(type_of(name.as_bytes(), Kind::File).into()).unwrap();
        for (name, ending) in [
            ("d.x/a.rs", ".rs"),
            ("libx.so.6.0", ".so"),
            ("a.tar.gz", ".gz"),
            (".bashrc", "(no ending)"),
            (".a.b", ".b"),
            ("d.x/plain", "(no ending)"),
            ("2026.11", "(no ending)"),
            ("dot.", "(no ending)"),
        ] {
            assert_eq!(of(name), ending, "{name}");
        }
        assert_eq!(type_of(b"a.d", Kind::Directory), b"(directory)");
    }
}
