//! A forked child: it walks, and gives the second part of what is left to siblings that it forks.

use rustix::fd::AsFd;
use rustix::process::Pid;

use super::super::bound::Bound;
use super::super::census::Inodes;
use super::super::pipe::Pipe;
use super::super::slots::{Slot, Slots};
use super::super::worker::{Pace, die_with};
use super::packet::PipeSink;
use super::tree::{Cut, Tree};
use crate::fork::{Twin, fork_sibling};

/// A worker.
pub(super) struct Worker<'a> {
    parent: Pid,
    slots: &'a Slots,
    slot: &'a Slot,
    sink: PipeSink<'a>,
    pace: Pace,
}

impl<'a> Worker<'a> {
    /// The child of `parent` that has just been forked into a slot, whose task is its segment.
    pub(super) fn new(
        parent: Pid,
        (slots, slot): (&'a Slots, &'a Slot),
        bound: Bound,
        met: &'a Inodes,
        pipe: &'a Pipe,
    ) -> Self {
        die_with(parent);
        // SAFETY: the child leaves without unwinding, and reads nothing.
        unsafe { pipe.close_reader() };
        let sink = PipeSink::new(slot.task(), met, pipe.writer.as_fd());
        Self { parent, slots, slot, sink, pace: Pace::new(bound) }
    }

    /// Walks all that is pending in `tree`, and tells of the end.
    pub(super) fn run(mut self, tree: &mut Tree) {
        tree.tell_of_links();
        while tree.steps(&mut self.sink) {
            if let Some(limit) = self.pace.limit(self.slots)
                && let Some(cut) = tree.cut()
                && let Some(slot) = self.slots.take(limit, self.slots.new_worker())
            {
                self.share(cut, slot, tree);
            }
        }
        tree.flush(&mut self.sink);
        self.sink.finish(self.slots.number(self.slot));
    }

    /// Forks a sibling that takes over the second part of the walk. If there can be none, this worker does it all.
    fn share(&mut self, cut: Cut, slot: &'a Slot, tree: &mut Tree) {
        // What has been told is told once.
        self.sink.flush();
        let segment = slot.task();
        // SAFETY: this process is a child of `fork`; the sibling goes on in the same loop, with copies of the same values.
        match unsafe { fork_sibling(slot.cell()) } {
            Ok(Twin::Old) => {
                tree.keep_before(cut, segment, &mut self.sink);
                // What the sibling tells counts even if this process dies.
                self.sink.flush();
            }
            Ok(Twin::New) => self.start_anew(cut, slot, tree),
            Err(_) => self.slots.free(slot),
        }
    }

    /// Makes this process, just forked, the worker of the other part.
    fn start_anew(&mut self, cut: Cut, slot: &'a Slot, tree: &mut Tree) {
        die_with(self.parent);
        self.slot = slot;
        self.sink.start_segment(slot.task());
        self.pace = Pace::new(self.pace.bound());
        tree.keep_after(cut, &mut self.sink);
    }
}
