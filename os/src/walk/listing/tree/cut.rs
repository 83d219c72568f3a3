//! A walk cut in two: where, and what either part keeps.

use super::super::event::Event;
use super::super::levels::Level;
use super::super::totals::Totals;
use super::{Sink, Tree};

/// Where a walk is cut.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Cut {
    depth: usize,
    place: usize,
}

impl Tree {
    /// Where what is pending is best cut, if it is worth it: at the highest level where much is left.
    pub(in super::super) fn cut(&self) -> Option<Cut> {
        let depths = self.base.saturating_sub(1)..self.levels.len();
        depths.into_iter().find_map(|depth| {
            let list = &self.levels.get(depth)?.list;
            let goes_on_below = depth + 1 < self.levels.len();
            let (_, _, second) = self.entries.at(list.next);
            let is_single = list.next < list.end && second >= list.end;
            let place = if goes_on_below && is_single { list.next } else { self.entries.middle(list) };
            let keeps_some = goes_on_below || place > list.next;
            (keeps_some && self.entries.is_worth_a_process(list, place)).then_some(Cut { depth, place })
        })
    }

    /// Keeps what comes before the cut. The other part goes on as another segment.
    pub(in super::super) fn keep_before(&mut self, cut: Cut, segment: u32, sink: &mut impl Sink) {
        self.flush(sink);
        let depth = self.levels.told().min(cut.depth + 1);
        sink.tell(Event::Fork { segment, depth: depth as u32 });
        self.base = cut.depth + 1;
        if let Some(level) = self.levels.get_mut(cut.depth) {
            level.list.end = cut.place;
            level.list.more = None;
        }
    }

    /// Keeps what comes after the cut, in the process that takes it over.
    pub(in super::super) fn keep_after(&mut self, cut: Cut, sink: &mut impl Sink) {
        (self.own, self.below) = (Totals::NONE, Totals::NONE);
        if let Some(level) = self.levels.get_mut(cut.depth) {
            level.list.next = cut.place;
        }
        if let Some(&Level { list, path, .. }) = self.levels.get(cut.depth + 1) {
            self.pop_to(cut.depth + 1, list.start, path, sink);
        }
    }
}
