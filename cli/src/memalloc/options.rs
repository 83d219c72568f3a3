//! The command line, parsed into plain values.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, value_parser};

use super::replay::Care;
use super::terminal::NARROWEST;

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Config {
    Replay(Replay),
    Map(Map),
}

/// On what heap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HeapKind {
    /// The size of the arena, or none for mapped memory.
    pub(crate) arena: Option<usize>,
    pub(crate) real_time: bool,
}

/// `memalloc replay`.
#[derive(Debug, PartialEq)]
pub(crate) struct Replay {
    pub(crate) traces: Vec<PathBuf>,
    pub(crate) heap: HeapKind,
    pub(crate) verify: bool,
    pub(crate) check: Option<NonZeroUsize>,
    pub(crate) fit: bool,
    pub(crate) json: bool,
    pub(crate) runs: NonZeroUsize,
}

impl Replay {
    pub(crate) fn care(&self) -> Care {
        Care { verify: self.verify, check: self.check }
    }
}

/// `memalloc map`.
#[derive(Debug, PartialEq)]
pub(crate) struct Map {
    pub(crate) trace: PathBuf,
    pub(crate) heap: HeapKind,
    /// Operations to do before the picture; none for the peak of live payload.
    pub(crate) at: Option<usize>,
    pub(crate) svg: Option<PathBuf>,
    pub(crate) width: Option<usize>,
    /// What to enlarge: a span, from 1, and a granule of it.
    pub(crate) granule: Option<(usize, usize)>,
}

const DEFAULT_ARENA: usize = 64 << 20;

impl Config {
    /// What a command line asks for, the program's name first.
    ///
    /// # Errors
    /// What is wrong with it, or the help or version that it asks for.
    pub(crate) fn read(args: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::from_matches(&command().try_get_matches_from(args)?)
    }

    fn from_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(match matches.subcommand() {
            Some(("replay", matches)) => Self::Replay(Replay {
                traces: matches.get_many("trace").into_iter().flatten().cloned().collect(),
                heap: heap("replay", matches)?,
                verify: matches.get_flag("verify"),
                check: matches.get_one("check").copied(),
                fit: matches.get_flag("fit"),
                json: matches.get_flag("json"),
                runs: matches.get_one("runs").copied().unwrap_or(NonZeroUsize::MIN),
            }),
            Some(("map", matches)) => Self::Map(Map {
                trace: matches.get_one("trace").cloned().unwrap_or_default(),
                heap: heap("map", matches)?,
                at: matches.get_one("at").copied(),
                svg: matches.get_one("svg").cloned(),
                width: matches.get_one("width").copied(),
                granule: matches.get_one("granule").copied(),
            }),
            other => unreachable!("a command that is not declared: {other:?}"),
        })
    }
}

fn heap(name: &str, matches: &ArgMatches) -> Result<HeapKind, clap::Error> {
    let size = matches.get_one("arena").copied();
    let source = matches.get_one::<String>("source").map(String::as_str);
    let arena = match (source, size) {
        (Some("mmap"), Some(_)) => {
            let message = "--arena SIZE is for '--source arena', not for '--source mmap'";
            return Err(wrong(name, message));
        }
        (Some("arena"), None) => Some(DEFAULT_ARENA),
        (_, size) => size,
    };
    Ok(HeapKind { arena, real_time: matches.get_flag("real-time") })
}

/// What is wrong with the options of the subcommand `name`, whose usage is told with it.
fn wrong(name: &str, message: &str) -> clap::Error {
    let mut command = command();
    // Only a built subcommand knows whose it is.
    command.build();
    let subcommand = command.find_subcommand_mut(name).expect("it is declared");
    subcommand.error(ErrorKind::ArgumentConflict, message)
}

fn command() -> clap::Command {
    clap::Command::new("memalloc")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A workbench for allocators")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(replay())
        .subcommand(map())
}

fn replay() -> clap::Command {
    let traces = trace()
        .num_args(1..)
        .value_name("TRACE")
        .help("Traces in malloc-lab format, which --help explains; - is the standard input");
    clap::Command::new("replay")
        .about("Run allocation traces: speed, peaks, utilisation")
        .after_help(REPLAY_HELP)
        .after_long_help(format!("{FORMAT_HELP}\n\n{REPLAY_HELP}"))
        .arg(traces)
        .args(heap_options())
        .arg(flag("verify", "Fill each block, look for what was written, and check where blocks lie"))
        .arg(
            option("check", "N", "Check the whole heap each N operations, and at the end")
                .value_parser(value_parser!(NonZeroUsize)),
        )
        .arg(flag("fit", "Find the smallest arena that serves each trace without failure"))
        .arg(flag("json", "Print JSON"))
        .arg(
            option("runs", "N", "Time N replays, each on a fresh heap; the median counts")
                .value_parser(ValueParser::from(runs))
                .default_value("11"),
        )
}

const FORMAT_HELP: &str = "\
A trace in malloc-lab format is text: four numbers, then a line for each operation.

  20000      suggested bytes of heap (not used)
  2          ids
  4          operations
  1          weight (not used)
  a 0 512    allocate 512 bytes, to be known as 0
  a 1 128
  r 0 640    reallocate 0
  f 1        free 1; f -1 is free(NULL)

An id may be used again once it is free.";

const REPLAY_HELP: &str = "\
Peak payload is the most bytes asked for and live at once. Peak heap is the most bytes held from the source; of an \
arena, how far up the heap ever reached. Utilisation is the one over the other. Failures are requests refused. Time is \
that of the calls alone: blocks are not written, but for what a reallocation copies.

