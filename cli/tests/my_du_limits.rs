//! my_du where there is little to work with, and where somebody interferes.

mod my_du_support;

use std::fs;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use my_du_support::{Place, complaints, is_root, printed, text};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A tree of several branches, deeper than the levels that are kept open, with links; and its sum.
fn deep(place: &Place) -> u64 {
    let mut dirs = vec!["t".to_owned(), "out".to_owned(), "out/x".to_owned()];
    place.file("out/x/f", 500);
    place.file("far/f", 30);
    place.dir("t");
    for branch in 0..5 {
        let mut dir = format!("t/{branch}");
        for level in 0..30 {
            for side in ["a", "z"] {
                place.file(&format!("{dir}/{side}/f"), level);
                dirs.push(format!("{dir}/{side}"));
            }
            dirs.push(dir.clone());
            dir += "/down";
        }
        place.dir(&dir);
        dirs.push(dir.clone());
        place.link(&format!("{dir}/l"), place.at("out").to_str().unwrap());
        place.link(&format!("{dir}/far"), place.at("far/f").to_str().unwrap());
        place.link(&format!("{dir}/back"), "../..");
    }
    let dirs: Vec<_> = dirs.iter().map(String::as_str).collect();
    place.size_of(&dirs) + 500 + 30 + 5 * 2 * (0..30).sum::<u64>()
}

#[test]
fn limits_and_an_ignored_sigchld_change_nothing() {
    let place = Place::new();
    let expected = format!("{}\tt\n", deep(&place));
    for limit in
        ["ulimit -n 16", "ulimit -n 12", "ulimit -v 65536", "trap '' CHLD", "ulimit -s 256", "exec 7<. 8<."]
    {
        for options in ["-j1", "-j4", "-j64", "-j4 --fork=each"] {
            let output = place.shell(&format!("{limit}; exec ./my_du {options} t")).output().unwrap();
            assert_eq!(printed(&output), expected, "{limit}, {options}");
        }
    }
}

#[test]
fn where_nothing_can_be_forked_the_parent_walks() {
    let place = Place::new();
    let expected = format!("{}\tt\n", deep(&place));
    let mut command = place.shell("exec prlimit --nproc=1 ./my_du -j3 t");
    if is_root() {
        command.uid(65533).gid(65533);
    }
    assert_eq!(printed(&command.output().unwrap()), expected);
}

#[test]
fn bind_mounts_count_once() {
    let place = Place::new();
    place.file("t/a/f", 1000);
    place.dir("t/b");
    place.dir("t/a/inner");
    place.file("t/c/g", 7);
    place.file("t/h", 200);
    place.file("t/d/i", 9);
    place.link("t/to i", "d/i");
    let mounts = "mount --bind t/a t/b && mount --bind t/h t/c/g && mount --bind t/h t/d/i && mount --bind t t/a/inner";
    let allowed = place.shell("unshare -m sh -c 'mount --bind t/a t/b'").output().unwrap().status.success();
    if !allowed {
        return; // Only root may, and not in every container.
    }
    // Through t/a/inner one sees what the other mounts cover: t/b, t/a/inner, t/c/g, t/d/i.
    let sum = place.size_of(&["t", "t/a", "t/b", "t/a/inner", "t/c", "t/d"]) + 1000 + 200 + 7 + 9;
    let expected = format!("{sum}\tt\n");
    for jobs in [1, 2, 4] {
        let script = format!("unshare -m sh -c '{mounts} && exec ./my_du -j{jobs} t'");
        assert_eq!(printed(&place.shell(&script).output().unwrap()), expected);
    }
}

fn children(parent: &Child) -> Vec<Pid> {
    let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", parent.id())).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

/// How many children of a run are seen at once, at most; asserts what it prints.
fn most_children(place: &Place, args: &[&str], expected: &str) -> usize {
    let mut command = place.command();
    let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(children(&child).len());
    }
    assert_eq!(printed(&child.wait_with_output().unwrap()), expected);
    most
}

#[test]
fn no_more_children_are_alive_than_allowed_and_soon_as_many() {
    let place = Place::new();
    let expected = format!("{}\tt\n", deep(&place));
    for (fork, jobs) in [("--fork=shared", 1), ("--fork=shared", 3), ("--fork=each", 2), ("--fork=each", 4)] {
        // Whether all of them are seen at once is a matter of luck.
        let seen = (0..1000).find_map(|_| {
            let most = most_children(&place, &[&format!("-j{jobs}"), fork, "t"], &expected);
            assert!(most <= jobs, "{most} children of {jobs}, {fork}");
            (most == jobs).then_some(())
        });
        assert!(seen.is_some(), "never {jobs} children, {fork}");
    }
}

#[test]
fn one_long_directory_is_shared_too() {
    let place = Place::new();
    for i in 0..5000 {
        place.file(&format!("t/{i}"), i);
    }
    let expected = format!("{}\tt\n", place.size_of(&["t"]) + (0..5000).sum::<u64>());
    assert!((0..1000).any(|_| most_children(&place, &["-j2", "t"], &expected) == 2));
}

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

fn start_and_stop_telling(place: &Place, options: &[&str], told: impl Fn() -> Stdio) -> (Child, Pid) {
    loop {
        let mut command = place.command();
        command.arg("-j2").args(options).arg("t").stdout(Stdio::piped()).stderr(told());
        // The tests may run where interrupts are ignored, as in the background of a script.
        // SAFETY: that is one system call.
        unsafe { command.pre_exec(|| Ok(_ = libc::signal(libc::SIGINT, libc::SIG_DFL))) };
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

#[test]
fn limits_change_no_list() {
    let place = Place::new();
    deep(&place);
    let whole = printed(&place.run(&["-aP", "t", "out"]));
    assert!(whole.lines().count() > 600);
    for limit in ["ulimit -n 16", "ulimit -n 12", "ulimit -v 65536", "trap '' CHLD", "ulimit -s 256"] {
        for jobs in [1, 4, 64] {
            let output = place.shell(&format!("{limit}; exec ./my_du -aP -j{jobs} t out")).output().unwrap();
            assert_eq!(printed(&output), whole, "{limit}, {jobs} jobs");
        }
    }
}

#[test]
fn a_full_disk_ends_a_list_at_once() {
    let place = Place::new();
    deep(&place);
    let output = place.shell("./my_du -aP t >/dev/full").output().unwrap();
    assert_eq!(complaints(&output), "my_du: write error: No space left on device\n");
    assert_eq!(output.status.code(), Some(1));
    let output = place.shell("./my_du -aP t | head -n1").output().unwrap();
    assert_eq!((complaints(&output).as_str(), text(&output.stdout).lines().count()), ("", 1));
}

#[test]
fn operands_without_end_take_no_more_memory() {
    let place = Place::new();
    place.file("t/f", 1);
    let run = "yes t | head -n 100000 | tr '\\n' '\\0' | ./my_du --files0-from=- | tail -n1";
    let script = format!("ulimit -v 65536; {run}");
    assert_eq!(printed(&place.shell(&script).output().unwrap()), "0\tt\n");
    let script = format!("ulimit -v 65536; {}", run.replace("./my_du", "./my_du -P"));
    assert_eq!(printed(&place.shell(&script).output().unwrap()), "0\tt\n");
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
