//! The children of a lister.

use std::time::Instant;

use rustix::io;
use rustix::process::getpid;

use super::super::Config;
use super::super::bound::Bound;
use super::super::children::{Children, Fate, Receiver};
use super::super::pipe::ReadBuffer;
use super::super::watcher::Watcher;
use super::behind::Behind;
use super::fold::Fold;
use super::order::{End, Order};
use super::packet::next_packet;
use super::tree::Tree;
use super::worker::Worker;

/// The children of one lister.
pub(super) struct Crew {
    children: Children,
    watcher: Watcher,
}

impl Crew {
    pub(super) fn new(config: &Config) -> Self {
        Self { children: Children::new(Bound::of(config)), watcher: Watcher::new(config.watch) }
    }

    /// Walks what is pending in `tree` by itself as long as that takes little time, and then has children walk it.
    pub(super) fn walk(&mut self, tree: &mut Tree, may_fork: bool, fold: &mut Fold<'_>) {
        let start = Instant::now();
        while tree.steps(fold) {
            if fold.broken {
                return;
            }
            if self.watcher.stops(fold.bytes()) {
                tree.flush(fold);
                return fold.rise_to(0);
            }
            if may_fork
                && start.elapsed() >= self.children.bound.quantum
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
        let bound = self.children.bound;
        let shared = self.children.shared()?;
        let (parent, met) = (getpid(), fold.met());
        let segment = shared.slots.new_worker();
        let work = |slot| Worker::new(parent, (&shared.slots, slot), bound, met, &shared.pipe).run(tree);
        // SAFETY: the child walks with system calls on memory that only this thread uses, `tree` and `fold` being
        // borrowed; and a worker neither allocates nor locks.
        unsafe { shared.spawn(bound.busy, segment, work) }?;
        Ok(Order::new(segment))
    }

    /// Takes in what the children tell until none is alive.
    fn follow(&mut self, order: Order, tree: &mut Tree, fold: &mut Fold<'_>) {
        let behind = Behind { tree, watcher: &mut self.watcher };
        let mut follower = Follower { order, behind, fold };
        while self.children.alive() > 0 {
            let Follower { behind, fold, .. } = &mut follower;
            let stops = behind.watcher.stops(fold.bytes()) || fold.broken;
            if !self.children.have_told() {
                fold.pause();
            }
            self.children.attend(stops, &mut follower);
        }
        let Follower { mut order, mut behind, fold } = follower;
        if !fold.broken {
            let stopped = behind.watcher.has_stopped();
            order.finish(if stopped { End::Told } else { End::Lost(Fate::Unknown) }, &mut behind, fold);
        }
        fold.rise_to(0);
    }
}

/// Puts what children tell in order.
struct Follower<'f, 'l> {
    order: Order,
    behind: Behind<'f>,
    fold: &'f mut Fold<'l>,
}

impl Receiver for Follower<'_, '_> {
    fn take(&mut self, buffer: &mut ReadBuffer, mut ended: impl FnMut(u32)) {
        while let Some(packet) = next_packet(buffer) {
            self.order.tell(packet.segment, packet.told, &mut self.behind, self.fold);
            if let Some(slot) = packet.end {
                self.order.end(packet.segment, End::Told, &mut self.behind, self.fold);
                ended(slot);
            }
        }
    }

    fn lose(&mut self, segment: u32, fate: Option<Fate>) {
        self.order.end(segment, fate.map_or(End::Told, End::Lost), &mut self.behind, self.fold);
    }
}
