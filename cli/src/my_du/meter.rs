//! What measures operands, each in the way that the view asks for.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;

use memalloc_os::walk::{Follow, Lister, Listing, Size, Totals, Walker};

use super::canvas::Canvas;
use super::face::Face;
use super::groups::{Grouper, Groups};
use super::held::{Held, Holder};
use super::json::Json;
use super::largest::Largest;
use super::order::Order;
use super::print::Printer;
use super::settings::Settings;
use super::tree::as_tree;
use super::view::View;

/// What measures operands.
pub(super) enum Meter {
    Sums { walker: Box<Walker>, total: Totals },
    Lists { lister: Box<Lister>, is_du: bool },
    Json { lister: Box<Lister> },
    Tree { lister: Box<Lister>, canvas: Box<Canvas>, order: Order },
    Top { lister: Box<Lister>, largest: Largest },
    Groups { lister: Box<Lister>, groups: Groups },
}

impl Meter {
    pub(super) fn new(face: &Face, settings: &Settings) -> Self {
        let listing = &settings.listing;
        let lister = || Box::new(Lister::new(listing.clone()));
        match settings.view {
            View::Json => return Self::Json { lister: lister() },
            View::Tree => {
                let order = settings.order.unwrap_or_default();
                return Self::Tree { lister: lister(), canvas: Box::new(Canvas::of_stdout()), order };
            }
            View::Top(wanted) => return Self::Top { lister: lister(), largest: Largest::new(wanted.get()) },
            View::Groups(by) => return Self::Groups { lister: lister(), groups: Groups::new(by) },
            View::Lines => {}
        }
        if !settings.inodes && is_a_plain_sum(listing) {
            return Self::Sums { walker: Box::new(Walker::new(listing.walk.clone())), total: Totals::NONE };
        }
        Self::Lists { lister: lister(), is_du: face.is_du }
    }

    /// Measures one operand.
    pub(super) fn measure(&mut self, operand: &OsStr, printer: &mut Printer<'_>) -> ControlFlow<()> {
        printer.knows_operand = false;
        match self {
            Self::Sums { walker, total } => {
                let report = &mut |diagnostic| memalloc_os::walk::Listener::diagnostic(printer, diagnostic);
                let Some(size) = walker.measure(operand.as_ref(), report) else {
                    return ControlFlow::Continue(());
                };
                let sum = Totals { size, ..Totals::NONE };
                total.add(&sum);
                printer.list(&sum, operand.as_bytes())
            }
            Self::Json { lister } => {
                let mut json = Json::new(printer);
                lister.list(operand.as_ref(), &mut json);
                json.finish();
                ControlFlow::Continue(())
            }
            Self::Tree { lister, canvas, order } => {
                let mut lines = Vec::new();
                let hold = |line| lines.push(line);
                hold_lines(lister, operand, &mut Holder { printer, hold });
                printer.text(&canvas.draw(&as_tree(lines, *order), printer.scale))
            }
            Self::Top { lister, largest } => {
                hold_lines(lister, operand, &mut Holder { printer, hold: |line| largest.take(line) });
                ControlFlow::Continue(())
            }
            Self::Groups { lister, groups } => {
                lister.list(operand.as_ref(), &mut Grouper { groups, printer });
                ControlFlow::Continue(())
            }
            Self::Lists { is_du: true, .. } if operand.is_empty() => {
                printer.complain(b"invalid zero-length file name");
                ControlFlow::Continue(())
            }
            Self::Lists { lister, is_du } => {
                lister.list(operand.as_ref(), printer);
                if !*is_du && !printer.knows_operand {
                    return printer.list(&Totals::NONE, operand.as_bytes());
                }
                if printer.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
        }
    }

    /// Prints what was held back until all operands were measured.
    pub(super) fn finish(&mut self, printer: &mut Printer<'_>) -> ControlFlow<()> {
        match self {
            Self::Top { largest, .. } => {
                largest.finish().iter().try_for_each(|line| printer.line(&line.totals, &line.path))
            }
            Self::Groups { groups, .. } => groups.print(printer),
            _ => ControlFlow::Continue(()),
        }
    }

    /// What all operands take together.
    pub(super) fn total(&self) -> Totals {
        let mut total = match self {
            Self::Sums { total, .. } => *total,
            Self::Lists { lister, .. }
            | Self::Json { lister }
            | Self::Tree { lister, .. }
            | Self::Top { lister, .. }
            | Self::Groups { lister, .. } => lister.total(),
        };
        total.newest = total.newest.max((0, 0));
        total
    }
}

/// Walks an operand; if nothing of it counts any more, there is a line of nothing.
fn hold_lines(lister: &mut Lister, operand: &OsStr, holder: &mut Holder<'_, '_, impl FnMut(Held)>) {
    lister.list(operand.as_ref(), holder);
    if !holder.printer.knows_operand {
        holder.take(operand.as_bytes(), 0, Totals::NONE);
    }
}

/// Whether only what [`Walker`] counts is asked for.
fn is_a_plain_sum(listing: &Listing) -> bool {
    let Listing { size, follow, count_dangling, depth, .. } = listing;
    let counts_otherwise = listing.one_file_system
        || listing.count_links
        || listing.separate
        || listing.time.is_some()
        || listing.exclude_caches
        || listing.exclude_kernfs
        || listing.shared
        || listing.exclude_hidden
        || listing.filter.is_some()
        || listing.exclude.is_some();
    *depth == 0 && *size == Size::Apparent && *follow == Follow::All && *count_dangling && !counts_otherwise
}
