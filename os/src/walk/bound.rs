//! How many children there may be, and when.

use std::time::Duration;

use rustix::thread::sched_getaffinity;

use super::{Config, Forks};

/// How many children there may be per CPU while they mostly wait for data.
const WAITING_PER_CPU: usize = 4;

/// How many children there may be, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// While they are busy.
    pub(super) busy: usize,
    /// While they mostly wait for data.
    pub(super) waiting: usize,
    /// Only the parent forks.
    pub(super) parent_only: bool,
    /// How long a worker works before it forks.
    pub(super) quantum: Duration,
}

impl Bound {
    /// What is configured.
    pub(super) fn of(config: &Config) -> Self {
        let busy = config.jobs.map_or_else(cpus, usize::from);
        let waiting = if config.jobs.is_some() { busy } else { WAITING_PER_CPU * busy };
        Self { busy, waiting, parent_only: config.forks == Forks::Each, quantum: config.quantum }
    }
}

/// How many CPUs this process may run on.
fn cpus() -> usize {
    sched_getaffinity(None).map_or(1, |cpus| cpus.count() as usize).max(1)
}