The exit status is 1 if a trace cannot be read or the allocator is found to be wrong, else 0.";

fn map() -> clap::Command {
    let granule =
        option("granule", "[SPAN:]N", "Enlarge what lies from granule N on, of the span (the first is 1)");
    let width_help =
        format!("Draw so wide, at least {NARROWEST} [default: the terminal's width, at most 200, or 100]");
    clap::Command::new("map")
        .about("Draw a heap: its chunks, and what is kept of each")
        .arg(
            trace().value_name("TRACE").help(
                "A trace in malloc-lab format, which 'replay --help' explains; - is the standard input",
            ),
        )
        .args(heap_options())
        .arg(
            option("at", "N", "Draw the heap after N operations [default: where most payload is live]")
                .value_parser(value_parser!(usize)),
        )
        .arg(
            option("svg", "FILE", "Draw to an SVG file; - is the standard output")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(option("width", "COLUMNS", "").help(width_help).value_parser(ValueParser::from(width)))
        .arg(granule.value_parser(ValueParser::from(span_and_granule)))
}

fn trace() -> Arg {
    Arg::new("trace").required(true).value_parser(value_parser!(PathBuf))
}

fn heap_options() -> [Arg; 3] {
    [
        option("source", "SOURCE", "Where the heap has its memory from [default: mmap]")
            .value_parser(["mmap", "arena"]),
        option(
            "arena",
            "SIZE",
            "Use an arena of so many bytes; K, M, G, T multiply by 1024 [default with --source arena: 64M]",
        )
        .value_parser(ValueParser::from(size)),
        flag("real-time", "Use the real-time mode"),
    ]
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// A number of bytes, such as `4096`, `64K` or `64KiB`.
fn size(text: &str) -> Result<usize, String> {
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: usize =
        number.parse().map_err(|_| "expected a number of bytes, such as 4096 or 64M".to_owned())?;
    let power = match unit.strip_suffix("iB").unwrap_or(unit) {
        "" if !unit.is_empty() => None,
        "" => Some(0),
        "K" | "k" => Some(1),
        "M" | "m" => Some(2),
        "G" | "g" => Some(3),
        "T" | "t" => Some(4),
        _ => None,
    };
    let power = power.ok_or_else(|| format!("'{unit}' is no unit: expected K, M, G or T"))?;
    number.checked_mul(1 << (10 * power)).ok_or_else(|| "more bytes than there are addresses".to_owned())
}

const MOST_RUNS: usize = 1_000_000;

fn runs(text: &str) -> Result<NonZeroUsize, String> {
    let runs = text.parse().ok().filter(|runs: &NonZeroUsize| runs.get() <= MOST_RUNS);
    runs.ok_or_else(|| format!("expected a number from 1 to {MOST_RUNS}"))
}

const WIDTHS: std::ops::RangeInclusive<usize> = NARROWEST..=1000;

fn width(text: &str) -> Result<usize, String> {
    let width = text.parse().ok().filter(|width| WIDTHS.contains(width));
    width.ok_or_else(|| format!("expected a number from {} to {}", WIDTHS.start(), WIDTHS.end()))
}

/// `1234`, or `2:1234` for a granule of the second span.
fn span_and_granule(text: &str) -> Result<(usize, usize), String> {
    let (span, granule) = text.split_once(':').unwrap_or(("1", text));
    match (span.parse(), granule.parse()) {
        (Ok(span), Ok(granule)) if span > 0 => Ok((span, granule)),
        _ => Err("expected a granule's number, such as 1234, or 2:1234 in the second span".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Config, String> {
        let words = std::iter::once("memalloc").chain(line.split_whitespace());
        command()
            .try_get_matches_from(words)
            .and_then(|matches| Config::from_matches(&matches))
            .map_err(|e| e.to_string())
    }

    fn arena_of(line: &str) -> Option<usize> {
        match parse(&format!("replay t {line}")) {
            Ok(Config::Replay(replay)) => replay.heap.arena,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_declaration_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn memory_is_mapped_unless_an_arena_is_asked_for() {
        assert_eq!(arena_of(""), None);
        assert_eq!(arena_of("--source mmap"), None);
        assert_eq!(arena_of("--source arena"), Some(DEFAULT_ARENA));
        assert_eq!(arena_of("--arena 5000"), Some(5000));
        assert_eq!(arena_of("--source arena --arena 16KiB"), Some(16 << 10));
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("0"), Ok(0));
        assert_eq!(size("64M"), Ok(64 << 20));
        assert_eq!(size("2TiB"), Ok(2 << 40));
        for wrong in ["", "K", "-1", "1.5M", "5X", "5iB", "99999999T", "99999999999999999999999"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_granule_is_one_of_the_first_span_unless_another_is_named() {
        assert_eq!(span_and_granule("7"), Ok((1, 7)));
        assert_eq!(span_and_granule("2:7"), Ok((2, 7)));
        for wrong in ["", "0:7", "2:", ":7", "1:2:3", "g7"] {
            assert!(span_and_granule(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            "",
            "replay",
            "map",
            "map a b",
            "replay --check 0 t",
            "replay --source tape t",
            "map --width 53 t",
            "replay --source mmap --arena 5000 t",
            "replay --runs 0 t",
            "replay --runs 1000001 t",
            "replay --runs 18446744073709551615 t",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
