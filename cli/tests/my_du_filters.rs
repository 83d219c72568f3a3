//! Which files count: by size, age, name.

mod my_du_support;

use std::fs::File;
use std::time::{Duration, SystemTime};

use my_du_support::{Place, complaints, printed};

const DAY: u64 = 86_400;

fn place() -> Place {
    let place = Place::new();
    for (name, bytes, days) in [
        ("t/small.rs", 10, 1),
        ("t/big.rs", 5000, 40),
        ("t/d/big.txt", 7000, 3),
        ("t/d/.hidden", 300, 400),
        ("t/.git/object", 20_000, 0),
    ] {
        place.file(name, bytes);
        let file = File::options().write(true).open(place.at(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(days * DAY + 60)).unwrap();
    }
    place
}

#[test]
fn only_files_that_pass_every_filter_count() {
    let place = place();
    let cases: [(&[&str], u64); 12] = [
        (&["--larger=5000"], 5000 + 7000 + 20_000),
        (&["--larger", "5001", "--smaller=7k"], 7000),
        (&["--smaller=300"], 310),
        (&["--newer=2d"], 10 + 20_000),
        (&["--older=2d"], 5000 + 7000 + 300),
        (&["--newer", "1y", "--older", "1w"], 5000),
        (&["--newer=2000-01-01"], 10 + 5000 + 7000 + 300 + 20_000),
        (&["--older=2000-01-01"], 0),
        (&["--include=*.rs", "--include=*.txt"], 10 + 5000 + 7000),
        (&["--include=big*", "--exclude=d"], 5000),
        (&["--include=d"], 0),
        (&["--include=*", "--exclude-hidden"], 10 + 5000 + 7000),
    ];
    for (filter, bytes) in cases {
        for walk in [&["-P", "-j1"][..], &["-P"], &["-L"], &[]] {
            let args = [filter, walk, &["t"]].concat();
            assert_eq!(printed(&place.run(&args)), format!("{bytes}\tt\n"), "{args:?}");
        }
    }
}

#[test]
fn what_is_hidden_is_passed_over_but_for_the_operand() {
    let place = place();
    let dirs = place.size_of(&["t", "t/d"]);
    assert_eq!(printed(&place.run(&["--exclude-hidden", "t"])), format!("{}\tt\n", dirs + 12_010));
    let git = place.size_of(&["t/.git"]);
    assert_eq!(printed(&place.run(&["--exclude-hidden", "t/.git"])), format!("{}\tt/.git\n", git + 20_000));
    assert_eq!(printed(&place.run(&["--exclude-hidden", "t/d/.hidden"])), "300\tt/d/.hidden\n");
}

#[test]
fn filters_hold_in_every_view() {
    let place = place();
    let lines = printed(&place.run(&["-a", "-P", "--include=*.rs", "t"]));
    let mut lines: Vec<_> = lines.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["0\tt/.git", "0\tt/d", "10\tt/small.rs", "5000\tt/big.rs", "5010\tt"]);
    assert_eq!(printed(&place.run(&["--top=1", "--include=*.rs", "t/big.rs"])), "5000\tt/big.rs\n");
    assert_eq!(printed(&place.run(&["--inodes", "--larger=1k", "t"])), "3\tt\n");
    let none = printed(&place.run(&["--time", "--time-style=+%s", "--larger=1G", "t"]));
    assert_eq!(none, "0\t0\tt\n");
}

#[test]
fn files_that_links_lead_to_are_filtered_too() {
    let place = place();
    place.link("t/to", "../elsewhere/big.rs");
    place.file("elsewhere/big.rs", 800);
    place.link("t/nowhere", "gone");
    assert_eq!(printed(&place.run(&["--include=big*", "--smaller=1k", "t"])), "0\tt\n");
    assert_eq!(printed(&place.run(&["--include=to", "t"])), "800\tt\n");
    assert_eq!(printed(&place.run(&["--include=nowhere", "t"])), "4\tt\n");
}

#[test]
fn filters_that_make_no_sense_are_not_accepted() {
    let place = place();
    let cases = [
        (&["--larger=5x"][..], "invalid suffix in --larger argument '5x'"),
        (&["--smaller=-1"], "invalid --smaller argument '-1'"),
        (
            &["--newer=tomorrow"],
            "invalid --newer argument ‘tomorrow’; give a number with s, min, h, d, w, mon or y, or a date as 2026-01-31",
        ),
        (&["--larger=2", "--smaller=1"], "no size is within --larger and --smaller"),
        (&["--newer=1d", "--older=2d"], "no time is within --newer and --older"),
    ];
    for (args, message) in cases {
        let output = place.run(args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        let hint = "Try 'my_du --help' for more information.";
        assert_eq!(complaints(&output), format!("my_du: {message}\n{hint}\n"));
    }
}
