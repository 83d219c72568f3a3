//! my_du where somebody interferes with its processes.

mod my_du_support;

use std::fs;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use my_du_support::{Place, children, complaints, printed, text};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The state letter of a process in /proc.
fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Waits until the process runs no more by itself: it sleeps, or is gone.
fn settle(pid: Pid) -> Option<char> {
    while state(pid) == Some('R') {
        sleep(Duration::from_millis(1));
    }
    sleep(Duration::from_millis(5));
    state(pid)
}

fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(120) {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    panic!("my_du hangs");
}

/// Two sub-directories whose records do not fit into the pipe, so that their children wait for a parent that is
/// stopped; and a third.
fn wordy(place: &Place) {
    for dir in ["t/a", "t/b"] {
        place.dir(dir);
        for i in 0..2500 {
            fs::write(place.at(format!("{dir}/{i}")), "").unwrap();
            fs::hard_link(place.at(format!("{dir}/{i}")), place.at(format!("{dir}/again{i}"))).unwrap();
        }
    }
    place.file("t/c/f", 1000);
}

/// Starts my_du and stops it while a child waits for it; that child.
fn start_and_stop(place: &Place, options: &[&str]) -> (Child, Pid) {
    start_and_stop_telling(place, options, Stdio::piped)
}

/// The tests may run where interrupts are ignored, as in the background of a script.
fn take_interrupts(command: &mut Command) {
    // SAFETY: that is one system call.
    unsafe { command.pre_exec(|| Ok(_ = libc::signal(libc::SIGINT, libc::SIG_DFL))) };
}

fn start_and_stop_telling(place: &Place, options: &[&str], told: impl Fn() -> Stdio) -> (Child, Pid) {
    loop {
        let mut command = place.command();
        command.arg("-j2").args(options).arg("t").stdout(Stdio::piped()).stderr(told());
        take_interrupts(&mut command);
        let mut parent = command.spawn().unwrap();
        let pid = Pid::from_child(&parent);
        while children(&parent).is_empty() && parent.try_wait().unwrap().is_none() {}
        kill_process(pid, Signal::STOP).unwrap();
        if let Some(child) = children(&parent).into_iter().find(|&child| settle(child) == Some('S')) {
            return (parent, child);
        }
        kill_process(pid, Signal::KILL).unwrap();
        parent.wait().unwrap();
    }
}

/// Has a child killed while it waits for its parent: what my_du says then, and the bytes it prints.
fn kill_a_child(place: &Place, options: &[&str]) -> (String, u64) {
    wordy(place);
    let (mut parent, child) = start_and_stop(place, options);
    kill_process(child, Signal::KILL).unwrap();
    // Were there room in the pipe before it dies, it could still tell its last words, and nothing would be missing.
    while state(child).is_some_and(|state| state != 'Z') {
        sleep(Duration::from_millis(1));
    }
    kill_process(Pid::from_child(&parent), Signal::CONT).unwrap();
    let status = wait(&mut parent);
    let output = parent.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(1));
    let last = text(&output.stdout).lines().last().unwrap().to_owned();
    (complaints(&output), last.strip_suffix("\tt").unwrap().parse().unwrap())
}

#[test]
fn a_killed_child_of_a_sub_directory_is_reported_and_the_rest_is_counted() {
    let place = Place::new();
    let (complaints, sum) = kill_a_child(&place, &["--fork=each"]);
    let expected =
        ["a", "b"].map(|dir| format!("my_du: cannot finish 't/{dir}': its process was killed by signal 9\n"));
    assert!(expected.contains(&complaints), "{complaints}");
    let parts = place.size_of(&["t", "t/c"]) + 1000;
    assert!(sum >= parts && sum <= parts + place.size_of(&["t/a", "t/b"]), "{sum}");
}

#[test]
fn a_killed_child_of_several_sub_directories_is_reported_and_the_rest_is_counted() {
    let place = Place::new();
    let (complaints, sum) = kill_a_child(&place, &["--fork=shared"]);
    assert_eq!(complaints, "my_du: cannot finish 't': its process was killed by signal 9\n");
    let own = place.size_of(&["t"]);
    assert!(sum >= own && sum <= own + place.size_of(&["t/a", "t/b", "t/c"]) + 1000, "{sum}");
}

