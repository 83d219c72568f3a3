//! The ways in which GNU's getopt lets options be written: abbreviated, clustered, among operands, with their argument
//! apart. They are put in the one form, `--name=argument` or `-x`, that clap reads in the same way.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::{Arg, Command};

/// Puts arguments in the form for clap, operands last. What is wrong with them is told in getopt's words, and in order.
///
/// With `posix` the first operand ends the options.
pub(super) fn in_one_form(
    command: &Command,
    args: impl Iterator<Item = OsString>,
    posix: bool,
) -> Result<Vec<OsString>, Vec<Vec<u8>>> {
    let mut reader = Reader { command, args, form: Vec::new(), operands: Vec::new(), wrong: Vec::new() };
    reader.read(posix);
    if !reader.wrong.is_empty() {
        return Err(reader.wrong);
    }
    let mut form = reader.form;
    form.push("--".into());
    form.append(&mut reader.operands);
    Ok(form)
}

/// Reads arguments one by one.
struct Reader<'c, A> {
    command: &'c Command,
    args: A,
    form: Vec<OsString>,
    operands: Vec<OsString>,
    wrong: Vec<Vec<u8>>,
}

impl<'c, A: Iterator<Item = OsString>> Reader<'c, A> {
    fn read(&mut self, posix: bool) {
        while let Some(arg) = self.args.next() {
            match arg.as_bytes() {
                b"--" => return self.operands.extend(&mut self.args),
                [b'-', b'-', long @ ..] => self.long(&arg, long),
                [b'-', short @ ..] if !short.is_empty() => self.cluster(short),
                _ => {
                    self.operands.push(arg);
                    if posix {
                        return self.operands.extend(&mut self.args);
                    }
                }
            }
        }
    }

    fn long(&mut self, arg: &OsStr, text: &[u8]) {
        let mut parts = text.splitn(2, |&byte| byte == b'=');
        let (name, argument) = (parts.next().unwrap_or_default(), parts.next());
        match self.meant(name).as_slice() {
            [] => self.complain(&[b"unrecognized option '--", name, b"'"]),
            &[(option, long)] => self.option(&format!("--{long}"), option, argument),
            several => {
                let possibilities =
                    several.iter().flat_map(|(_, long)| [" '--", long, "'"]).collect::<String>();
                self.complain(&[
                    b"option '",
                    arg.as_bytes(),
                    b"' is ambiguous; possibilities:",
                    possibilities.as_bytes(),
                ]);
            }
        }
    }

    /// The options that a name, or the start of one, may mean.
    fn meant(&self, name: &[u8]) -> Vec<(&'c Arg, &'c str)> {
        let named = self.command.get_arguments().filter_map(|option| Some((option, option.get_long()?)));
        let meant: Vec<_> = named.filter(|(_, long)| long.as_bytes().starts_with(name)).collect();
        let exact = meant.iter().find(|(_, long)| long.as_bytes() == name).copied();
        exact.map_or(meant, |exact| vec![exact])
    }

    fn cluster(&mut self, mut letters: &[u8]) {
        while let Some((&letter, rest)) = letters.split_first() {
            letters = rest;
            let find = |option: &&Arg| option.get_short() == Some(char::from(letter));
            let Some(option) = self.command.get_arguments().find(find) else {
                self.complain(&[b"invalid option -- '", &[letter], b"'"]);
                continue;
            };
            let name = format!("-{}", char::from(letter));
            if takes(option) == Takes::One {
                let rest = std::mem::take(&mut letters);
                return self.option(&name, option, Some(rest).filter(|rest| !rest.is_empty()));
            }
            self.option(&name, option, None);
        }
    }

    /// Takes an option, written as `name`.
    fn option(&mut self, name: &str, option: &Arg, argument: Option<&[u8]>) {
        let argument = argument.map(<[u8]>::to_vec);
        match (takes(option), argument) {
            (Takes::Nothing, Some(_)) => {
                self.complain(&[b"option '", name.as_bytes(), b"' doesn't allow an argument"]);
            }
            (Takes::Nothing | Takes::Perhaps, None) => self.form.push(name.into()),
            (_, Some(argument)) => self.give(name, &argument),
            (Takes::One, None) => match self.args.next() {
                Some(argument) => self.give(name, argument.as_bytes()),
                None if name.starts_with("--") => {
                    self.complain(&[b"option '", name.as_bytes(), b"' requires an argument"]);
                }
                None => {
                    self.complain(&[b"option requires an argument -- '", &name.as_bytes()[1..], b"'"]);
                }
            },
        }
    }

    fn give(&mut self, name: &str, argument: &[u8]) {
        self.form.push(OsString::from_vec([name.as_bytes(), b"=", argument].concat()));
    }

    fn complain(&mut self, parts: &[&[u8]]) {
        self.wrong.push(parts.concat());
    }
}

/// How many arguments an option takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Perhaps,
    One,
}

fn takes(option: &Arg) -> Takes {
    match option.get_num_args() {
        _ if !option.get_action().takes_values() => Takes::Nothing,
        Some(range) if range.min_values() == 0 => Takes::Perhaps,
        _ => Takes::One,
    }
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    fn form(args: &[&str], posix: bool) -> Result<String, String> {
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::Count);
        let command = Command::new("x")
            .arg(flag("all").short('a'))
            .arg(flag("apparent"))
            .arg(Arg::new("size").long("size").short('B'))
            .arg(Arg::new("time").long("time").num_args(0..=1).require_equals(true))
            .arg(Arg::new("time-style").long("time-style"));
        let text =
            |args: &[OsString]| args.iter().map(|arg| arg.to_str().unwrap()).collect::<Vec<_>>().join(" ");
        let wrong = |wrong: Vec<Vec<u8>>| String::from_utf8(wrong.join(&b'\n')).unwrap();
        in_one_form(&command, args.iter().map(OsString::from), posix).map(|form| text(&form)).map_err(wrong)
    }

    #[test]
    fn options_are_found_however_they_are_written() {
        let cases = [
            (&["f", "-aB1K", "-B", "-a", "g"][..], "-a -B=1K -B=-a -- f g"),
            (&["--al", "--size", "x", "--s=", "--", "-a"], "--all --size=x --size= -- -a"),
            (&["--time", "x", "--time=y", "--time-s", "z"], "--time --time=y --time-style=z -- x"),
            (&["-", "-B=1"], "-B==1 -- -"),
        ];
        for (args, expected) in cases {
            assert_eq!(form(args, false).unwrap(), expected);
        }
        assert_eq!(form(&["-a", "f", "-a"], true).unwrap(), "-a -- f -a");
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let cases = [
            (&["--foo=1", "-Q"][..], "unrecognized option '--foo'\ninvalid option -- 'Q'"),
            (&["--ti=x"], "option '--ti=x' is ambiguous; possibilities: '--time' '--time-style'"),
            (&["--a"], "option '--a' is ambiguous; possibilities: '--all' '--apparent'"),
            (&["--all=3"], "option '--all' doesn't allow an argument"),
            (&["-aB"], "option requires an argument -- 'B'"),
            (&["--si"], "option '--size' requires an argument"),
        ];
        for (args, expected) in cases {
            assert_eq!(form(args, false).unwrap_err(), expected);
        }
    }
}
