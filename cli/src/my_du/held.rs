//! Lines that are held back until more is known.

use std::ops::ControlFlow;

use memalloc_os::walk::{Diagnostic, Entry, Listener, Totals};

use super::print::Printer;

/// A line that is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) path: Vec<u8>,
    pub(super) depth: usize,
    pub(super) totals: Totals,
    /// What it is measured by: bytes or inodes.
    pub(super) weight: u64,
}

impl Held {
    /// The last component of the path; all of it at the top.
    pub(super) fn name(&self) -> &[u8] {
        match self.path.iter().rposition(|&byte| byte == b'/') {
            Some(slash) if self.depth > 0 => &self.path[slash + 1..],
            _ => &self.path,
        }
    }
}

/// Hands on the lines that are large or small enough, and complains as a printer does.
pub(super) struct Holder<'p, 's, F> {
    pub(super) printer: &'p mut Printer<'s>,
    pub(super) hold: F,
}

impl<F: FnMut(Held)> Holder<'_, '_, F> {
    /// Takes a line.
    pub(super) fn take(&mut self, path: &[u8], depth: usize, totals: Totals) {
        if self.printer.is_listed(&totals) {
            let weight = self.printer.count(&totals);
            (self.hold)(Held { path: path.into(), depth, totals, weight });
        }
    }
}

impl<F: FnMut(Held)> Listener for Holder<'_, '_, F> {
    fn entry(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        self.printer.knows_operand |= entry.depth == 0;
        self.take(entry.path, entry.depth, entry.totals);
        ControlFlow::Continue(())
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.printer.diagnostic(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_last_component_below_the_top() {
        let name = |path: &str, depth| {
            let held = Held { path: path.into(), depth, totals: Totals::NONE, weight: 0 };
            String::from_utf8(held.name().into()).unwrap()
        };
        assert_eq!([name("a/b", 1), name("/usr/share", 0), name("//x", 1)], ["b", "/usr/share", "x"]);
    }
}
