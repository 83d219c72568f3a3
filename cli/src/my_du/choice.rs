//! Words that options take, or the starts of them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use memalloc_os::walk::Time;

use super::command::MODIFIED;
use super::quote::{cited, quoted};
use super::settings::{Otherwise, wrong};

/// Which time `--time` asks for.
pub(super) fn time(argument: &OsStr) -> Result<Time, Otherwise> {
    if argument == MODIFIED {
        return Ok(Time::Modified);
    }
    let words = [
        ("atime", Time::Accessed),
        ("access", Time::Accessed),
        ("use", Time::Accessed),
        ("ctime", Time::Changed),
        ("status", Time::Changed),
    ];
    let argument = argument.as_bytes();
    chosen(&words, argument).map_err(|kind| {
        wrong_choice(kind, argument, "--time", &[&["atime", "access", "use"], &["ctime", "status"]])
    })
}

/// What one of these words stands for.
pub(super) fn one_of<T: Copy>(option: &str, words: &[(&str, T)], argument: &OsStr) -> Result<T, Vec<u8>> {
    if let Some((_, meant)) = words.iter().find(|(word, _)| *word == argument) {
        return Ok(*meant);
    }
    let cited: Vec<_> = words.iter().map(|(word, _)| format!("'{word}'")).collect();
    let (last, others) =
        cited.split_last().map_or(("", "".into()), |(last, others)| (&**last, others.join(", ")));
    let valid = format!(" for '--{option}'; valid are {others} and {last}");
    Err([b"invalid argument ", &*quoted(argument), valid.as_bytes()].concat())
}

/// What a word, or the start of one, stands for; otherwise how it does not.
pub(super) fn chosen<T: Copy + PartialEq>(words: &[(&str, T)], argument: &[u8]) -> Result<T, &'static str> {
    let exact = words.iter().find(|(word, _)| word.as_bytes() == argument);
    let mut meant = words.iter().filter(|(word, _)| word.as_bytes().starts_with(argument)).map(|(_, it)| *it);
    match (exact, meant.next()) {
        (Some((_, it)), _) => Ok(*it),
        (None, Some(it)) if meant.all(|other| other == it) => Ok(it),
        (None, Some(_)) => Err("ambiguous"),
        (None, None) => Err("invalid"),
    }
}

/// What is said of a word that stands for nothing, or for several things.
pub(super) fn wrong_choice(kind: &str, argument: &[u8], what: &str, valid: &[&[&str]]) -> Otherwise {
    let cite = |word: &str| cited(word.as_bytes());
    let mut message =
        [kind.as_bytes(), b" argument ", &cited(argument), b" for ", &cite(what), b"\nValid arguments are:"]
            .concat();
    for synonyms in valid {
        let synonyms: Vec<_> = synonyms.iter().map(|word| cite(word)).collect();
        message.extend_from_slice(b"\n  - ");
        message.extend_from_slice(&synonyms.join(&b", "[..]));
    }
    wrong(message, true)
}
