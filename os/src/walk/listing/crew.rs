//! The parent's side of the forked children: never more than the bound, each waited for by its own process id.

use std::sync::atomic::Ordering;
use std::time::Instant;

use rustix::io::{self, Errno};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process};

use super::super::Config;
use super::super::ledger::Fate;
use super::super::pipe::{Inbox, Pipe};
use super::super::pool::{self, LOOK, LOOK_TIMEOUT, NOW};
use super::super::slots::{Slot, Slots};
use super::super::watcher::Watcher;
use super::super::worker::Bound;
use super::behind::Behind;
use super::fold::Fold;
use super::order::{End, Order};
use super::packet::next_packet;
use super::tree::Tree;
use super::worker::Worker;
use crate::fork::fork;

/// The children of one lister.
pub(super) struct Crew {
    bound: Bound,
    /// Made for the first child, and used for all.
    shared: Option<Shared>,
    watcher: Watcher,
}

/// What the children share with their parent.
struct Shared {
    slots: Slots,
    pipe: Pipe,
    inbox: Inbox,
}

impl Crew {
    pub(super) fn new(config: &Config) -> Self {
        Self { bound: pool::bound_of(config), shared: None, watcher: Watcher::new(config.watch) }
    }

    /// Walks what is pending in `tree` by itself as long as that takes little time, and then has children walk it.
    pub(super) fn walk(&mut self, tree: &mut Tree, may_fork: bool, fold: &mut Fold<'_>) {
        let start = Instant::now();
        while (0..STEPS).all(|_| tree.step(fold)) {
            if fold.broken {
                return;
            }
            if self.watcher.stops(fold.bytes()) {
                tree.flush(fold);
                return fold.rise_to(0);
            }
            if may_fork
                && start.elapsed() >= self.bound.quantum
                && tree.cut().is_some()
                && let Ok(order) = self.spawn(tree, fold)
            {
                return self.follow(order, tree, fold);
            }
        }
        tree.flush(fold);
    }

    /// Forks a child that walks all that is pending, its segment being the first.
    fn spawn(&mut self, tree: &mut Tree, fold: &mut Fold<'_>) -> io::Result<Order> {
        tree.flush(fold);
        let bound = self.bound;
        let Shared { slots, pipe, .. } = self.shared()?;
        let slot = slots.take(bound.busy, slots.new_worker()).ok_or(Errno::AGAIN)?;
        let (parent, met) = (getpid(), fold.met());
        let work = || Worker::new(parent, (slots, slot), bound, met, pipe).run(tree);
        // SAFETY: the child walks with system calls on memory that only this thread uses, `tree` and `fold` being
        // borrowed; and a worker neither allocates nor locks.
        match unsafe { fork(work) } {
            Ok(pid) => slot.cell().store(pid.as_raw_pid(), Ordering::Relaxed),
            Err(errno) => {
                slots.free(slot);
                return Err(errno);
            }
        }
        Ok(Order::new(slot.task()))
    }

    fn shared(&mut self) -> io::Result<&Shared> {
        if self.shared.is_none() {
            let slots = Slots::new(self.bound.waiting)?;
            self.shared = Some(Shared { slots, pipe: Pipe::new()?, inbox: Inbox::new() });
        }
        self.shared.as_ref().ok_or(Errno::NOMEM)
    }

    /// Takes in what the children tell until none is alive.
    fn follow(&mut self, mut order: Order, tree: &mut Tree, fold: &mut Fold<'_>) {
        let Some(shared) = &mut self.shared else { return };
        let behind = &mut Behind { tree, watcher: &mut self.watcher };
        let mut last_look = Instant::now();
        while shared.slots.alive() > 0 {
            let stops = behind.watcher.stops(fold.bytes());
            if fold.broken || stops {
                shared.slots.children().for_each(|(_, pid)| _ = kill_process(pid, Signal::KILL));
            }
            if !shared.pipe.wait(&NOW) {
                fold.pause();
            }
            if shared.pipe.wait(&LOOK_TIMEOUT) {
                shared.receive(&mut order, &mut Vec::new(), behind, fold);
            }
            // A child may die without a word, while the others keep the pipe busy or silent.
            if fold.broken || stops || last_look.elapsed() >= LOOK {
                shared.look_for_dead(&mut order, !stops, behind, fold);
                last_look = Instant::now();
            }
        }
        if !fold.broken {
            let stops = behind.watcher.has_stopped();
            order.finish(if stops { End::Told } else { End::Lost(Fate::Unknown) }, behind, fold);
        }
        fold.rise_to(0);
    }
}

/// Steps between two looks at the clock.
pub(super) const STEPS: usize = 16;

impl Shared {
    /// Takes in what the pipe holds; children that are known to be dead and turn out to have told their end are taken
    /// off that list.
    fn receive(
        &mut self,
        order: &mut Order,
        dead: &mut Vec<(u32, Fate)>,
        behind: &mut Behind<'_>,
        fold: &mut Fold<'_>,
    ) {
        self.inbox.fill(&self.pipe);
        while let Some(packet) = next_packet(&mut self.inbox) {
            order.tell(packet.segment, packet.told, behind, fold);
            if let Some(slot) = packet.end {
                order.end(packet.segment, End::Told, behind, fold);
                pool::release(&self.slots, slot, dead);
            }
        }
    }

    /// Finds the children that have died before they told their end, and says so in their place, if it `matters`.
    fn look_for_dead(
        &mut self,
        order: &mut Order,
        matters: bool,
        behind: &mut Behind<'_>,
        fold: &mut Fold<'_>,
    ) {
        let fate = |(slot, pid): (&Slot, Pid)| {
            Some((self.slots.number(slot), pool::wait_for(pid, WaitOptions::NOHANG)?))
        };
        let mut dead: Vec<_> = self.slots.children().filter_map(fate).collect();
        // What they wrote before they died is in the pipe, perhaps their end too.
        while !dead.is_empty() && self.pipe.wait(&NOW) {
            self.receive(order, &mut dead, behind, fold);
        }
        for (slot, fate) in dead {
            if let Some(slot) = self.slots.get(slot) {
                order.end(slot.task(), if matters { End::Lost(fate) } else { End::Told }, behind, fold);
                self.slots.free(slot);
            }
        }
        if self.slots.children().next().is_none() {
            self.slots.free_abandoned();
        }
    }
}
