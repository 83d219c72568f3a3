//! Texts of others, for people to read.

/// The text with all escaped that could steer a terminal or end a line.
pub(crate) fn harmless(text: impl Iterator<Item = char>) -> String {
    let escaped = |char: char| match char {
        '\'' | '"' => char.to_string(),
        _ => char.escape_debug().to_string(),
    };
    text.map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_harm_is_escaped() {
        assert_eq!(harmless("it's \"für\" x.rep".chars()), "it's \"für\" x.rep");
        assert_eq!(
            harmless("a\u{1b}[2J\n\r\u{7f}\u{9b}\u{202e}\\n".chars()),
            "a\\u{1b}[2J\\n\\r\\u{7f}\\u{9b}\\u{202e}\\\\n"
        );
    }
}
