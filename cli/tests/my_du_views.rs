//! `--tree` and `--top`.

mod my_du_support;

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use my_du_support::{Place, complaints, printed};

fn place() -> Place {
    let place = Place::new();
    place.file("t/a/deep/er/f", 3 << 20);
    place.file("t/a/g", 1 << 20);
    place.file("t/b/h", 2 << 20);
    place.dir("t/c");
    place
}

/// The lines without what stands before the names.
fn names(drawing: &str) -> Vec<&str> {
    drawing.lines().map(|line| line.rsplit(['#', '.', '█', '░']).next().unwrap()).collect()
}

#[test]
fn a_tree_of_two_levels_in_eighty_columns() {
    let place = place();
    let drawing = printed(&place.run(&["--tree", "t"]));
    assert_eq!(names(&drawing), [" t", " ├─a", " │ └─deep", " ├─b", " └─c"]);
    let lines: Vec<_> = drawing.lines().collect();
    assert!(lines[0].starts_with("6.1M 100% ██████████████████████████████ t"), "{drawing}");
    assert!(lines[3].starts_with("2.1M  33% ██████████░"), "{drawing}");
    assert_eq!(
        drawing,
        printed(&place.command().args(["--tree", "t"]).env("LS_COLORS", "di=31").output().unwrap())
    );
}

#[test]
fn a_tree_is_as_deep_wide_and_full_as_is_asked_for() {
    let place = place();
    let mut command = place.command();
    command.args(["--tree", "-a", "-d1", "-P", "--inodes", "-t1", "t", "t/b"]);
    let drawing = printed(&command.env("COLUMNS", "34").env("LC_ALL", "C").output().unwrap());
    assert_eq!(
        drawing,
        "9 100% ####################### t
5  55% #############.......... |-a
2  22% ######................. |-b
1  11% ###.................... `-c
"
    );
    let drawing = printed(&place.run(&["--tree", "-a", "-d9", "t/a"]));
    assert_eq!(names(&drawing), [" t/a", " ├─deep", " │ └─er", " │   └─f", " └─g"]);
    let drawing = printed(&place.run(&["--tree", "-s", "-B1K", "t/b/h", "t/b/h"]));
    assert_eq!(names(&drawing), [" t/b/h"; 2]);
    assert!(drawing.starts_with("2048 100% █") && drawing.contains("\n0   0% ░"), "{drawing}");
}

#[test]
fn the_largest_of_all_operands() {
    let place = place();
    let (b, a) = (place.size_of(&["t/b"]), place.size_of(&["t/a", "t/a/deep", "t/a/deep/er"]));
    let (mega, deep) = (1 << 20, place.size_of(&["t/a/deep", "t/a/deep/er"]));
    let lines = format!("{}\tt/a\n{}\tt/a/deep\n", a + 4 * mega, deep + 3 * mega);
    assert_eq!(printed(&place.run(&["--top", "2", "t/b", "t/a"])), lines);
    let total = format!("{lines}{}\ttotal\n", a + b + 6 * mega);
    assert_eq!(printed(&place.run(&["-c", "--top=2", "-j1", "-P", "t/b", "t/a"])), total);
    assert_eq!(printed(&place.run(&["--top", "9", "-t", "-1M", "-m0", "t/a/g"])), "1\tt/a/g\0");
}

#[test]
fn lines_are_in_the_order_that_is_asked_for() {
    let place = place();
    let paths = |args: &[&str]| {
        let lines = printed(&place.run(args));
        lines.lines().map(|line| line.rsplit('\t').next().unwrap()).collect::<Vec<_>>().join(" ")
    };
    let by_size = paths(&["-a", "-P", "-c", "--sort=size", "-t1M", "t"]);
    assert_eq!(by_size, "t t/a t/a/deep t/a/deep/er t/a/deep/er/f t/b t/b/h t/a/g total");
    assert_eq!(paths(&["--reverse", "t/a", "t/b", "t/c"]), "t/c t/b t/a");
    assert_eq!(paths(&["--sort", "name", "-S", "-d1", "t/b", "t/a"]), "t/a t/a/deep t/b");
    for (name, seconds) in [("t/b/h", 3), ("t/a/g", 1), ("t/a/deep/er/f", 2)] {
        let file = File::options().write(true).open(place.at(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }
    let by_time =
        paths(&["-a", "--sort=time", "--older=2000-01-01", "-L", "t/a/deep/er/f", "t/b/h", "t/a/g"]);
    assert_eq!(by_time, "t/b/h t/a/deep/er/f t/a/g");
    let drawing = printed(&place.run(&["--tree", "--sort=name", "--reverse", "t"]));
    assert_eq!(names(&drawing), [" t", " ├─c", " ├─b", " └─a", "   └─deep"]);
}

#[test]
fn what_makes_no_sense_is_not_accepted() {
    let place = place();
    let cases = [
        (&["--tree", "--json"][..], "cannot combine --json with --tree"),
        (&["--top=3", "--tree"], "cannot combine --tree with --top"),
        (&["--tree", "--top=3"], "cannot combine --top with --tree"),
        (&["--tree", "-c"], "cannot combine --tree with --total"),
        (&["--tree", "-t-5"], "a tree needs its root: --threshold must not be negative"),
        (&["--sort=age"], "invalid argument 'age' for '--sort'; valid are 'size', 'name' and 'time'"),
        (&["--sort=size", "--json"], "cannot combine --json with --sort"),
        (&["--top=3", "--reverse"], "cannot combine --top with --reverse"),
        (&["--top", "0"], "invalid number of lines ‘0’"),
        (&["-s", "--top", "4"], "cannot combine --top with --summarize"),
    ];
    for (args, message) in cases {
        let output = place.run(args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        assert!(complaints(&output).starts_with(&format!("my_du: {message}\n")), "{}", complaints(&output));
    }
    let output = place.run(&["--tree", "gone"]);
    assert_eq!(complaints(&output), "my_du: cannot access 'gone': No such file or directory\n");
}

/// On a terminal, which `script` has; where there is none, this is not tested.
#[test]
fn names_have_their_colours_on_a_terminal() {
    let place = place();
    let run = |variable: &str| {
        let mut command = Command::new("script");
        command.args(["-qec", "stty rows 20 cols 40; exec ./my_du --tree -P t", "/dev/null"]);
        command.current_dir(place.at("")).envs([
            ("LC_ALL", "C.UTF-8"),
            ("TERM", "xterm"),
            ("LS_COLORS", "di=35"),
        ]);
        command.env_remove("COLUMNS").env_remove("NO_COLOR").env(variable, "1").stdin(Stdio::null());
        command.process_group(0).output().ok().map(|output| String::from_utf8(output.stdout).unwrap())
    };
    if let (Some(coloured), Some(plain)) = (run("OTHER"), run("NO_COLOR")) {
        assert!(coloured.contains("├─\u{1b}[35ma\u{1b}[0m"), "{coloured:?}");
        assert!(!plain.contains('\u{1b}') && plain.contains("├─a"), "{plain:?}");
        assert!(plain.lines().all(|line| line.chars().count() <= 40), "{plain:?}");
    }
}

#[test]
fn a_working_directory_that_has_gone_is_empty_in_every_view() {
    let place = place();
    place.link("du", "my_du");
    for command in
        ["du", "du -a", "my_du -a", "my_du --tree", "my_du --json", "my_du --by type", "my_du --top 1"]
    {
        let gone = format!("mkdir gone && cd gone && rmdir ../gone && $OLDPWD/{command} .");
        printed(&place.shell(&gone).output().unwrap());
    }
}
