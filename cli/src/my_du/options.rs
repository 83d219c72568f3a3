//! The command line.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::builder::OsStringValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use memalloc_os::walk::{Config, Forks};

use super::NAME;
use super::quote::quoted;

const ABOUT: &str = "\
Print the bytes in each DIR (default: the current directory): the apparent sizes of all that can be reached from it, \
through symbolic links too. Nothing is counted twice, neither within a DIR nor over all of them.";

/// What to do.
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) human: bool,
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
        .arg(
            flag("human-readable", ArgAction::SetTrue)
                .short('h')
                .help("Print sizes in powers of 1024, rounded up: 1.1K, 234M"),
        )
        .arg(jobs())
        .arg(fork())
        .arg(flag("help", ArgAction::Help).help("Print this help"))
        .arg(flag("version", ArgAction::Version).help("Print the version"))
}

fn flag(name: &'static str, action: ArgAction) -> Arg {
    Arg::new(name).long(name).action(action)
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
    let operands = matches.remove_many("DIR").map_or_else(|| vec![".".into()], Iterator::collect);
    Ok(Options { config, human: matches.get_flag("human-readable"), operands })
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
        assert_eq!((options.operands, options.human), (vec![OsString::from(".")], false));
    }

    #[test]
    fn options_mix_with_operands() {
        let options = measure(&["a", "-hj3", "b", "--", "-h"]);
        assert_eq!(options.operands, ["a", "b", "-h"]);
        assert_eq!((options.human, options.config.jobs.map(usize::from)), (true, Some(3)));
        assert_eq!(measure(&["--jobs=2", "--jobs", "5"]).config.jobs.map(usize::from), Some(5));
        assert!(measure(&["--human"]).human);
        assert_eq!(measure(&[]).config.jobs, None);
        assert_eq!(measure(&[]).config.forks, Forks::Shared);
        assert_eq!(measure(&["--fork", "each"]).config.forks, Forks::Each);
        assert_eq!(measure(&["--fork=each", "--fork=shared"]).config.forks, Forks::Shared);
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
        assert!(measure(&["-h"]).human);
    }
}
