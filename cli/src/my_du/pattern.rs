//! Shell patterns, matched as `fnmatch` matches them: a `/` or a leading dot is a character like any other.

/// Whether `pattern` matches the path, or what follows one of its slashes. As with the C library, a pattern that does not
/// match the characters of UTF-8 may still match their bytes.
///
/// The backslash at the end of a pattern without wildcards stands for itself, as in GNU du.
pub(super) fn excludes(pattern: &[u8], path: &[u8], utf8: bool) -> bool {
    let (pattern, path) = match plain_with_backslash(pattern) {
        None => (pattern, path),
        Some(before) => match path.strip_suffix(b"\\") {
            Some(path) => (before, path),
            None => return false,
        },
    };
    (utf8 && excludes_as(pattern, path, true)) || excludes_as(pattern, path, false)
}

/// What stands before the backslash that ends a pattern, if that quotes nothing and the pattern has no wildcards.
fn plain_with_backslash(pattern: &[u8]) -> Option<&[u8]> {
    let mut rest = pattern;
    loop {
        rest = match rest {
            [b'\\'] => return pattern.split_last().map(|(_, before)| before),
            [] | [b'*' | b'?' | b'[', ..] => return None,
            [b'\\', _, after @ ..] | [_, after @ ..] => after,
        };
    }
}

fn excludes_as(pattern: &[u8], path: &[u8], utf8: bool) -> bool {
    let starts =
        path.iter().enumerate().filter(|&(at, &byte)| byte == b'/' && path.get(at + 1) != Some(&b'/'));
    let inner = starts.filter_map(|(at, _)| path.get(at + 1..));
    std::iter::once(path).chain(inner).any(|text| matches(pattern, text, utf8))
}

/// Whether `pattern` matches all of `text`. Neither allocates nor recurses: a star is tried again from the next
/// character when what follows it does not match.
fn matches(mut pattern: &[u8], mut text: &[u8], utf8: bool) -> bool {
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(after) = pattern.strip_prefix(b"*") {
            pattern = after;
            retry = Some((after, text));
            continue;
        }
        match one(pattern, text, utf8) {
            Some((pattern_left, text_left)) => (pattern, text) = (pattern_left, text_left),
            None if pattern.is_empty() && text.is_empty() => return true,
            None => {
                let Some((after, from)) = retry else { return false };
                let Some((_, rest)) = character(from, utf8) else { return false };
                (pattern, text) = (after, rest);
                retry = Some((after, rest));
            }
        }
    }
}

/// Matches one character: what is left of the pattern and of the text.
fn one<'p, 't>(pattern: &'p [u8], text: &'t [u8], utf8: bool) -> Option<(&'p [u8], &'t [u8])> {
    let (found, text_left) = character(text, utf8)?;
    match pattern {
        [b'?', after @ ..] => return Some((after, text_left)),
        [b'[', set @ ..] => {
            if let Some((has, after)) = set_has(set, found, utf8) {
                return has.then_some((after, text_left));
            }
        }
        [b'\\', quoted @ ..] => {
            let (wanted, after) = character(quoted, utf8)?;
            return (wanted == found).then_some((after, text_left));
        }
        _ => {}
    }
    let (wanted, after) = character(pattern, utf8)?;
    (wanted == found).then_some((after, text_left))
}

/// The first character, and what follows; a byte that starts none is one.
fn character(text: &[u8], utf8: bool) -> Option<(u32, &[u8])> {
    let (&first, rest) = text.split_first()?;
    let byte = (0x11_0000 + u32::from(first), rest);
    if first < 0x80 {
        return Some((first.into(), rest));
    }
    if !utf8 {
        return Some(byte);
    }
    let decode = |len| {
        let character = std::str::from_utf8(text.get(..len)?).ok()?.chars().next()?;
        Some((u32::from(character), text.get(len..)?))
    };
    Some((2..=4).find_map(decode).unwrap_or(byte))
}

/// Whether a set, of which the bracket has been read, has a character, and what follows the set; `None` if there is no
/// end to it, and so no set.
fn set_has(set: &[u8], found: u32, utf8: bool) -> Option<(bool, &[u8])> {
    let (negated, mut rest) = match set {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, set),
    };
    let (mut has, mut is_first) = (false, true);
    loop {
        match rest {
            [] => return None,
            [b']', after @ ..] if !is_first => return Some((has != negated, after)),
            [b'[', b':', class @ ..] if let Some((name, after)) = named(class, b":]") => {
                has |= class_has(name, found)?;
                rest = after;
            }
            _ => {
                let (low, after) = member(rest, utf8)?;
                let range = after.strip_prefix(b"-").filter(|after| !after.starts_with(b"]"));
                let (high, after) = match range {
                    Some(after) => member(after, utf8)?,
                    None => (low, after),
                };
                has |= (low..=high).contains(&found);
                rest = after;
            }
        }
        is_first = false;
    }
}

