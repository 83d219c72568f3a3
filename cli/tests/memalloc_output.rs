//! Where memalloc prints to.

mod memalloc_common;

use std::io::Read;
use std::process::{Command, Output};

use memalloc_common::{broken_pipe, to_full_disk, trace};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Runs it by a shell, with these words after it.
fn run(words: &str) -> Output {
    let script = format!("exec \"$0\" {words}");
    Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_memalloc")]).output().unwrap()
}

fn complaint(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let small = trace("small.rep");
    let bad = (Some(1), "memalloc: standard output: Bad file descriptor (os error 9)\n".to_owned());
    for words in ["--help", "--version", "replay --runs 1", "replay --runs 1 --json", "map", "map --svg -"] {
        let operand = if words.starts_with("--") { "" } else { &small };
        for closed in [">&-", "<&- >&-", "1</dev/null"] {
            assert_eq!(complaint(&run(&format!("{words} {operand} {closed}"))), bad, "{words} {closed}");
        }
    }
    let full = (Some(1), "memalloc: standard output: No space left on device (os error 28)\n".to_owned());
    assert_eq!(to_full_disk(&["--help"]), full);
    assert_eq!(broken_pipe(&["--help"]), (Some(0), String::new()));
}

#[test]
fn an_input_that_cannot_be_read_is_an_error() {
    let expected = "memalloc: standard input: Bad file descriptor (os error 9)\n";
    assert_eq!(complaint(&run("map - <&-")), (Some(1), expected.to_owned()));
}

/// What it draws on a terminal of this kind.
fn drawn_on(kind: &str) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let other_end = std::fs::File::options().read(true).write(true).open(name).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_memalloc"));
    command.args(["map", &trace("small.rep")]).env("TERM", kind).env_remove("NO_COLOR").stdout(other_end);
    let mut child = command.spawn().unwrap();
    // That closes this process's own end.
    drop(command);
    let mut drawn = Vec::new();
    // Nobody has the other end any more, so that there is an end, or an error.
    let _ = std::fs::File::from(terminal).read_to_end(&mut drawn);
    assert!(child.wait().unwrap().success());
    String::from_utf8(drawn).unwrap()
}

#[test]
fn a_terminal_without_colours_gets_none() {
    assert!(drawn_on("xterm").contains("\x1b["));
    assert!(!drawn_on("dumb").contains('\x1b'));
}