#[test]
fn a_list_that_lacks_what_a_killed_child_had_to_tell_says_so_and_is_finished() {
    // Few lines, which the pipe to this test holds.
    for options in [["-P", "-d0"], ["-P", "-d1"]] {
        let place = Place::new();
        let (complaints, sum) = kill_a_child(&place, &options);
        let (start, end) = ("my_du: cannot finish 't", "': its process was killed by signal 9\n");
        assert!(complaints.starts_with(start) && complaints.ends_with(end), "{complaints}");
        assert!(sum <= place.size_of(&["t", "t/a", "t/b", "t/c"]) + 1000, "{sum}");
    }
}

/// How long a process has run on a CPU, in nanoseconds.
fn used(pid: Pid) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{}/schedstat", pid.as_raw_pid())).ok()?;
    stat.split(' ').next()?.parse().ok()
}

/// Waits while `goes_on`, but not for long. Whether it has ended.
fn ends(mut goes_on: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while goes_on() {
        if start.elapsed() > Duration::from_millis(200) {
            return false;
        }
    }
    true
}

/// Runs my_du until one child has given part of its walk to another, lets that one finish, and kills the first; what is
/// printed then. `None` if that came to its end too soon, or one of them waits for the other.
fn kill_the_giver(place: &Place) -> Option<Output> {
    let mut command = place.command();
    command.args(["-P", "-d1", "-j2", "t"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut parent = command.spawn().unwrap();
    while children(&parent).len() < 2 && parent.try_wait().unwrap().is_none() {}
    if let [giver, taker] = *children(&parent) {
        // Either may have come to its end by now.
        let tell = |pid, signal| _ = kill_process(pid, signal);
        // The giver has time to say what it has given, but the taker no end, after which it could give more.
        tell(taker, Signal::STOP);
        let before = used(giver);
        let has_told =
            ends(|| used(giver).is_some_and(|now| Some(now) < before.map(|before| before + 500_000)));
        tell(giver, Signal::STOP);
        tell(taker, Signal::CONT);
        let is_done = ends(|| children(&parent).contains(&taker));
        tell(giver, if has_told && is_done { Signal::KILL } else { Signal::CONT });
    }
    let status = wait(&mut parent);
    (!status.success()).then(|| parent.wait_with_output().unwrap())
}

#[test]
fn what_a_child_was_given_counts_though_the_giver_is_killed() {
    let place = Place::new();
    for i in 0..40 {
        for j in 0..200 {
            place.file(&format!("t/{i}/{j}"), 1);
        }
    }
    let whole = printed(&place.run(&["-P", "-d1", "t"]));
    let last = whole.lines().rev().nth(1).unwrap();
    // Whether the processes run in time is a matter of luck.
    let seen = (0..20).filter_map(|_| kill_the_giver(&place)).any(|output| {
        assert!(complaints(&output).ends_with("its process was killed by signal 9\n"), "{output:?}");
        text(&output.stdout).lines().any(|line| line == last)
    });
    assert!(seen, "what the second child has walked is always lost");
}

#[test]
fn children_do_not_outlive_a_killed_parent() {
    let place = Place::new();
    wordy(&place);
    let (mut parent, child) = start_and_stop(&place, &["--fork=shared"]);
    parent.kill().unwrap();
    parent.wait().unwrap();
    let start = Instant::now();
    while state(child).is_some_and(|state| state != 'Z') {
        assert!(start.elapsed() < Duration::from_secs(60), "the child goes on");
        sleep(Duration::from_millis(5));
    }
    let mut rest = String::new();
    parent.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn an_interrupt_ends_the_children_and_shows_what_is_known() {
    for options in [["--fork=shared", "-P"], ["--fork=each", "-d0"], ["-P", "-d1"], ["-P", "--tree"]] {
        let place = Place::new();
        wordy(&place);
        let (mut parent, child) = start_and_stop(&place, &options);
        let pid = Pid::from_child(&parent);
        // It would never end by itself.
        kill_process(child, Signal::STOP).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        kill_process(pid, Signal::CONT).unwrap();
        assert_eq!(wait(&mut parent).signal(), Some(Signal::INT.as_raw()), "{options:?}");
        assert!(state(child).is_none_or(|state| state == 'Z'), "a child goes on");
        let output = parent.wait_with_output().unwrap();
        let told = "my_du: interrupted: what had not been counted by then is missing\n";
        assert_eq!(complaints(&output), told, "{options:?}");
        let shown = text(&output.stdout);
        assert!(
            shown.lines().any(|line| line.ends_with("\tt") || line.ends_with(" t")),
            "{options:?}: {shown}"
        );
    }
}

/// Waits until the process has a handler for interrupts, and waits for something else than a CPU.
fn settle_with_handler(pid: Pid) {
    let status = || fs::read_to_string(format!("/proc/{}/status", pid.as_raw_pid())).unwrap();
    let caught = |status: String| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
        u64::from_str_radix(&mask, 16).unwrap() >> (libc::SIGINT - 1) & 1 == 1
    };
    while !caught(status()) || settle(pid) != Some('S') {}
}

#[test]
fn an_interrupt_ends_the_wait_for_operands() {
    let place = Place::new();
    assert!(place.shell("mkfifo list").status().unwrap().success());
    for list in ["list", "-"] {
        let mut command = place.command();
        command.arg(format!("--files0-from={list}")).stdin(Stdio::piped()).stderr(Stdio::piped());
        take_interrupts(&mut command);
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let pid = Pid::from_child(&child);
        settle_with_handler(pid);
        kill_process(pid, Signal::INT).unwrap();
        assert_eq!(wait(&mut child).signal(), Some(Signal::INT.as_raw()), "{list}");
        drop(input);
    }
}

#[test]
fn an_interrupt_that_cannot_end_the_first_process_is_told_by_its_status() {
    let place = Place::new();
    if !place.shell("unshare -pf true").output().unwrap().status.success() {
        return; // Only root may, and not in every container.
    }
    let mut command = place.shell("exec unshare -pf ./my_du --files0-from=-");
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    take_interrupts(&mut command);
    let mut parent = command.spawn().unwrap();
    let input = parent.stdin.take();
    let is_my_du = |pid: &Pid| {
        let name = fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_pid()));
        name.is_ok_and(|name| name == "my_du\n")
    };
    let pid = loop {
        if let Some(pid) = children(&parent).into_iter().find(is_my_du) {
            break pid;
        }
    };
    settle_with_handler(pid);
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(wait(&mut parent).code(), Some(1));
    drop(input);
}

#[test]
fn a_line_on_the_terminal_tells_how_far_a_long_walk_is() {
    let place = Place::new();
    wordy(&place);
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let (mut parent, child) = start_and_stop_telling(&place, &["-P", "-d0"], || {
        fs::OpenOptions::new().read(true).write(true).open(&name).unwrap().into()
    });
    kill_process(child, Signal::STOP).unwrap();
    kill_process(Pid::from_child(&parent), Signal::CONT).unwrap();
    sleep(Duration::from_millis(1500));
    kill_process(child, Signal::CONT).unwrap();
    assert!(wait(&mut parent).success());
    let mut told = Vec::new();
    // Nobody has the other end any more, so that there is an end, or an error.
    let _ = fs::File::from(terminal).read_to_end(&mut told);
    let told = text(&told);
    assert!(told.contains(" counted in "), "{told:?}");
    assert!(told.ends_with("\r\u{1b}[K"), "{told:?}");
    let expected = place.size_of(&["t", "t/a", "t/b", "t/c"]) + 1000;
    assert_eq!(printed_by(parent), format!("{expected}\tt\n"));
}

fn printed_by(child: Child) -> String {
    text(&child.wait_with_output().unwrap().stdout)
}
