//! my_du where there is little to work with.

mod my_du_support;

use std::os::unix::process::CommandExt;
use std::process::Stdio;

use my_du_support::{Place, children, complaints, is_root, printed, text};

/// A tree of several branches, deeper than the levels that are kept open, with links; and its sum.
fn deep(place: &Place) -> u64 {
    let mut dirs = vec!["t".to_owned(), "out".to_owned(), "out/x".to_owned()];
    place.file("out/x/f", 500);
    place.file("far/f", 30);
    place.file("t/x/f", 1000);
    place.link("t/x/l", "f");
    dirs.push("t/x".to_owned());
    for branch in 0..5 {
        let mut dir = format!("t/{branch}");
        for level in 0..30 {
            for side in ["a", "z"] {
                place.file(&format!("{dir}/{side}/f"), level);
                dirs.push(format!("{dir}/{side}"));
            }
            dirs.push(dir.clone());
            place.link(&format!("{dir}/two links"), place.at("t/x/l").to_str().unwrap());
            dir += "/down";
        }
        place.dir(&dir);
        dirs.push(dir.clone());
        place.link(&format!("{dir}/l"), place.at("out").to_str().unwrap());
        place.link(&format!("{dir}/far"), place.at("far/f").to_str().unwrap());
        place.link(&format!("{dir}/back"), "../..");
    }
    let dirs: Vec<_> = dirs.iter().map(String::as_str).collect();
    place.size_of(&dirs) + 1000 + 500 + 30 + 5 * 2 * (0..30).sum::<u64>()
}

#[test]
fn limits_and_an_ignored_sigchld_change_nothing() {
    let place = Place::new();
    let expected = format!("{}\tt\n", deep(&place));
    for limit in
        ["ulimit -n 16", "ulimit -n 9", "ulimit -v 65536", "trap '' CHLD", "ulimit -s 256", "exec 7<. 8<."]
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
fn where_children_would_be_in_another_namespace_the_parent_walks() {
    let place = Place::new();
    let expected = format!("{}\tt\n", deep(&place));
    if !place.shell("unshare -p true").output().unwrap().status.success() {
        return; // Only root may, and not in every container.
    }
    let listed = printed(&place.run(&["-aP", "t"]));
    for (options, expected) in [("-j3", &expected), ("--fork=each", &expected), ("-aP -j3", &listed)] {
        let output = place.shell(&format!("exec unshare -p ./my_du {options} t")).output().unwrap();
        assert_eq!(&printed(&output), expected, "{options}");
    }
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
fn a_view_for_which_there_is_no_memory_ends_with_a_message() {
    let place = Place::new();
    for file in 0..5000 {
        place.file(&format!("t/{file:0200}"), 1);
    }
    let run = |limit: usize, options: &str| {
        place.shell(&format!("ulimit -v {limit}; exec ./my_du {options}")).output().unwrap()
    };
    let starts = |&limit: &usize| run(limit, "--version").status.success();
    let limits: Vec<_> = (4000..40_000).step_by(1000).filter(starts).collect();
    for options in ["--tree -a t", "--top=5000 -a t"] {
        let outputs = limits.iter().map(|&limit| run(limit, options));
        let codes: Vec<_> = outputs
            .map(|output| {
                let said = complaints(&output);
                let code = output.status.code();
                assert!(code == Some(0) || code == Some(1) && said.ends_with("\n"), "{code:?}: {said}");
                (code, said == "my_du: memory exhausted\n")
            })
            .collect();
        assert!(
            codes.contains(&(Some(1), true)) && codes.contains(&(Some(0), false)),
            "{options}: {codes:?}"
        );
    }
}