/// A member of a set, which may be quoted, or stand as `[.x.]` or `[=x=]`.
fn member(rest: &[u8], utf8: bool) -> Option<(u32, &[u8])> {
    let (name, after) = match rest {
        [b'[', b'.', name @ ..] => named(name, b".]")?,
        [b'[', b'=', name @ ..] => named(name, b"=]")?,
        [b'\\', quoted @ ..] => return character(quoted, utf8),
        _ => return character(rest, utf8),
    };
    let (only, left) = character(name, utf8)?;
    left.is_empty().then_some((only, after))
}

/// What stands before `end`, and what after.
fn named<'n>(text: &'n [u8], end: &[u8]) -> Option<(&'n [u8], &'n [u8])> {
    let at = text.windows(end.len()).position(|part| part == end)?;
    Some((&text[..at], &text[at + end.len()..]))
}

fn class_has(name: &[u8], found: u32) -> Option<bool> {
    let Some(it) = char::from_u32(found) else { return Some(false) };
    Some(match name {
        b"alpha" => it.is_alphabetic(),
        b"alnum" => it.is_alphanumeric(),
        b"digit" => it.is_ascii_digit(),
        b"xdigit" => it.is_ascii_hexdigit(),
        b"lower" => it.is_lowercase(),
        b"upper" => it.is_uppercase(),
        b"space" => it.is_whitespace(),
        b"blank" => matches!(it, ' ' | '\t'),
        b"cntrl" => it.is_control(),
        b"punct" => !it.is_control() && !it.is_alphanumeric() && !it.is_whitespace(),
        b"print" => !it.is_control(),
        b"graph" => !it.is_control() && !it.is_whitespace(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        let yes = [
            ("*", ""),
            ("a*b*c", "axbybzc"),
            ("*.c", "d/e/file.c"),
            ("?", "é"),
            ("[a-f]?", "dx"),
            ("[!d]", "e"),
            ("[^d]", "é"),
            ("[]y]", "]"),
            ("[[:alpha:]]", "é"),
            ("[[.d.]-f]", "e"),
            ("[\\]]", "]"),
            ("\\*", "*"),
            ("[", "["),
            ("[a", "[a"),
            ("", ""),
        ];
        for (pattern, text) in yes {
            assert!(matches(pattern.as_bytes(), text.as_bytes(), true), "{pattern} {text}");
        }
        let no =
            [("?", ""), ("a", "ab"), ("*a", "ab"), ("[z-a]", "z"), ("[d]", "e"), ("\\", "\\"), ("{a}", "a")];
        for (pattern, text) in no {
            assert!(!matches(pattern.as_bytes(), text.as_bytes(), true), "{pattern} {text}");
        }
        assert!(matches(b"??", "é".as_bytes(), false) && matches(b"?", b"\xff", true));
    }

    #[test]
    fn a_pattern_excludes_what_follows_any_slash() {
        for pattern in ["c", "b/c", "a//b/c", "a*", "b*", "?"] {
            assert!(excludes(pattern.as_bytes(), b"a//b/c", true), "{pattern}");
        }
        assert!(excludes(b"?", "d/é".as_bytes(), true) && excludes(b"??", "d/é".as_bytes(), true));
        for pattern in ["b", "/b", "a", "", "c/"] {
            assert!(!excludes(pattern.as_bytes(), b"a//b/c", true), "{pattern}");
        }
    }

    #[test]
    fn a_backslash_at_the_end_of_a_plain_pattern_stands_for_itself() {
        for (pattern, path) in
            [("\\", "\\"), ("\\", "a/\\"), ("a\\", "b/a\\"), ("\\*\\", "*\\"), ("a\\\\", "a\\")]
        {
            assert!(excludes(pattern.as_bytes(), path.as_bytes(), true), "{pattern} {path}");
        }
        for (pattern, path) in [("\\", "a\\"), ("\\", ""), ("a\\", "a"), ("*\\", "a\\"), ("[a]\\", "a\\")] {
            assert!(!excludes(pattern.as_bytes(), path.as_bytes(), true), "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        assert!(!matches(&b"*a".repeat(1000), &b"b".repeat(100_000), true));
    }
}
