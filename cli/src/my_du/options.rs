//! The command line.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::builder::OsStringValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use memalloc_os::walk::{Config, Forks};

use super::NAME;
use super::quote::quoted;
use super::scale::Scale;
use super::size;

const ABOUT: &str = "\
Print the bytes in each DIR (default: the current directory): the apparent sizes of all that can be reached from it, \
through symbolic links too. Nothing is counted twice, neither within a DIR nor over all of them.";

/// What to do.
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) scale: Scale,
    /// What ends a line.
    pub(super) end: u8,
    /// A grand total is to follow.
    pub(super) total: bool,
    /// At least one.
    pub(super) operands: Vec<OsString>,
}

/// What the command line asks for.
pub(super) enum Asked {
    Measure(Options),
    /// Text for standard output.
    Show(Vec<u8>),
    /// A usage error.
    Wrong(Vec<u8>),
}

/// Reads the command line.
pub(super) fn parse(args: impl Iterator<Item = OsString>) -> Asked {
    let args: Vec<_> = args.collect();
    match command().try_get_matches_from(&args) {
        Ok(matches) => options(matches).map_or_else(Asked::Wrong, Asked::Measure),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Asked::Show(error.render().to_string().into())
            }
            kind => Asked::Wrong(usage_error(kind, &error, args.last())),
        },
    }
}

fn command() -> Command {
    Command::new(NAME)
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .override_usage("my_du [OPTION]... [DIR]...")
        .infer_long_args(true)
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(operand())
        .args(sizes())
        .arg(flag("null", ArgAction::SetTrue).short('0').help("End each line with NUL, not with a newline"))
        .arg(flag("total", ArgAction::SetTrue).short('c').help("Print a grand total"))
        .arg(jobs())
        .arg(fork())
        .arg(flag("help", ArgAction::Help).help("Print this help"))
        .arg(flag("version", ArgAction::Version).help("Print the version"))
}

fn flag(name: &'static str, action: ArgAction) -> Arg {
    Arg::new(name).long(name).action(action)
}

/// The options that say in which unit sizes are printed; the last one given holds.
fn sizes() -> [Arg; 6] {
    let size = |name| flag(name, ArgAction::SetTrue);
    [
        size("human-readable").short('h').help("Print sizes in powers of 1024, rounded up: 1.1K, 234M"),
        size("si").help("Print sizes in powers of 1000"),
        size("bytes").short('b').help("Print bytes (default)"),
        Arg::new("k").short('k').action(ArgAction::SetTrue).help("Print units of 1024 bytes"),
        Arg::new("m").short('m').action(ArgAction::SetTrue).help("Print units of 1024 * 1024 bytes"),
        Arg::new("block-size")
            .long("block-size")
            .short('B')
            .value_name("SIZE")
            .value_parser(OsStringValueParser::new())
            .allow_hyphen_values(true)
            .help("Print units of SIZE: 1K, M, kB, MiB, human-readable, ..."),
    ]
}

fn jobs() -> Arg {
    Arg::new("jobs")
        .long("jobs")
        .short('j')
        .value_name("N")
        .value_parser(OsStringValueParser::new())
        .allow_hyphen_values(true)
        .help(
            "At most N child processes at once (default: one for each CPU, more while they wait for a disk)",
        )
}

fn fork() -> Arg {
    Arg::new("fork")
        .long("fork")
        .value_name("HOW")
        .value_parser(OsStringValueParser::new())
        .help("'each': a child process for each immediate sub-directory; 'shared': children that share them (default)")
}

fn operand() -> Arg {
    Arg::new("DIR")
        .help("A directory, a file, or a link to one")
        .value_parser(OsStringValueParser::new())
        .action(ArgAction::Append)
        .num_args(0..)
}

fn options(mut matches: ArgMatches) -> Result<Options, Vec<u8>> {
    let mut config = Config::default();
    if let Some(jobs) = matches.remove_one::<OsString>("jobs") {
        let jobs = number(&jobs).ok_or_else(|| [b"invalid number of jobs ", &*quoted(&jobs)].concat())?;
        config.jobs = Some(jobs);
    }
    if let Some(how) = matches.remove_one::<OsString>("fork") {
        config.forks = forks(&how).ok_or_else(|| {
            [b"invalid argument ", &*quoted(&how), b" for '--fork'; valid are 'each' and 'shared'"].concat()
        })?;
    }
    let scale = scale(&matches)?;
    let (end, total) = (if matches.get_flag("null") { 0 } else { b'\n' }, matches.get_flag("total"));
    let operands = matches.remove_many("DIR").map_or_else(|| vec![".".into()], Iterator::collect);
    Ok(Options { config, scale, end, total, operands })
}

/// The unit that was asked for last.
fn scale(matches: &ArgMatches) -> Result<Scale, Vec<u8>> {
    let units = [
        ("human-readable", Scale::Powers(1024)),
        ("si", Scale::Powers(1000)),
        ("bytes", Scale::unit(1)),
        ("k", Scale::unit(1 << 10)),
        ("m", Scale::unit(1 << 20)),
    ];
    let given = units.into_iter().filter(|(name, _)| matches.get_flag(name));
    let place = |name: &str| matches.indices_of(name).and_then(Iterator::last);
    let mut last = given.map(|(name, scale)| (place(name), scale)).max_by_key(|(place, _)| *place);
    if let Some(text) = matches.get_one::<OsString>("block-size") {
        let text = text.as_encoded_bytes();
        let scale = size::block(text).map_err(|wrong| wrong.message("--block-size", text))?;
        last = last.filter(|(other, _)| *other > place("block-size")).or(Some((None, scale)));
    }
    Ok(last.map_or(Scale::unit(1), |(_, scale)| scale))
}

