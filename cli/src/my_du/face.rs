//! The two programs that this one is: `my_du`, and, by a link of that name, `du`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Which program this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Face {
    /// It is GNU's `du` in all that it prints.
    pub(super) is_du: bool,
    /// The name in messages.
    pub(super) name: OsString,
}

impl Face {
    /// The program by the name that it was called.
    pub(super) fn called(name: Option<OsString>) -> Self {
        let is_du = name.as_ref().is_some_and(|name| Path::new(name).file_name() == Some(OsStr::new("du")));
        let name = name.filter(|_| is_du).unwrap_or_else(|| super::NAME.into());
        Self { is_du, name }
    }

    /// A line of a message.
    pub(super) fn line(&self, message: &[u8]) -> Vec<u8> {
        [self.name.as_bytes(), b": ", message, b"\n"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_component_decides() {
        let face = |name: &str| Face::called(Some(name.into()));
        assert!(face("du").is_du && face("/usr/bin/du").is_du);
        assert_eq!(face("/usr/bin/du").line(b"x"), b"/usr/bin/du: x\n");
        assert!(!face("du/x").is_du && !face("my_du").is_du && !Face::called(None).is_du);
        assert_eq!(face("./x").line(b"y"), b"my_du: y\n");
    }
}
