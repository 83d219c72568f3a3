//! What my_du does with its arguments, its output and its exit status; the work is `memalloc_os::walk`.

mod age;
mod canvas;
mod choice;
#[path = "../colour.rs"]
mod colour;
mod colours;
mod command;
mod environment;
mod face;
mod files;
mod files0;
#[cfg(test)]
mod generated;
mod getopt;
mod groups;
mod held;
mod json;
mod largest;
mod message;
mod meter;
mod order;
mod owners;
mod pattern;
mod print;
mod processes;
mod quote;
mod scale;
mod settings;
mod size;
#[path = "../standard.rs"]
mod standard;
mod time;
mod tree;
mod view;
mod watch;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;

use face::Face;
use files0::Files0;
use meter::Meter;
use print::Printer;
use settings::{Operands, Otherwise, Settings};
use standard::Output;

/// The program's own name.
pub(crate) const NAME: &str = "my_du";

/// What the program says of itself when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Complete = 0,
    Incomplete = 1,
}

/// Runs the program.
#[cfg_attr(test, expect(dead_code, reason = "the tests are run instead"))]
pub(crate) fn run(mut args: impl Iterator<Item = OsString>) -> Status {
    standard::hold_closed();
    let face = Face::called(args.next());
    match asked(&face, args) {
        Ok(settings) => measure(&face, settings),
        Err(Otherwise::Help) => status(&face, show(help(&face).as_bytes())),
        Err(Otherwise::Version) => status(&face, show(version().as_bytes())),
        Err(Otherwise::Wrong { messages, usage }) => {
            messages.iter().for_each(|message| complain(&face, message));
            if usage {
                let name = face.name.as_bytes();
                let hint = [b"Try '", name, b" --help' for more information.\n"].concat();
                let _ = io::stderr().write_all(&hint);
            }
            Status::Incomplete
        }
    }
}

/// What the command line asks for.
fn asked(face: &Face, args: impl Iterator<Item = OsString>) -> Result<Settings, Otherwise> {
    let args: Vec<_> = args.collect();
    if args.iter().all(|arg| !arg.as_bytes().starts_with(b"-")) {
        // To describe all options to clap takes longer than the walk of a small tree.
        return settings::settings(face, command::Line::of_operands(args));
    }
    let command = command::command(face);
    let form = getopt::in_one_form(&command, args.into_iter(), environment::is_posix())
        .map_err(|messages| Otherwise::Wrong { messages, usage: true })?;
    let line = command::read(command, form).map_err(|error| {
        let messages = vec![error.kind().to_string().into()];
        Otherwise::Wrong { messages, usage: true }
    })?;
    settings::settings(face, line)
}

fn help(face: &Face) -> String {
    command::command(face).render_help().to_string()
}

fn version() -> String {
    format!("{NAME} {}\n", env!("CARGO_PKG_VERSION"))
}

fn measure(face: &Face, mut settings: Settings) -> Status {
    settings.warnings.iter().for_each(|warning| complain(face, warning));
    let operands = std::mem::replace(&mut settings.operands, Operands::Here(Vec::new()));
    if !face.is_du {
        watch::start();
        settings.listing.walk.watch = Some(watch::watch);
    }
    let mut printer = Printer::new(face, &settings);
    let mut meter = Meter::new(face, &settings);
    let done = match operands {
        Operands::Here(operands) => operands
            .into_iter()
            .take_while(|_| !watch::is_interrupted())
            .try_for_each(|operand| meter.measure(&operand, &mut printer)),
        Operands::In(list) => measure_listed(&list, &mut meter, &mut printer),
    };
    let done = if done.is_continue() { meter.finish(&mut printer) } else { done };
    let done = if done.is_continue() { printer.lines_in_order() } else { done };
    if done.is_continue() && settings.total && printer.write(&meter.total(), b"total").is_continue() {
        let _ = printer.flush();
    }
    let _ = printer.flush();
    watch::erase();
    if watch::is_interrupted() {
        complain(face, b"interrupted: what had not been counted by then is missing");
        watch::end_as_interrupted();
        // The first process of a container outlives that.
        return Status::Incomplete;
    }
    match printer.failed.take() {
        Some(error) => status(face, Err(error)),
        None if printer.complete => Status::Complete,
        None => Status::Incomplete,
    }
}

fn measure_listed(list: &OsStr, meter: &mut Meter, printer: &mut Printer<'_>) -> ControlFlow<()> {
    let names = match Files0::open(list) {
        Ok(names) => names,
        Err(message) => {
            printer.complain(&message);
            // Not even a total follows.
            return ControlFlow::Break(());
        }
    };
    for name in names.take_while(|_| !watch::is_interrupted()) {
        match name {
            Ok(operand) => meter.measure(&operand, printer)?,
            Err(message) => printer.complain(&message),
        }
    }
    ControlFlow::Continue(())
}

fn show(text: &[u8]) -> io::Result<()> {
    Output.write_all(text)
}

fn status(face: &Face, shown: io::Result<()>) -> Status {
    match shown {
        Ok(()) => return Status::Complete,
        // The reader has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe && !face.is_du => {}
        Err(error) => complain(face, format!("write error: {}", message::reason(&error)).as_bytes()),
    }
    Status::Incomplete
}

/// Writes a message; if even that fails, there is nobody left to tell.
fn complain(face: &Face, message: &[u8]) {
    let _ = io::stderr().write_all(&face.line(message));
}
