//! The segments of a walk, each told by one process, put in order.
//!
//! A process that gives the second part of its walk to another says so; that part comes after all that it tells itself,
//! and before all that was given away earlier. What is told out of turn waits.

use std::collections::HashMap;

use super::super::children::Fate;
use super::behind::Behind;
use super::event::Event;
use super::fold::Fold;

/// How a segment ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// All has been told.
    Told,
    /// Its process died before.
    Lost(Fate),
}

/// A segment whose turn has not come.
#[derive(Default)]
struct Waiting {
    told: Vec<u8>,
    end: Option<End>,
}

/// The segments of the walk of one operand.
pub(super) struct Order {
    /// The segment whose turn it is.
    current: Option<u32>,
    /// The segments to come, the next one last, and how deep they start.
    upcoming: Vec<(u32, usize)>,
    waiting: HashMap<u32, Waiting>,
}

impl Order {
    /// One segment, and those that it will give away.
    pub(super) fn new(first: u32) -> Self {
        Self { current: Some(first), upcoming: Vec::new(), waiting: HashMap::new() }
    }

    /// Takes what is told in a segment.
    pub(super) fn tell(&mut self, segment: u32, told: &[u8], behind: &mut Behind<'_>, fold: &mut Fold<'_>) {
        if self.current == Some(segment) {
            self.play(told, behind, fold);
        } else {
            self.waiting.entry(segment).or_default().told.extend_from_slice(told);
        }
    }

    /// Takes the end of a segment.
    pub(super) fn end(&mut self, segment: u32, end: End, behind: &mut Behind<'_>, fold: &mut Fold<'_>) {
        if self.current != Some(segment) {
            self.waiting.entry(segment).or_default().end = Some(end);
            return;
        }
        let mut end = Some(end);
        while let Some(ended) = end {
            if let End::Lost(fate) = ended {
                fold.complain(b"", fate.into());
            }
            end = self.next(behind, fold);
        }
    }

    /// Goes on with the next segment; says how it ended, if it has.
    fn next(&mut self, behind: &mut Behind<'_>, fold: &mut Fold<'_>) -> Option<End> {
        let next = self.upcoming.pop();
        self.current = next.map(|(segment, _)| segment);
        let (segment, depth) = next?;
        fold.rise_to(depth);
        let Waiting { told, end } = self.waiting.remove(&segment)?;
        self.play(&told, behind, fold);
        end
    }

    fn play(&mut self, mut told: &[u8], behind: &mut Behind<'_>, fold: &mut Fold<'_>) {
        while let Some(event) = Event::decode(&mut told) {
            match event {
                Event::Fork { segment, depth } => self.upcoming.push((segment, depth as usize)),
                Event::Linked { name } if !fold.is_skipping() => behind.walk(name, fold),
                event => fold.take(event),
            }
        }
    }

    /// Ends, in this way, each segment that never came to its end, though no process is left.
    pub(super) fn finish(&mut self, end: End, behind: &mut Behind<'_>, fold: &mut Fold<'_>) {
        while let Some(segment) = self.current {
            self.end(segment, end, behind, fold);
        }
    }
}
