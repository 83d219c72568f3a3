//! The children of a walker.

use rustix::io;
use rustix::process::getpid;

use super::Config;
use super::bound::Bound;
use super::children::{Children, Fate, Receiver};
use super::ledger::Ledger;
use super::pipe::ReadBuffer;
use super::record::Record;
use super::tree::Tree;
use super::watcher::Watcher;
use super::worker::Worker;

/// The children of one walker.
pub(super) struct Pool {
    children: Children,
    watcher: Watcher,
}

impl Pool {
    pub(super) fn new(config: &Config) -> Self {
        Self { children: Children::new(Bound::of(config)), watcher: Watcher::new(config.watch) }
    }

    /// Forks a child that walks what `keep` leaves of `tree`, once there may be another; an error says that there can be
    /// no child now.
    pub(super) fn spawn(
        &mut self,
        task: u32,
        keep: fn(&mut Tree),
        tree: &mut Tree,
        ledger: &mut Ledger,
    ) -> io::Result<()> {
        let bound = self.children.bound;
        self.wait_for_fewer_than(bound.busy, ledger);
        let shared = self.children.shared()?;
        let (parent, census) = (getpid(), ledger.census());
        let work = |slot| {
            let worker = Worker::new(parent, (&shared.slots, slot), bound, census, &shared.pipe);
            keep(tree);
            worker.run(tree);
        };
        // SAFETY: the child walks with system calls on memory that only this thread uses, `tree` and `ledger` being
        // borrowed; and a worker neither allocates nor locks.
        unsafe { shared.spawn(bound.busy, task, work) }
    }

    /// Waits until no child is alive, taking in what they report.
    pub(super) fn finish(&mut self, ledger: &mut Ledger) {
        self.wait_for_fewer_than(1, ledger);
    }

    /// Waits until fewer children are alive, taking in what they report.
    fn wait_for_fewer_than(&mut self, count: usize, ledger: &mut Ledger) {
        while self.children.alive() >= count {
            let stops = self.watcher.stops(ledger.bytes());
            self.children.attend(stops, ledger);
        }
    }

    /// Whether the walk goes on, by the word of who watches.
    pub(super) fn goes_on(&mut self, ledger: &Ledger) -> bool {
        !self.watcher.stops(ledger.bytes())
    }

    /// Whether the walk has been ended.
    pub(super) const fn is_stopped(&self) -> bool {
        self.watcher.has_stopped()
    }
}

impl Receiver for Ledger {
    fn take(&mut self, buffer: &mut ReadBuffer, mut ended: impl FnMut(u32)) {
        while let Some((worker, record)) = buffer.next() {
            match record {
                Record::End { slot } => ended(slot),
                _ => self.accept(worker, &record),
            }
        }
    }

    fn lose(&mut self, task: u32, fate: Option<Fate>) {
        if let Some(fate) = fate {
            self.note_lost(task, fate.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_a_dead_child_had_taken_keeps_nobody_waiting() {
        let mut pool = Pool::new(&Config::default());
        pool.children.shared().unwrap().slots.take(1, 0).unwrap();
        pool.finish(&mut Ledger::default());
        assert_eq!(pool.children.alive(), 0);
    }
}
