//! The options, for clap.

use std::ffi::OsString;

use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, Command};

use super::face::Face;

const ABOUT: &str = "\
Print the bytes in each DIR (default: the current directory): the apparent sizes of all that can be reached from it, \
through symbolic links too. Nothing is counted twice, neither within a DIR nor over all of them.";

const ABOUT_DU: &str = "\
Print how much of the disk each DIR (default: the current directory) takes, and each directory in it.";

const SIZE: &str = "\
SIZE is a number, a unit, or both: K, M, G, T, P, E for powers of 1024 (also KiB, MiB, ...), kB, MB, ... for powers of \
1000; or 'human-readable' or 'si'.";

const AGE: &str = "\
AGE is a number of s, min, h, d, w, mon or y: 36h, 2w; or a date: 2026-01-31.";

const UNITS_DU: &str = "\
Without an option, units are those of DU_BLOCK_SIZE, BLOCK_SIZE or BLOCKSIZE, or 1024 bytes (512 if POSIXLY_CORRECT is \
set).";

/// The command line that a program takes.
pub(super) fn command(face: &Face) -> Command {
    let (name, about, units) =
        if face.is_du { ("du", ABOUT_DU, UNITS_DU) } else { (super::NAME, ABOUT, AGE) };
    let command = Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .about(about)
        .override_usage(format!("{name} [OPTION]... [DIR]..."))
        .after_help(format!("{SIZE} {units}"))
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(all_to_inodes())
        .args(m_to_time());
    let command = if face.is_du { command } else { command.args(of_my_du()) };
    command
        .arg(flag("help").help("Print this help"))
        .arg(flag("version").help("Print the version"))
        .arg(operand())
}

/// The options of GNU du, in the order in which it names them where one is ambiguous.
fn all_to_inodes() -> [Arg; 15] {
    [
        flag("all").short('a').help("Print files too, not only directories"),
        flag("apparent-size").help("Print lengths, not the blocks in use"),
        letter('A').help("The same"),
        value("block-size", "SIZE").short('B').help("Print units of SIZE"),
        flag("bytes").short('b').help("Print lengths in bytes"),
        flag("count-links").short('l').help("Count a file once for each of its names"),
        flag("dereference").short('L').help("Follow all symbolic links"),
        flag("dereference-args").short('D').help("Follow symbolic links that are DIRs"),
        letter('H').help("The same"),
        value("exclude", "PATTERN").help("Pass over what matches the shell pattern PATTERN"),
        value("exclude-from", "LIST").short('X').help("Pass over what matches any line of the file LIST"),
        value("files0-from", "LIST")
            .help("Read the DIRs, each ended by NUL, from the file LIST ('-': standard input)"),
        flag("human-readable").short('h').help("Print sizes in powers of 1024, rounded up: 1.1K, 234M"),
        flag("inodes").help("Print how many inodes, not how many bytes"),
        letter('k').help("Print units of 1024 bytes"),
    ]
}

fn m_to_time() -> [Arg; 12] {
    [
        letter('m').help("Print units of 1024 * 1024 bytes"),
        flag("si").help("Print sizes in powers of 1000"),
        value("max-depth", "N").short('d').help("Print what is at most N levels below a DIR"),
        flag("null").short('0').help("End each line with NUL, not with a newline"),
        flag("no-dereference").short('P').help("Follow no symbolic links"),
        flag("one-file-system").short('x').help("Pass over other file systems"),
        flag("separate-dirs").short('S').help("Directories do not include their sub-directories"),
        flag("summarize").short('s').help("Print each DIR only"),
        flag("total").short('c').help("Print a grand total"),
        value("threshold", "SIZE").short('t').help("Print what is at least SIZE, or, if negative, at most"),
        value("time", "WHICH")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value(MODIFIED)
            .help("Print the newest time of anything in it: when it was modified, or its atime or ctime"),
        value("time-style", "STYLE").help("Print times as full-iso, long-iso, iso, or +FORMAT of date"),
    ]
}

