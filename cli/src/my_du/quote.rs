//! Names in messages, quoted for the shell as GNU programs do it.

use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The name in quotes, such that a shell reads the same bytes again, and that no control character reaches a terminal.
pub(super) fn quoted(name: &OsStr) -> Vec<u8> {
    quote(name.as_bytes(), locale_is_utf8())
}

/// The name, in quotes only if a shell would read anything else without them.
pub(super) fn quoted_if_needed(name: &OsStr) -> Vec<u8> {
    let quoted = quoted(name);
    let bytes = name.as_bytes();
    let is_plain = quoted.len() == bytes.len() + 2 && quoted[1..].starts_with(bytes) && quoted[0] == b'\'';
    let is_special = |(at, byte): (usize, &u8)| match byte {
        b'#' | b'~' => at == 0,
        b'{' | b'}' => bytes.len() == 1,
        byte => b" !\"$&'()*;<=>?[\\^`|".contains(byte),
    };
    if is_plain && !bytes.is_empty() && !bytes.iter().enumerate().any(is_special) {
        bytes.into()
    } else {
        quoted
    }
}

/// A word of a message in the quotes of the locale, in which control characters are escaped as in C.
pub(super) fn cited(word: &[u8]) -> Vec<u8> {
    cite(word, locale_is_utf8())
}

fn cite(word: &[u8], utf8: bool) -> Vec<u8> {
    let (open, close) = if utf8 { ("‘", "’") } else { ("'", "'") };
    let mut out = Vec::from(open);
    for piece in word.utf8_chunks().flat_map(|chunk| cut(chunk, utf8)) {
        match piece {
            Piece::Byte(byte) => out.extend_from_slice(escape(byte).as_bytes()),
            Piece::Plain(b"\\") => out.extend_from_slice(b"\\\\"),
            Piece::Plain(b"'") if !utf8 => out.extend_from_slice(b"\\'"),
            Piece::Plain(text) if utf8 && text == close.as_bytes() => out.extend_from_slice("\\’".as_bytes()),
            Piece::Plain(text) => out.extend_from_slice(text),
        }
    }
    out.extend_from_slice(close.as_bytes());
    out
}

/// Whether the locale's characters are those of UTF-8.
pub(super) fn locale_is_utf8() -> bool {
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(env::var_os).find(|value| !value.is_empty());
    let set = set.unwrap_or_default().to_ascii_lowercase();
    [&b"utf-8"[..], b"utf8"].iter().any(|name| set.as_bytes().windows(name.len()).any(|part| part == *name))
}

/// A printable piece of a name, or a byte that must be escaped.
enum Piece<'n> {
    Plain(&'n [u8]),
    Byte(u8),
}

fn quote(name: &[u8], utf8: bool) -> Vec<u8> {
    let pieces = || name.utf8_chunks().flat_map(move |chunk| cut(chunk, utf8));
    if name.contains(&b'\'') && pieces().enumerate().all(|(at, piece)| is_tame(at, &piece)) {
        return [b"\"", name, b"\""].concat();
    }
    let mut out = vec![b'\''];
    // GNU programs try once without a quote in the name, and go on from how that ended.
    let mut escaping = name.contains(&b'\'') && matches!(pieces().last(), Some(Piece::Byte(_)));
    for piece in pieces() {
        match piece {
            Piece::Byte(byte) => {
                if !escaping {
                    out.extend_from_slice(b"'$'");
                }
                escaping = true;
                out.extend_from_slice(escape(byte).as_bytes());
            }
            Piece::Plain(b"'") => {
                escaping = false;
                out.extend_from_slice(b"'\\''");
            }
            Piece::Plain(text) => {
                if escaping {
                    out.extend_from_slice(b"''");
                }
                escaping = false;
                out.extend_from_slice(text);
            }
        }
    }
    out.push(b'\'');
    out
}

fn cut(chunk: std::str::Utf8Chunk<'_>, utf8: bool) -> impl Iterator<Item = Piece<'_>> {
    let valid = chunk.valid();
    let characters = valid.char_indices().flat_map(move |(at, character)| {
        let bytes = &valid.as_bytes()[at..at + character.len_utf8()];
        let plain = !character.is_control() && (utf8 || character.is_ascii());
        let escaped = if plain { &[] } else { bytes };
        plain.then_some(Piece::Plain(bytes)).into_iter().chain(escaped.iter().copied().map(Piece::Byte))
    });
    characters.chain(chunk.invalid().iter().copied().map(Piece::Byte))
}

/// Whether a piece means itself between double quotes too, in C and in any shell, and is not special to a shell.
fn is_tame(at: usize, piece: &Piece<'_>) -> bool {
    match piece {
        Piece::Plain(b"#" | b"~") => at == 0,
        Piece::Plain([byte]) => !b"!\"$&()*;<=>[^`|?\\{}".contains(byte),
        Piece::Plain(_) => true,
        Piece::Byte(_) => false,
    }
}

fn escape(byte: u8) -> String {
    match byte {
        0x07 => "\\a".into(),
        0x08 => "\\b".into(),
        b'\t' => "\\t".into(),
        b'\n' => "\\n".into(),
        0x0b => "\\v".into(),
        0x0c => "\\f".into(),
        b'\r' => "\\r".into(),
        _ => format!("\\{byte:03o}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &[u8], expected: &str) {
        assert_eq!(String::from_utf8(quote(name, true)).unwrap(), expected);
    }

    #[test]
    fn plain_names_stand_in_single_quotes() {
        check(b"", "''");
        check(b"a b", "'a b'");
        check(b"$x\\\"", "'$x\\\"'");
        check("é".as_bytes(), "'é'");
        assert_eq!(quote("é".as_bytes(), false), b"''$'\\303\\251'");
    }

    #[test]
    fn single_quotes_make_double_quotes_if_nothing_else_is_special() {
        check(b"it's", "\"it's\"");
        check(b"#'", "\"#'\"");
        check(b"a#'", "'a#'\\'''");
        check(b"x'y\\z", "'x'\\''y\\z'");
        check(b"a\"b'", "'a\"b'\\'''");
        check(b"a'b'c $", "'a'\\''b'\\''c $'");
    }

    #[test]
    fn odd_bytes_are_escaped() {
        check(b"a\nb", "'a'$'\\n''b'");
        check(b"\n", "''$'\\n'");
        check(b"a\xffb", "'a'$'\\377''b'");
        check(b"/\t\x01x1", "'/'$'\\t\\001''x1'");
        check(b"\n's", "''$'\\n'\\''s'");
        check(b"./q'u\x01", "'''./q'\\''u'$'\\001'");
        check(b"\x02q'u\x01", "'\\002''q'\\''u'$'\\001'");
    }

    #[test]
    fn words_are_cited_in_the_quotes_of_the_locale() {
        assert_eq!(cite(b"it's\n", true), "‘it's\\n’".as_bytes());
        assert_eq!(cite(b"it's\xff\\", false), b"'it\\'s\\377\\\\'");
    }

    #[test]
    fn only_what_a_shell_would_change_is_quoted() {
        let shown = |name: &str| String::from_utf8(quoted_if_needed(OsStr::new(name))).unwrap();
        for name in ["a", "-", "a#", "a~b", "{a}", "a,b"] {
            assert_eq!(shown(name), name);
        }
        assert_eq!([shown(""), shown("a b"), shown("#a"), shown("{")], ["''", "'a b'", "'#a'", "'{'"]);
        assert_eq!([shown("it's"), shown("a\nb")], ["\"it's\"", "'a'$'\\n''b'"]);
    }
}
