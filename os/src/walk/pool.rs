//! The parent's side of the forked children: never more than the bound, each waited for by its own process id.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::io::{self, Errno};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};
use rustix::thread::sched_getaffinity;

use super::ledger::{Fate, Ledger};
use super::pipe::{Inbox, Pipe};
use super::record::Record;
use super::slots::{Slot, Slots};
use super::tree::Tree;
use super::watcher::Watcher;
use super::worker::{Bound, Worker};
use super::{Config, Forks};
use crate::fork::fork;

/// How often children are looked after that have not reported their end.
pub(super) const LOOK: Duration = Duration::from_millis(100);
pub(super) const LOOK_TIMEOUT: Timespec = Timespec { tv_sec: 0, tv_nsec: LOOK.as_nanos() as _ };
pub(super) const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// How many children there may be per CPU while they mostly wait for data.
const WAITING_PER_CPU: usize = 4;

/// The children of one walker.
pub(super) struct Pool {
    bound: Bound,
    /// Made for the first child, and used for all.
    shared: Option<Shared>,
    last_look: Instant,
    watcher: Watcher,
}

/// What the children share with their parent.
struct Shared {
    slots: Slots,
    pipe: Pipe,
    inbox: Inbox,
}

impl Pool {
    pub(super) fn new(config: &Config) -> Self {
        let watcher = Watcher::new(config.watch);
        Self { bound: bound_of(config), shared: None, last_look: Instant::now(), watcher }
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
        self.wait_for_slot(ledger);
        let bound = self.bound;
        let Shared { slots, pipe, .. } = self.shared()?;
        let slot = slots.take(bound.busy, task).ok_or(Errno::AGAIN)?;
        let (parent, census) = (getpid(), ledger.census());
        let work = || {
            let worker = Worker::new(parent, (slots, slot), bound, census, pipe);
            keep(tree);
            worker.run(tree);
        };
        // SAFETY: the child walks with system calls on memory that only this thread uses, `tree` and `ledger` being
        // borrowed; and a worker neither allocates nor locks.
        match unsafe { fork(work) } {
            Ok(pid) => slot.cell().store(pid.as_raw_pid(), Ordering::Relaxed),
            Err(errno) => {
                slots.free(slot);
                return Err(errno);
            }
        }
        Ok(())
    }

    /// Waits until no child is alive, taking in what they report.
    pub(super) fn finish(&mut self, ledger: &mut Ledger) {
        while self.alive() > 0 {
            self.attend(ledger);
        }
    }

    /// Waits until one more child may be alive, taking in what the others report.
    fn wait_for_slot(&mut self, ledger: &mut Ledger) {
        while self.alive() >= self.bound.busy {
            self.attend(ledger);
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

    fn shared(&mut self) -> io::Result<&Shared> {
        if self.shared.is_none() {
            let slots = Slots::new(self.bound.waiting)?;
            self.shared = Some(Shared { slots, pipe: Pipe::new()?, inbox: Inbox::new() });
        }
        self.shared.as_ref().ok_or(Errno::NOMEM)
    }

    fn alive(&self) -> usize {
        self.shared.as_ref().map_or(0, |shared| shared.slots.alive())
    }

    /// Waits for something to happen, and takes it in.
    fn attend(&mut self, ledger: &mut Ledger) {
        let Some(shared) = &mut self.shared else { return };
        if shared.pipe.wait(&LOOK_TIMEOUT) {
            shared.receive(ledger);
        }
        let stops = self.watcher.stops(ledger.bytes());
        if stops {
            shared.slots.children().for_each(|(_, pid)| _ = kill_process(pid, Signal::KILL));
        }
        // A child may die without a word, while the others keep the pipe busy or silent.
        if stops || self.last_look.elapsed() >= LOOK {
            shared.look_for_dead(ledger, !stops);
            self.last_look = Instant::now();
        }
    }
}

impl Shared {
    fn receive(&mut self, ledger: &mut Ledger) {
        self.receive_from(ledger, &mut Vec::new());
    }

    /// Takes in what the pipe holds; children that are known to be dead and turn out to have reported their end are taken
    /// off that list.
    fn receive_from(&mut self, ledger: &mut Ledger, dead: &mut Vec<(u32, Fate)>) {
        self.inbox.fill(&self.pipe);
        while let Some((worker, record)) = self.inbox.next() {
            match record {
                Record::End { slot } => release(&self.slots, slot, dead),
                _ => ledger.accept(worker, &record),
            }
        }
    }

    /// Finds the children that have died before they reported their end, and reports that, if it `matters`.
    fn look_for_dead(&mut self, ledger: &mut Ledger, matters: bool) {
        let fate =
            |(slot, pid): (&Slot, Pid)| Some((self.slots.number(slot), wait_for(pid, WaitOptions::NOHANG)?));
        let mut dead: Vec<_> = self.slots.children().filter_map(fate).collect();
        // What they wrote before they died is in the pipe, perhaps their end too.
        while !dead.is_empty() && self.pipe.wait(&NOW) {
            self.receive_from(ledger, &mut dead);
        }
        for (slot, fate) in dead {
            if let Some(slot) = self.slots.get(slot) {
                if matters {
                    ledger.lose(slot.task(), fate);
                }
                self.slots.free(slot);
            }
        }
        if self.slots.children().next().is_none() {
            self.slots.free_abandoned();
        }
    }
}

/// Waits for a child that has reported its end to be gone, and frees its slot.
pub(super) fn release(slots: &Slots, number: u32, dead: &mut Vec<(u32, Fate)>) {
    let Some(slot) = slots.get(number) else { return };
    let before = dead.len();
    dead.retain(|(slot, _)| *slot != number);
    if dead.len() == before
        && let Some(pid) = slot.pid()
    {
        wait_for(pid, WaitOptions::empty());
    }
    slots.free(slot);
}

/// How the child ended; `None` if it has not.
pub(super) fn wait_for(pid: Pid, options: WaitOptions) -> Option<Fate> {
    loop {
        match waitpid(Some(pid), options) {
            Err(Errno::INTR) => {}
            Ok(Some((_, status))) => {
                let signal = status.terminating_signal().map(Fate::Killed);
                return Some(signal.or(status.exit_status().map(Fate::Exited)).unwrap_or(Fate::Unknown));
            }
            Ok(None) => return None,
            // Somebody else has waited for it, or it is reaped by itself because SIGCHLD is ignored.
            Err(_) => return Some(Fate::Unknown),
        }
    }
}

/// How many children there may be, and when.
pub(super) fn bound_of(config: &Config) -> Bound {
    let busy = config.jobs.map_or_else(cpus, usize::from);
    let waiting = if config.jobs.is_some() { busy } else { WAITING_PER_CPU * busy };
    Bound { busy, waiting, parent_only: config.forks == Forks::Each, quantum: config.quantum }
}

/// How many CPUs this process may run on.
fn cpus() -> usize {
    sched_getaffinity(None).map_or(1, |cpus| cpus.count() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_a_dead_child_had_taken_keeps_nobody_waiting() {
        let mut pool = Pool::new(&Config::default());
        pool.shared().unwrap().slots.take(1, 0).unwrap();
        pool.finish(&mut Ledger::default());
        assert_eq!(pool.alive(), 0);
    }
}
