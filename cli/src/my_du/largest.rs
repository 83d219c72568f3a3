//! The heaviest lines of many.

use std::cmp::Reverse;

use super::held::Held;

/// The heaviest lines, as many as are wanted.
pub(super) struct Largest {
    wanted: usize,
    lines: Vec<Held>,
}

impl Largest {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, lines: Vec::new() }
    }

    /// Takes a line. Of equal ones the first is kept.
    pub(super) fn take(&mut self, line: Held) {
        self.lines.push(line);
        // Twice as many as are wanted are held at most, so that sorting pays.
        if self.lines.len() >= self.wanted.saturating_mul(2).max(64) {
            self.shrink();
        }
    }

    /// The lines, the heaviest first.
    pub(super) fn finish(&mut self) -> Vec<Held> {
        self.shrink();
        std::mem::take(&mut self.lines)
    }

    fn shrink(&mut self) {
        self.lines.sort_by_key(|line| Reverse(line.weight));
        self.lines.truncate(self.wanted);
    }
}

#[cfg(test)]
mod tests {
    use memalloc_os::walk::Totals;

    use super::*;

    #[test]
    fn the_heaviest_come_first_and_of_equals_the_first() {
        let mut largest = Largest::new(3);
        for (depth, weight) in (0..1000).chain([999, 5]).enumerate() {
            largest.take(Held { path: Vec::new(), depth, totals: Totals::NONE, weight });
        }
        let lines: Vec<_> = largest.finish().iter().map(|line| (line.weight, line.depth)).collect();
        assert_eq!(lines, [(999, 999), (999, 1000), (998, 998)]);
    }
}
