//! Running the program.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::fs::File;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a run left.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the output is text");
        Self {
            status: output.status.code().expect("not a signal"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memalloc"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it.
pub fn memalloc(arguments: &[&str]) -> Ran {
    command(arguments).output().expect("it starts").into()
}

/// Runs it with something to read.
pub fn memalloc_reading(arguments: &[&str], input: &[u8]) -> Ran {
    reading(&mut command(arguments), input)
}

/// Runs a command with something to read.
pub fn reading(command: &mut Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("it is piped").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends").into()
}

/// Runs it with an output whose reader has left: its status and errors.
pub fn broken_pipe(arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    status_and_errors(command(arguments).stdout(writer))
}

/// Runs it with an output that has no room.
pub fn to_full_disk(arguments: &[&str]) -> (Option<i32>, String) {
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    status_and_errors(command(arguments).stdout(full))
}

fn status_and_errors(command: &mut Command) -> (Option<i32>, String) {
    let output = command.spawn().and_then(|child| child.wait_with_output()).expect("it runs");
    (output.status.code(), String::from_utf8(output.stderr).expect("the errors are text"))
}

/// The path of one of the tests' own traces.
pub fn trace(name: &str) -> String {
    format!("{}/tests/traces/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Calls `test` with the path of a file that is gone afterwards.
pub fn with_file(name: &str, content: &[u8], test: impl FnOnce(&str)) {
    static FOLDERS: AtomicUsize = AtomicUsize::new(0);
    let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("memalloc-test-{}-{number}", std::process::id()));
    let path = folder.join(name);
    std::fs::create_dir(&folder)
        .and_then(|()| std::fs::write(&path, content))
        .expect("the file can be written");
    test(path.to_str().expect("the path is text"));
    std::fs::remove_dir_all(&folder).expect("the folder is there");
}
