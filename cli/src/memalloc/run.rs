//! Doing what the command line asks for.

use std::ffi::OsString;
use std::io::{self, BufWriter, ErrorKind, Write};

use memalloc_core::{General, Mode, RealTime};

use super::draw;
use super::input;
use super::options::{Config, Replay};
use super::replay;
use super::report::{Row, Table};
use super::standard::{self, Output};
use super::supply::{Arena, Mapped, Supply};
use super::trace::Trace;

/// Arenas larger than so many times the payload are not tried by `--fit`.
const FIT_LIMIT: usize = 64;

/// The exit status that clap has for a command line that is wrong.
const WRONG_USAGE: u8 = 2;

/// How a run ended that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All was done.
    Done,
    /// Something was not; messages have told what.
    Failed,
}

/// Runs the program; says its exit status.
#[cfg_attr(test, expect(dead_code, reason = "the tests are run instead"))]
pub(crate) fn main(args: impl Iterator<Item = OsString>) -> u8 {
    standard::hold_closed();
    // SAFETY: the signal is ignored, so that a reader who has left is an error of a write; no handler is installed.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let mut out = BufWriter::new(Output);
    let done = match Config::read(args) {
        Ok(config) => run(&config, &mut out),
        Err(error) if error.use_stderr() => {
            let _ = error.print();
            return WRONG_USAGE;
        }
        Err(help) => write!(out, "{}", help.render()).and_then(|()| out.flush()).map(|()| Outcome::Done),
    };
    match done {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::Failed) => 1,
        // A reader who has left is no error: there is nothing more to do.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => 0,
        Err(error) => {
            complain(&format!("standard output: {error}"));
            1
        }
    }
}

/// Does what the configuration asks for, printing to `out`.
///
/// # Errors
/// What kept `out` from being written.
fn run(config: &Config, out: &mut impl Write) -> io::Result<Outcome> {
    let outcome = match config {
        Config::Replay(options) => replay_all(options, out),
        Config::Map(options) => draw::map(options, out),
    };
    outcome.and_then(|outcome| out.flush().map(|()| outcome))
}

/// Tells the user what is wrong.
pub(crate) fn complain(message: &str) -> Outcome {
    // There is nobody left to tell if this fails.
    let _ = writeln!(io::stderr(), "memalloc: {message}");
    Outcome::Failed
}

fn replay_all(options: &Replay, out: &mut impl Write) -> io::Result<Outcome> {
    let names: Vec<String> = options.traces.iter().map(|path| input::shown_name(path)).collect();
    let table = Table::new(names.iter().map(String::as_str), options.fit);
    let (mut outcome, mut rows) = (Outcome::Done, 0);
    for path in &options.traces {
        match input::read(path).and_then(|trace| replay_one(&trace, options)) {
            Ok(row) if options.json => {
                write!(out, "{}{}", if rows == 0 { "[\n  " } else { ",\n  " }, row.json(&input::name(path)))?;
                rows += 1;
            }
            Ok(row) => {
                if rows == 0 {
                    writeln!(out, "{}", table.head())?;
                }
                writeln!(out, "{}", table.row(&row))?;
                rows += 1;
            }
            Err(message) => outcome = complain(&message),
        }
        out.flush()?;
    }
    if options.json {
        writeln!(out, "{}", if rows == 0 { "[]" } else { "\n]" })?;
    }
    Ok(outcome)
}

fn replay_one(trace: &Trace, options: &Replay) -> Result<Row, String> {
    if options.heap.real_time {
        replay_in_mode::<RealTime>(trace, options)
    } else {
        replay_in_mode::<General>(trace, options)
    }
}

fn replay_in_mode<M: Mode>(trace: &Trace, options: &Replay) -> Result<Row, String> {
    match options.heap.arena {
        None => replay_in::<_, M>(trace, options, &mut Mapped),
        Some(size) => replay_in::<_, M>(trace, options, &mut arena(size)?),
    }
}

/// An arena of so many bytes.
///
/// # Errors
/// That it cannot be had.
pub(crate) fn arena(size: usize) -> Result<Arena, String> {
    Arena::new(size).ok_or_else(|| format!("an arena of {size} bytes cannot be had"))
}

fn replay_in<P: Supply, M: Mode>(trace: &Trace, options: &Replay, supply: &mut P) -> Result<Row, String> {
    let figures = {
        let mut heap = supply.heap::<M>();
        replay::measure(trace, &mut heap, options.care()).map_err(|error| error.to_string())?
    };
    let demand = usize::try_from(trace.peak().payload).unwrap_or(usize::MAX);
    let limit = demand.saturating_mul(FIT_LIMIT).saturating_add(1 << 20);
    let fit = options.fit.then(|| replay::fit::<M>(trace, limit)).transpose()?;
    Ok(Row {
        name: trace.name.clone(),
        figures,
        peak_heap: if P::IS_ARENA { figures.extent } else { figures.peak_held },
        time: replay::time::<_, M>(trace, supply, options.runs),
        demand,
        fit,
    })
}
