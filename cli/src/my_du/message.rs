//! The walker's diagnostics in the words of GNU du.

use std::io;

use memalloc_os::walk::{Diagnostic, Trouble};

use super::quote::quoted;

/// The message without the program's name.
pub(super) fn of(diagnostic: &Diagnostic) -> Vec<u8> {
    let (what, why) = match &diagnostic.trouble {
        Trouble::Dangles => return [b"cannot access ", &*quoted(diagnostic.path.as_os_str())].concat(),
        Trouble::Access(error) => ("cannot access", reason(error)),
        Trouble::ReadDirectory(error) => ("cannot read directory", reason(error)),
        Trouble::Killed(signal) => ("cannot finish", format!("its process was killed by signal {signal}")),
        Trouble::Ended(Some(status)) => ("cannot finish", format!("its process ended with status {status}")),
        Trouble::Ended(None) => ("cannot finish", "its process was lost".into()),
        other => ("cannot finish", format!("{other:?}")),
    };
    [what.as_bytes(), b" ", &quoted(diagnostic.path.as_os_str()), b": ", why.as_bytes()].concat()
}

/// The system's words for an error, without the number that the standard library adds.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error().and_then(|number| text.strip_suffix(&format!(" (os error {number})"))) {
        Some(words) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_as_those_of_gnu_du() {
        let message = |trouble| {
            let diagnostic = Diagnostic { path: "a b".into(), trouble };
            String::from_utf8(of(&diagnostic)).unwrap()
        };
        let denied = || io::Error::from_raw_os_error(13);
        assert_eq!(
            message(Trouble::ReadDirectory(denied())),
            "cannot read directory 'a b': Permission denied"
        );
        assert_eq!(message(Trouble::Access(denied())), "cannot access 'a b': Permission denied");
        assert_eq!(message(Trouble::Killed(9)), "cannot finish 'a b': its process was killed by signal 9");
    }
}
