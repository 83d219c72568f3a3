//! Who is told how a walk goes on, and may end it.

use std::ops::ControlFlow;

use super::Watch;

/// Somebody who watches, if anybody does.
pub(super) struct Watcher {
    watch: Option<Watch>,
    stopped: bool,
}

impl Watcher {
    pub(super) const fn new(watch: Option<Watch>) -> Self {
        Self { watch, stopped: false }
    }

    /// Tells what has been counted. Whether the walk is to end.
    pub(super) fn stops(&mut self, bytes: u64) -> bool {
        self.stopped |= self.watch.is_some_and(|watch| watch(bytes) == ControlFlow::Break(()));
        self.stopped
    }

    /// Whether the walk is to end.
    pub(super) const fn has_stopped(&self) -> bool {
        self.stopped
    }
}
