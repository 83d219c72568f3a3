//! The colours of names, as `ls` has them: `LS_COLORS`. The crates for it bring more code than all of this program.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

/// What `ls` does without `LS_COLORS`.
const DEFAULT: &str = "di=01;34:ln=01;36:pi=33:so=01;35:bd=01;33:cd=01;33:ex=01;32";

/// Kinds of files, or ends of names after a `*`, and the codes of their colours.
pub(super) struct Colours(Vec<(String, String)>);

impl Colours {
    /// Those of the environment.
    pub(super) fn of_environment() -> Self {
        Self::read(&env::var("LS_COLORS").unwrap_or_else(|_| DEFAULT.into()))
    }

    fn read(text: &str) -> Self {
        let is_code = |code: &str| code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';');
        let pairs = text.split(':').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.filter(|(_, code)| is_code(code) || *code == "target");
        Self(pairs.map(|(key, code)| (key.into(), code.into())).collect())
    }

    /// The code for what a path names, if it has a colour.
    pub(super) fn code(&self, path: &[u8]) -> Option<&str> {
        let path = Path::new(OsStr::from_bytes(path));
        let facts = fs::symlink_metadata(path).ok()?;
        let code = if facts.is_symlink() {
            let target = fs::metadata(path).ok();
            match (self.first(if target.is_some() { &["ln"] } else { &["or", "ln"] }), target) {
                (Some("target"), Some(target)) => self.of_kind(path, &target),
                (code, _) => code,
            }
        } else {
            self.of_kind(path, &facts)
        };
        code.filter(|code| code.bytes().any(|byte| !matches!(byte, b'0' | b';')) && *code != "target")
    }

    fn of_kind(&self, path: &Path, facts: &Metadata) -> Option<&str> {
        let (kind, mode) = (facts.file_type(), facts.permissions().mode());
        match () {
            () if kind.is_dir() => match (mode & 0o1000 != 0, mode & 0o002 != 0) {
                (true, true) => self.first(&["tw", "di"]),
                (false, true) => self.first(&["ow", "di"]),
                (true, false) => self.first(&["st", "di"]),
                (false, false) => self.first(&["di"]),
            },
            () if kind.is_fifo() => self.first(&["pi"]),
            () if kind.is_socket() => self.first(&["so"]),
            () if kind.is_block_device() => self.first(&["bd"]),
            () if kind.is_char_device() => self.first(&["cd"]),
            () if mode & 0o4000 != 0 && self.first(&["su"]).is_some() => self.first(&["su"]),
            () if mode & 0o2000 != 0 && self.first(&["sg"]).is_some() => self.first(&["sg"]),
            () if mode & 0o111 != 0 && self.first(&["ex"]).is_some() => self.first(&["ex"]),
            () => self.by_end(path).or_else(|| self.first(&["fi"])),
        }
    }

    /// The code of the first of these keys that has one; the last one that is given for a key holds.
    fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|wanted| Some(&*self.0.iter().rfind(|(key, _)| key == wanted)?.1))
    }

    fn by_end(&self, path: &Path) -> Option<&str> {
        let name = path.file_name()?.as_bytes();
        let is_end = |key: &str| key.strip_prefix('*').is_some_and(|end| name.ends_with(end.as_bytes()));
        Some(&*self.0.iter().rfind(|(key, _)| is_end(key))?.1)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, Permissions};
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn kinds_and_ends_have_their_colours() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for name in ["a.tar", "b.tar", "plain", "run.tar"] {
            File::create(at(name)).unwrap();
        }
        fs::create_dir(at("dir")).unwrap();
        fs::create_dir(at("open")).unwrap();
        fs::set_permissions(at("open"), Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(at("run.tar"), Permissions::from_mode(0o755)).unwrap();
        symlink("dir", at("to dir")).unwrap();
        symlink("gone", at("to nothing")).unwrap();
        let colours = |text: &str, name: &str| {
            Colours::read(text).code(at(name).as_os_str().as_bytes()).map(str::to_owned)
        };
        let text = "di=34:ow=30;42:ln=target:or=31:*.tar=1:*b.tar=35:ex=32:fi=00:xx=\u{1b}[1m:";
        let cases = [
            ("dir", Some("34")),
            ("open", Some("30;42")),
            ("a.tar", Some("1")),
            ("b.tar", Some("35")),
            ("run.tar", Some("32")),
            ("plain", None),
            ("to dir", Some("34")),
            ("to nothing", Some("31")),
            ("gone", None),
        ];
        for (name, code) in cases {
            assert_eq!(colours(text, name).as_deref(), code, "{name}");
        }
        assert_eq!(colours("di=\u{1b}[2J", "dir"), None);
        assert_eq!(colours("ln=36", "to nothing").as_deref(), Some("36"));
        assert_eq!(colours(DEFAULT, "dir").as_deref(), Some("01;34"));
    }
}
