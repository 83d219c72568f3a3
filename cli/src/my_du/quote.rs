//! Names in messages, quoted for the shell as GNU programs do it.

use std::env;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The name in quotes, such that a shell reads the same bytes again, and that no control character reaches a terminal.
pub(super) fn quoted(name: &OsStr) -> Vec<u8> {
    quote(name.as_bytes(), locale_is_utf8())
}

fn locale_is_utf8() -> bool {
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
    let mut escaping = false;
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
    use super::quote;

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
    }
}
