//! One run of both programs, and how they differ.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::my_du_support::{Place, text};

const NOBODY: u32 = 65534;

/// One run of both.
#[derive(Default)]
pub(crate) struct Case<'c> {
    pub(crate) args: Vec<&'c str>,
    pub(crate) env: Vec<(&'c str, &'c str)>,
    pub(crate) input: &'c [u8],
    pub(crate) as_nobody: bool,
}

/// The version of GNU du whose words these are; elsewhere there is nothing to compare with.
fn gnu() -> PathBuf {
    let du = PathBuf::from("/usr/bin/du");
    let version = Command::new(&du).arg("--version").env("LC_ALL", "C").output().expect("there is a du");
    let version = text(&version.stdout);
    assert!(version.starts_with("du (GNU coreutils) 9."), "not the du to compare with: {version}");
    du
}

fn run(place: &Place, program: PathBuf, case: &Case<'_>) -> Output {
    let mut command = Command::new(program);
    command.arg0("du").args(&case.args).current_dir(place.at("in")).env_clear();
    command.env("LC_ALL", "C.UTF-8").env("TZ", "Europe/Berlin").envs(case.env.iter().copied());
    if case.as_nobody {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that does not read its input is no trouble.
    let _ = child.stdin.take().unwrap().write_all(case.input);
    child.wait_with_output().unwrap()
}

/// Runs both; how they differ, if they do.
fn difference(place: &Place, case: &Case<'_>) -> Option<String> {
    let [expected, ours] = [gnu(), place.at("my_du")].map(|program| run(place, program, case));
    if expected == ours {
        return None;
    }
    let show = |output: &Output| {
        format!("{:?}\n{}{}", output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    Some(format!("du {:?} {:?}\nGNU: {}ours: {}", case.env, case.args, show(&expected), show(&ours)))
}

pub(crate) fn assert_same<'c>(place: &Place, cases: impl IntoIterator<Item = Case<'c>>) -> usize {
    let mut count = 0;
    let mut differences = Vec::new();
    for case in cases {
        count += 1;
        differences.extend(difference(place, &case));
    }
    assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), differences.join("\n"));
    count
}

pub(crate) fn words(line: &str) -> Case<'_> {
    Case { args: line.split_whitespace().collect(), ..Case::default() }
}