fn of_my_du() -> [Arg; 18] {
    [
        flag("tree").help("Draw what is at most two levels (or -d N) below a DIR as a tree, the largest first"),
        value("top", "N").help("Print the N largest files and directories, the largest first"),
        value("sort", "WHAT").help("Print lines by 'size', the largest first, by 'name', or by 'time', the newest first"),
        flag("reverse").help("The other way round; by size, if nothing is said"),
        value("by", "WHAT").help("Print a sum for each 'type' of file, by the ending of its name, or each 'owner'"),
        flag("shared").help("Print too how much lies in blocks that other files or snapshots use, by reflinks"),
        flag("json").help("Print all that is in DIR in the format of ncdu: my_du --json DIR | ncdu -f -"),
        flag("exclude-caches").help("Pass over sub-directories that hold a CACHEDIR.TAG"),
        flag("exclude-kernfs").help("Pass over /proc, /sys and their like, which hold no files"),
        flag("exclude-hidden").help("Pass over what has a name that starts with a point"),
        value("include", "PATTERN").help("Count only files whose names match the shell pattern PATTERN"),
        value("larger", "SIZE").help("Count only files of at least SIZE"),
        value("smaller", "SIZE").help("Count only files of at most SIZE"),
        value("newer", "AGE").help("Count only files that were modified within AGE, or since a day"),
        value("older", "AGE").help("Count only files that were not modified within AGE, or since a day"),
        flag("disk-usage").help("Print the blocks in use, not lengths"),
        value("jobs", "N").short('j').help(
            "At most N child processes at once (default: one for each CPU, more while they wait for a disk)",
        ),
        value("fork", "HOW").help(
            "'each': a child process for each immediate sub-directory; 'shared': children that share them (default)",
        ),
    ]
}

/// What `--time` means without an argument; no argument is like it.
pub(super) const MODIFIED: &str = "\n";

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

fn letter(letter: char) -> Arg {
    let name = match letter {
        'A' => "A",
        'H' => "H",
        'k' => "k",
        _ => "m",
    };
    Arg::new(name).short(letter).action(ArgAction::SetTrue)
}

fn value(name: &'static str, argument: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(argument)
        .value_parser(OsStringValueParser::new())
        .action(ArgAction::Append)
        .allow_hyphen_values(true)
}

fn operand() -> Arg {
    Arg::new(OPERAND)
        .help("A directory, a file, or a link to one")
        .value_parser(OsStringValueParser::new())
        .action(ArgAction::Append)
        .num_args(0..)
}

/// The name of the operands.
pub(super) const OPERAND: &str = "DIR";

/// A command line that clap has read.
pub(super) struct Line {
    /// As it was given to clap.
    pub(super) form: Vec<OsString>,
    /// Names and arguments of options, in the order in which they stand there.
    pub(super) options: Vec<(String, OsString)>,
    pub(super) operands: Vec<OsString>,
}

impl Line {
    /// One without options.
    pub(super) fn of_operands(operands: Vec<OsString>) -> Self {
        Self { form: Vec::new(), options: Vec::new(), operands }
    }
}

/// Has clap read a command line.
pub(super) fn read(command: Command, form: Vec<OsString>) -> Result<Line, clap::Error> {
    let options: Vec<_> = command.get_arguments().map(|arg| (arg.get_id().to_string(), takes(arg))).collect();
    let mut matches = command.no_binary_name(true).try_get_matches_from(&form)?;
    let operands = matches.remove_many(OPERAND).map_or_else(Vec::new, Iterator::collect);
    let mut given = Vec::new();
    for (name, takes) in options.into_iter().filter(|(name, _)| name != OPERAND) {
        if matches.value_source(&name) != Some(clap::parser::ValueSource::CommandLine) {
            continue;
        }
        let places = matches.indices_of(&name).into_iter().flatten();
        let mut values = if takes { matches.get_many::<OsString>(&name) } else { None }.into_iter().flatten();
        for place in places {
            given.push((place, name.clone(), values.next().cloned().unwrap_or_default()));
        }
    }
    given.sort_by_key(|(place, _, _)| *place);
    let options = given.into_iter().map(|(_, name, value)| (name, value)).collect();
    Ok(Line { form, options, operands })
}

fn takes(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        for name in ["du", "my_du"] {
            command(&Face::called(Some(name.into()))).debug_assert();
        }
    }

    #[test]
    fn options_come_in_the_order_in_which_they_were_given() {
        let args = ["--exclude=a", "-h", "--time", "-B=x", "--time=use", "-k", "--exclude=", "--", "f", "-h"];
        let command = command(&Face::called(Some("du".into())));
        let Line { options, operands, .. } = read(command, args.map(OsString::from).to_vec()).unwrap();
        let given: Vec<_> =
            options.iter().map(|(name, value)| format!("{name}={}", value.display())).collect();
        let expected =
            ["exclude=a", "human-readable=", "time=\n", "block-size=x", "time=use", "k=", "exclude="];
        assert_eq!(given, expected);
        assert_eq!(operands, ["f", "-h"]);
    }
}