fn forks(how: &OsString) -> Option<Forks> {
    match how.to_str()? {
        "each" => Some(Forks::Each),
        "shared" => Some(Forks::Shared),
        _ => None,
    }
}

fn number(text: &OsString) -> Option<NonZeroUsize> {
    text.to_str()?.parse().ok()
}

/// clap's error in the words of getopt, which tell a short option from a long one.
fn usage_error(kind: ErrorKind, error: &clap::Error, last: Option<&OsString>) -> Vec<u8> {
    let is_long = last.is_some_and(|last| last.as_encoded_bytes().starts_with(b"--"));
    let wrong = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(wrong)) if wrong.starts_with("--") => {
            wrong.split([' ', '=']).next().unwrap_or_default()
        }
        Some(ContextValue::String(wrong)) => wrong,
        _ => "",
    };
    match kind {
        ErrorKind::UnknownArgument if wrong.starts_with("--") => format!("unrecognized option '{wrong}'"),
        ErrorKind::UnknownArgument => format!("invalid option -- '{}'", wrong.trim_start_matches('-')),
        ErrorKind::InvalidValue if is_long => format!("option '{wrong}' requires an argument"),
        ErrorKind::InvalidValue if wrong.starts_with("--block-size") => {
            "option requires an argument -- 'B'".into()
        }
        ErrorKind::InvalidValue => "option requires an argument -- 'j'".into(),
        ErrorKind::TooManyValues => format!("option '{wrong}' doesn't allow an argument"),
        _ => error.kind().to_string(),
    }
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(args: &[&str]) -> Asked {
        parse([NAME].iter().chain(args).map(OsString::from))
    }

    fn wrong(args: &[&str]) -> String {
        match asked(args) {
            Asked::Wrong(message) => String::from_utf8(message).unwrap(),
            _ => panic!("{args:?} is accepted"),
        }
    }

    fn measure(args: &[&str]) -> Options {
        match asked(args) {
            Asked::Measure(options) => options,
            Asked::Show(_) => panic!("{args:?} only shows a text"),
            Asked::Wrong(message) => panic!("{args:?}: {}", String::from_utf8_lossy(&message)),
        }
    }

    #[test]
    fn the_command_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn the_working_directory_is_the_default() {
        let options = measure(&[]);
        assert_eq!((options.operands, options.scale), (vec![OsString::from(".")], Scale::unit(1)));
    }

    #[test]
    fn options_mix_with_operands() {
        let options = measure(&["a", "-hj3", "b", "--", "-h"]);
        assert_eq!(options.operands, ["a", "b", "-h"]);
        assert_eq!((options.scale, options.config.jobs.map(usize::from)), (Scale::Powers(1024), Some(3)));
        assert_eq!(measure(&["--jobs=2", "--jobs", "5"]).config.jobs.map(usize::from), Some(5));
        assert_eq!(measure(&["--human"]).scale, Scale::Powers(1024));
        assert_eq!(measure(&[]).config.jobs, None);
        assert_eq!(measure(&[]).config.forks, Forks::Shared);
        assert_eq!(measure(&["--fork", "each"]).config.forks, Forks::Each);
        assert_eq!(measure(&["--fork=each", "--fork=shared"]).config.forks, Forks::Shared);
    }

    #[test]
    fn the_last_unit_holds() {
        let scale = |args| measure(args).scale;
        assert_eq!(scale(&["-h", "-b"]), Scale::unit(1));
        assert_eq!(scale(&["-b", "-h"]), Scale::Powers(1024));
        assert_eq!(scale(&["-h", "-B2K", "--si"]), Scale::Powers(1000));
        assert_eq!(scale(&["--si", "-h", "--block=2K"]), Scale::unit(2048));
        assert_eq!(scale(&["-k", "-m", "-k"]), Scale::unit(1024));
        assert_eq!(wrong(&["-B", "0"]), "invalid --block-size argument '0'");
        assert_eq!(wrong(&["-B"]), "option requires an argument -- 'B'");
    }

    #[test]
    fn usage_errors_are_worded_as_getopt_does() {
        assert_eq!(wrong(&["--foo=1"]), "unrecognized option '--foo'");
        assert_eq!(wrong(&["-Q"]), "invalid option -- 'Q'");
        assert_eq!(wrong(&["-hQ"]), "invalid option -- 'Q'");
        assert_eq!(wrong(&["--jobs"]), "option '--jobs' requires an argument");
        assert_eq!(wrong(&["--fork"]), "option '--fork' requires an argument");
        assert_eq!(
            wrong(&["--fork=all"]),
            "invalid argument 'all' for '--fork'; valid are 'each' and 'shared'"
        );
        assert_eq!(wrong(&["-j"]), "option requires an argument -- 'j'");
        assert_eq!(wrong(&["-h=x"]), "invalid option -- '='");
        for number in ["0", "-1", "x", "", "99999999999999999999999"] {
            assert_eq!(wrong(&["--jobs", number]), format!("invalid number of jobs '{number}'"));
        }
    }

    #[test]
    fn help_has_only_the_long_form() {
        assert!(matches!(asked(&["--help"]), Asked::Show(text) if text.starts_with(b"Print the bytes")));
        assert!(matches!(asked(&["--version"]), Asked::Show(text) if text.starts_with(b"my_du ")));
        assert_eq!(measure(&["-h"]).scale, Scale::Powers(1024));
    }
}
