//! A forked child: it walks, and shares what it has still to walk with siblings that it forks.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::bound::Bound;
use super::census::Census;
use super::pipe::{Pipe, PipeSink};
use super::record::Record;
use super::sink::Sink;
use super::slots::{Slot, Slots};
use super::tree::{Half, Tree};
use crate::clock::processor_time;
use crate::fork::{Twin, fork_sibling, leave};

/// A worker.
pub(super) struct Worker<'a> {
    parent: Pid,
    slots: &'a Slots,
    slot: &'a Slot,
    sink: PipeSink<'a>,
    pace: Pace,
}

impl<'a> Worker<'a> {
    /// The child of `parent` that has just been forked into a slot.
    pub(super) fn new(
        parent: Pid,
        (slots, slot): (&'a Slots, &'a Slot),
        bound: Bound,
        census: &'a Census,
        pipe: &'a Pipe,
    ) -> Self {
        die_with(parent);
        // SAFETY: the child leaves without unwinding, and reads nothing.
        unsafe { pipe.close_reader() };
        let sink = PipeSink::new(slots.new_worker(), census, pipe);
        Self { parent, slots, slot, sink, pace: Pace::new(bound) }
    }

    /// Walks all that is pending in `tree`, and reports the end.
    pub(super) fn run(mut self, tree: &mut Tree) {
        while tree.step(&mut self.sink) {
            if let Some(limit) = self.pace.limit(self.slots)
                && let Some(half) = tree.half()
                && let Some(slot) = self.slots.take(limit, self.slot.task())
            {
                self.share(half, slot, tree);
            }
        }
        self.sink.put(Record::End { slot: self.slots.number(self.slot) });
        self.sink.flush();
    }

    /// Forks a sibling that takes over half of the walk. If there can be none, this worker does it all.
    fn share(&mut self, half: Half, slot: &'a Slot, tree: &mut Tree) {
        // What has been said is said once, and before the sibling refers to it.
        self.sink.flush();
        // In both processes, so that they use the same number.
        let parts = self.slots.new_parts();
        // SAFETY: this process is a child of `fork`; the sibling goes on in the same loop, with copies of the same values.
        match unsafe { fork_sibling(slot.cell()) } {
            Ok(Twin::Old) => tree.give(half, parts),
            Ok(Twin::New) => self.start_anew(half, parts, slot, tree),
            Err(_) => self.slots.free(slot),
        }
    }

    /// Makes this process, just forked, the worker of the other half.
    fn start_anew(&mut self, half: Half, parts: u32, slot: &'a Slot, tree: &mut Tree) {
        die_with(self.parent);
        self.slot = slot;
        self.sink.become_worker(self.slots.new_worker());
        self.pace = Pace::new(self.pace.bound());
        tree.take(half, parts, &mut self.sink);
    }
}

/// Sees to it that this process does not outlive its parent.
pub(super) fn die_with(parent: Pid) {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid() != Some(parent) {
        leave(1); // The parent died before it could be asked for.
    }
}

/// When to fork.
pub(super) struct Pace {
    bound: Bound,
    since: Instant,
    /// The processor time that this process had used by then.
    used: Duration,
}

impl Pace {
    pub(super) fn new(bound: Bound) -> Self {
        Self { bound, since: Instant::now(), used: processor_time() }
    }

    /// How many children there may be, and when.
    pub(super) fn bound(&self) -> Bound {
        self.bound
    }

    /// If it is time for another child: how many there may be then.
    pub(super) fn limit(&mut self, slots: &Slots) -> Option<usize> {
        let alive = slots.alive();
        if self.bound.parent_only || alive >= self.bound.waiting {
            return None;
        }
        let elapsed = self.since.elapsed();
        if elapsed < self.bound.quantum {
            return None;
        }
        let before = std::mem::replace(self, Self::new(self.bound));
        if alive < self.bound.busy {
            return Some(self.bound.busy);
        }
        let used = self.used.saturating_sub(before.used);
        (used < elapsed / 2).then_some(self.bound.waiting)
    }
}
