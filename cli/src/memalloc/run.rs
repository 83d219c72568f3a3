//! Doing what the command line asks for.

use std::io::{self, Write};
use std::process::ExitCode;

use memalloc_core::{General, Mode, RealTime};

use super::draw;
use super::input;
use super::options::{Config, Replay};
use super::replay;
use super::report::{Row, Table};
use super::supply::{Arena, Mapped, Supply};
use super::trace::Trace;

/// Arenas larger than so many times the payload are not tried by `--fit`.
const FIT_LIMIT: usize = 64;

/// How a run ended that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All was done.
    Done,
    /// Something was not; messages have told what.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Failed => Self::FAILURE,
        }
    }
}

/// Does what the configuration asks for, printing to `out`.
///
/// # Errors
/// What kept `out` from being written. A reader who has left is no error: then there is nothing more to do.
pub(crate) fn run(config: &Config, out: &mut impl Write) -> io::Result<Outcome> {
    let outcome = match config {
        Config::Replay(options) => replay_all(options, out),
        Config::Map(options) => draw::map(options, out),
    };
    match outcome.and_then(|outcome| out.flush().map(|()| outcome)) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::Done),
        outcome => outcome,
    }
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
    Ok(Row {
        name: trace.name.clone(),
        figures,
        peak_heap: if P::IS_ARENA { figures.extent } else { figures.peak_held },
        time: replay::time::<_, M>(trace, supply, options.runs),
        demand,
        fit: options.fit.then(|| {
            let limit = demand.saturating_mul(FIT_LIMIT).saturating_add(1 << 20);
            replay::fit::<M>(trace, limit)
        }),
    })
}
