//! Lines for standard output, in few writes: as soon as a good deal waits, some time has passed, or no more is known.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use memalloc_os::walk::{Diagnostic, Entry, Listener, Totals};

use super::face::Face;
use super::held::Held;
use super::message;
use super::order::Order;
use super::scale::Scale;
use super::settings::Settings;
use super::time::TimeFormat;
use super::view::View;
use super::watch;

/// Bytes that wait at most.
const FULL: usize = 32 * 1024;

/// How long they wait at most while there are more.
const LONG: Duration = Duration::from_millis(100);

/// Prints lines and complaints.
pub(super) struct Printer<'s> {
    face: &'s Face,
    pub(super) scale: &'s Scale,
    time: Option<&'s TimeFormat>,
    end: u8,
    threshold: i64,
    inodes: bool,
    shared: bool,
    /// The order of lines, if it is not that of the walk, and those that wait for it.
    order: Option<Order>,
    held: Vec<Held>,
    lines: Vec<u8>,
    since: Instant,
    /// Nothing has been complained about.
    pub(super) complete: bool,
    /// Why no more can be printed.
    pub(super) failed: Option<io::Error>,
    /// Something has been said about the current operand.
    pub(super) knows_operand: bool,
}

impl<'s> Printer<'s> {
    pub(super) fn new(face: &'s Face, settings: &'s Settings) -> Self {
        Self {
            face,
            scale: &settings.scale,
            time: settings.time.as_ref(),
            end: settings.end,
            threshold: settings.threshold,
            inodes: settings.inodes,
            shared: settings.shared,
            order: match settings.view {
                View::Lines => settings.order,
                View::Groups(_) => Some(settings.order.unwrap_or_default()),
                _ => None,
            },
            held: Vec::new(),
            lines: Vec::new(),
            since: Instant::now(),
            complete: true,
            failed: None,
            knows_operand: false,
        }
    }

    /// Prints a line, or keeps it until all are there.
    pub(super) fn line(&mut self, totals: &Totals, name: &[u8]) -> ControlFlow<()> {
        if self.order.is_none() {
            return self.write(totals, name);
        }
        let weight = self.count(totals);
        self.held.push(Held { path: name.into(), depth: 0, totals: *totals, weight });
        ControlFlow::Continue(())
    }

    /// Prints the lines that wait for their order.
    pub(super) fn lines_in_order(&mut self) -> ControlFlow<()> {
        let mut lines = std::mem::take(&mut self.held);
        self.order.unwrap_or_default().sort(&mut lines, |line| line);
        lines.iter().try_for_each(|line| self.write(&line.totals, &line.path))
    }

    /// Prints a line now.
    pub(super) fn write(&mut self, totals: &Totals, name: &[u8]) -> ControlFlow<()> {
        self.scale.append(self.count(totals), &mut self.lines);
        self.lines.push(b'\t');
        if self.shared {
            self.scale.append(totals.shared, &mut self.lines);
            self.lines.push(b'\t');
        }
        if let Some(format) = self.time {
            // Nothing is as old as that of which there is nothing.
            let is_known = totals.newest != Totals::NONE.newest;
            format.append(if is_known { totals.newest } else { (0, 0) }, &mut self.lines);
            self.lines.push(b'\t');
        }
        self.lines.extend_from_slice(name);
        self.lines.push(self.end);
        self.pass()
    }

    /// Prints something else.
    pub(super) fn text(&mut self, text: &[u8]) -> ControlFlow<()> {
        self.lines.extend_from_slice(text);
        self.pass()
    }

    /// Prints what waits, if it is time.
    fn pass(&mut self) -> ControlFlow<()> {
        if self.lines.len() >= FULL || self.since.elapsed() >= LONG {
            self.flush()
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Prints all that waits.
    pub(super) fn flush(&mut self) -> ControlFlow<()> {
        self.since = Instant::now();
        if !self.lines.is_empty() && self.failed.is_none() {
            watch::erase();
            self.failed = super::show(&self.lines).err();
            self.lines.clear();
        }
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Prints a message; if even that fails, there is nobody left to tell.
    pub(super) fn complain(&mut self, message: &[u8]) {
        self.complete = false;
        self.knows_operand = true;
        let _ = self.flush();
        watch::erase();
        let _ = io::stderr().write_all(&self.face.line(message));
    }

    /// Prints the line of an operand, or of what is in it, if it is large or small enough.
    pub(super) fn list(&mut self, totals: &Totals, name: &[u8]) -> ControlFlow<()> {
        if self.is_listed(totals) { self.line(totals, name) } else { ControlFlow::Continue(()) }
    }

    /// What is printed of a sum.
    pub(super) fn count(&self, totals: &Totals) -> u64 {
        if self.inodes { totals.inodes } else { totals.size }
    }

    /// Whether something is large or small enough.
    pub(super) fn is_listed(&self, totals: &Totals) -> bool {
        let count = self.count(totals);
        let bound = self.threshold.unsigned_abs();
        if self.threshold < 0 { count <= bound } else { count >= bound }
    }
}

impl Listener for Printer<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        self.knows_operand |= entry.depth == 0;
        self.list(&entry.totals, entry.path)
    }

    fn diagnostic(&mut self, diagnostic: Diagnostic) {
        self.complain(&message::of(&diagnostic));
    }

    fn pause(&mut self) -> ControlFlow<()> {
        self.flush()
    }
}
