//! A directory for my_du to run in.
#![allow(dead_code, reason = "each test uses its part")]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use rustix::process::Pid;
use tempfile::TempDir;

/// A temporary directory with a copy of the program, which any user may run.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let anyone = fs::Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("my_du-").permissions(anyone).tempdir().unwrap();
        // Another process writes the copy: were it this one, a test that forks meanwhile would inherit the descriptor,
        // and nobody could run a file that is open for writing.
        let copied = Command::new("cp").args([env!("CARGO_BIN_EXE_my_du").as_ref(), dir.path()]).status();
        assert!(copied.unwrap().success());
        Self(dir)
    }

    pub(crate) fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn dir(&self, name: &str) {
        fs::create_dir_all(self.at(name)).unwrap();
    }

    /// A file of that size, with the directories above it.
    pub(crate) fn file(&self, name: &str, bytes: u64) {
        self.dir(Path::new(name).parent().unwrap().to_str().unwrap());
        File::create(self.at(name)).unwrap().set_len(bytes).unwrap();
    }

    pub(crate) fn link(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.at(name)).unwrap();
    }

    /// The sizes of these directories together.
    pub(crate) fn size_of(&self, dirs: &[&str]) -> u64 {
        dirs.iter().map(|dir| fs::symlink_metadata(self.at(dir)).unwrap().len()).sum()
    }

    /// my_du, to be run here.
    pub(crate) fn command(&self) -> Command {
        self.here(Command::new(self.at("my_du")))
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// A shell script, to be run here.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        self.here(command)
    }

    fn here(&self, mut command: Command) -> Command {
        command.current_dir(self.0.path()).env("LC_ALL", "C.UTF-8");
        command
    }
}

/// What a run printed to standard output; asserts that it succeeded and complained of nothing.
pub(crate) fn printed(output: &Output) -> String {
    assert_eq!(complaints(output), "");
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

pub(crate) fn complaints(output: &Output) -> String {
    text(&output.stderr)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The children of a process.
pub(crate) fn children(parent: &Child) -> Vec<Pid> {
    let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", parent.id())).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
