//! The parent's side of the forked children: never more than the bound, each waited for by its own process id.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::io::{self, Errno};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::bound::Bound;
use super::diagnostic::Trouble;
use super::pid_namespace;
use super::pipe::{Pipe, ReadBuffer};
use super::slots::{Slot, Slots};
use crate::fork::fork;

/// How often children are looked after that have not told their end.
const LOOK: Duration = Duration::from_millis(100);
const LOOK_TIMEOUT: Timespec = Timespec { tv_sec: 0, tv_nsec: LOOK.as_nanos() as _ };
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Who takes in what children tell.
pub(super) trait Receiver {
    /// Takes what is whole out of the buffer, and says in which slots children have told their end.
    fn take(&mut self, buffer: &mut ReadBuffer, ended: impl FnMut(u32));

    /// Takes in that the child with this task is gone, and how, if that matters; it has not told its end.
    fn lose(&mut self, task: u32, fate: Option<Fate>);
}

/// How a process ended that did not tell its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Killed(i32),
    Exited(i32),
    /// Somebody else has waited for it.
    Unknown,
}

impl From<Fate> for Trouble {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Killed(signal) => Self::Killed(signal),
            Fate::Exited(status) => Self::Ended(Some(status)),
            Fate::Unknown => Self::Ended(None),
        }
    }
}

/// The children of one walker or lister.
pub(super) struct Children {
    pub(super) bound: Bound,
    /// Made for the first child, and used for all.
    shared: Option<Shared>,
    last_look: Instant,
}

/// What the children share with their parent.
pub(super) struct Shared {
    pub(super) slots: Slots,
    pub(super) pipe: Pipe,
    buffer: ReadBuffer,
}

impl Children {
    pub(super) fn new(bound: Bound) -> Self {
        Self { bound, shared: None, last_look: Instant::now() }
    }

    /// What the children share; an error says that there can be none now.
    pub(super) fn shared(&mut self) -> io::Result<&Shared> {
        if self.shared.is_none() {
            if pid_namespace::is_another_for_children() {
                return Err(Errno::AGAIN);
            }
            let slots = Slots::new(self.bound.waiting)?;
            self.shared = Some(Shared { slots, pipe: Pipe::new()?, buffer: ReadBuffer::new() });
        }
        self.shared.as_ref().ok_or(Errno::NOMEM)
    }

    /// How many are alive.
    pub(super) fn alive(&self) -> usize {
        self.shared.as_ref().map_or(0, |shared| shared.slots.alive())
    }

    /// Whether they have told something that has not been taken in.
    pub(super) fn have_told(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.pipe.wait(&NOW))
    }

    /// Waits for something to happen, and takes it in. If it `stops`, the children are to end, and what they have not told
    /// does not matter.
    pub(super) fn attend(&mut self, stops: bool, receiver: &mut impl Receiver) {
        let Some(shared) = &mut self.shared else { return };
        if stops {
            shared.slots.children().for_each(|(_, pid)| _ = kill_process(pid, Signal::KILL));
        }
        if shared.pipe.wait(&LOOK_TIMEOUT) {
            shared.receive(receiver, &mut Vec::new());
        }
        // A child may die without a word, while the others keep the pipe busy or silent.
        if stops || self.last_look.elapsed() >= LOOK {
            shared.look_for_dead(!stops, receiver);
            self.last_look = Instant::now();
        }
    }
}

impl Shared {
    /// Forks a child for a task, which does `work` in its slot; an error says that there can be no child now.
    ///
    /// # Safety
    ///
    /// As for [`fork`].
    pub(super) unsafe fn spawn<'s>(
        &'s self,
        most: usize,
        task: u32,
        work: impl FnOnce(&'s Slot),
    ) -> io::Result<()> {
        let slot = self.slots.take(most, task).ok_or(Errno::AGAIN)?;
        // SAFETY: the caller answers for `work`.
        match unsafe { fork(|| work(slot)) } {
            Ok(pid) => slot.cell().store(pid.as_raw_pid(), Ordering::Relaxed),
            Err(errno) => {
                self.slots.free(slot);
                return Err(errno);
            }
        }
        Ok(())
    }

    /// Takes in what the pipe holds; children that are known to be dead and turn out to have told their end are taken off
    /// that list.
    fn receive(&mut self, receiver: &mut impl Receiver, dead: &mut Vec<(u32, Fate)>) {
        self.buffer.fill(&self.pipe);
        receiver.take(&mut self.buffer, |slot| release(&self.slots, slot, dead));
    }

    /// Finds the children that have died before they told their end, and tells how, if that `matters`.
    fn look_for_dead(&mut self, matters: bool, receiver: &mut impl Receiver) {
        let fate =
            |(slot, pid): (&Slot, Pid)| Some((self.slots.number(slot), wait_for(pid, WaitOptions::NOHANG)?));
        let mut dead: Vec<_> = self.slots.children().filter_map(fate).collect();
        // What they wrote before they died is in the pipe, perhaps their end too.
        while !dead.is_empty() && self.pipe.wait(&NOW) {
            self.receive(receiver, &mut dead);
        }
        for (slot, fate) in dead {
            if let Some(slot) = self.slots.get(slot) {
                receiver.lose(slot.task(), matters.then_some(fate));
                self.slots.free(slot);
            }
        }
        if self.slots.children().next().is_none() {
            self.slots.free_abandoned();
        }
    }
}

/// Waits for a child that has told its end to be gone, and frees its slot.
fn release(slots: &Slots, number: u32, dead: &mut Vec<(u32, Fate)>) {
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
fn wait_for(pid: Pid, options: WaitOptions) -> Option<Fate> {
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
