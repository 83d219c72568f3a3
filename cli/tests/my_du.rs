//! What my_du prints, where, and with which exit status.

mod my_du_support;

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use my_du_support::{Place, complaints, is_root, printed, text};

const NOBODY: u32 = 65534;

#[test]
fn a_line_per_operand() {
    let place = Place::new();
    place.file("t/a/f", 1000);
    place.file("u/g", 5);
    let (t, u) = (place.size_of(&["t", "t/a"]) + 1000, place.size_of(&["u"]) + 5);
    assert_eq!(printed(&place.run(&["t", "u/", "u/g"])), format!("{t}\tt\n{u}\tu/\n0\tu/g\n"));
}

#[test]
fn the_working_directory_is_the_default() {
    let place = Place::new();
    place.file("t/f", 1000);
    let output = place.command().current_dir(place.at("t")).output().unwrap();
    assert_eq!(printed(&output), format!("{}\t.\n", place.size_of(&["t"]) + 1000));
}

#[test]
fn sizes_for_humans() {
    let place = Place::new();
    place.file("f", 1025);
    place.file("g", 1023);
    place.file("h", 3 << 30);
    assert_eq!(printed(&place.run(&["-h", "f", "g", "h"])), "1.1K\tf\n1023\tg\n3.0G\th\n");
    assert_eq!(printed(&place.run(&["f", "--human-readable"])), "1.1K\tf\n");
}

#[test]
fn units_totals_and_ends_of_lines() {
    let place = Place::new();
    place.file("f", 1025);
    place.file("g", 4000);
    assert_eq!(printed(&place.run(&["-c", "--si", "f", "g"])), "1.1k\tf\n4.0k\tg\n5.1k\ttotal\n");
    assert_eq!(printed(&place.run(&["-k0", "f", "g"])), "2\tf\x004\tg\0");
    assert_eq!(printed(&place.run(&["-BkB", "f"])), "2kB\tf\n");
    assert_eq!(printed(&place.run(&["-c", "-m", "-b", "f", "f"])), "1025\tf\n0\tf\n1025\ttotal\n");
}

#[test]
fn options_mix_with_operands_and_the_last_unit_holds() {
    let place = Place::new();
    place.file("f", 2049);
    for args in [&["f", "-hk"][..], &["--si", "f", "-B", "K", "--block-s=1K"], &["-kmk", "--", "f"]] {
        assert_eq!(printed(&place.run(args)), "3\tf\n");
    }
    assert_eq!(printed(&place.run(&["-k", "-h", "f"])), "2.1K\tf\n");
}

#[test]
fn the_last_line_of_a_list_is_the_sum() {
    let place = Place::new();
    place.file("t/a/f", 1000);
    place.file("t/a/b/g", 20);
    place.file("out/h", 300);
    fs::hard_link(place.at("t/a/f"), place.at("t/again")).unwrap();
    for (name, target) in
        [("t/a/out", "../../out"), ("t/up", "."), ("t/nowhere", "gone"), ("t/a/to h", "out/h")]
    {
        place.link(name, target);
    }
    let sum = printed(&place.run(&["t"]));
    for options in [&["-a"][..], &["-d1"], &["-d9"], &["-a", "-d0"], &["-a", "-j1"]] {
        let list = printed(&place.run(&[options, &["t"]].concat()));
        assert_eq!(list.lines().last(), sum.lines().last(), "{list}");
        assert_eq!(
            list.lines().filter(|line| line.ends_with("\tt/a")).count(),
            usize::from(!options.contains(&"-d0"))
        );
    }
    let inodes = printed(&place.run(&["--inodes", "-c", "t", "t"]));
    assert_eq!(inodes, "8\tt\n0\tt\n8\ttotal\n");
}

#[test]
fn blocks_in_use() {
    let place = Place::new();
    place.file("sparse", 1 << 30);
    assert_eq!(printed(&place.run(&["--disk-usage", "sparse"])), "0\tsparse\n");
    assert_eq!(printed(&place.run(&["-h", "sparse"])), "1.0G\tsparse\n");
}

#[test]
fn what_shows_the_kernel_is_passed_over_but_not_where_it_is_asked_for() {
    let place = Place::new();
    place.file("t/f", 1000);
    place.link("t/kernel", "/proc/sys/kernel/random");
    let lines = |args: &[&str]| printed(&place.run(args)).lines().count();
    assert_eq!(lines(&["-L", "-d1", "t"]), 2);
    assert_eq!(lines(&["-L", "-d1", "--exclude-kernfs", "t"]), 1);
    assert_eq!(lines(&["-L", "-d1", "--exclude-kernfs", "t/kernel"]), 1);
    let of_t = format!("{}\tt\n", place.size_of(&["t", "t/f"]));
    assert_eq!(printed(&place.run(&["--exclude-kernfs", "t"])), of_t);
    // Mounts are known as such.
    let of_dev = printed(&place.run(&["-P", "-d1", "--exclude-kernfs", "/dev"]));
    let is_mounted = fs::read_to_string("/proc/self/mounts").unwrap().contains(" /dev/pts devpts ");
    assert!(!is_mounted || !of_dev.contains("/dev/pts"), "{of_dev}");
}

#[test]
fn caches_are_passed_over() {
    let place = Place::new();
    let signature = b"Signature: 8a477f597d28d172789f06886806bc55\n# This is a cache.";
    for (dir, tag) in
        [("cache", &signature[..]), ("short", &signature[..42]), ("other", b"Signature: 8a477f597d28d17278")]
    {
        place.file(&format!("t/{dir}/sub/f"), 1000);
        fs::write(place.at(format!("t/{dir}/CACHEDIR.TAG")), tag).unwrap();
    }
    place.file("t/fifo/f", 1);
    place.link("t/fifo/CACHEDIR.TAG", "../cache/CACHEDIR.TAG");
    let names = |args: &[&str]| {
        let output = printed(&place.run(args));
        let mut names: Vec<_> =
            output.lines().map(|line| line.split_once('\t').unwrap().1.to_owned()).collect();
        names.sort();
        names.join(" ")
    };
    for more in ["-j1", "-j4", "-b"] {
        assert_eq!(names(&["--exclude-caches", "-P", "-d1", more, "t"]), "t t/fifo t/other t/short");
    }
    assert_eq!(names(&["-P", "-d1", "t"]), "t t/cache t/fifo t/other t/short");
    // What is asked for by its name is no less than that.
    assert_eq!(names(&["--exclude-caches", "-P", "-d1", "t/cache"]), "t/cache t/cache/sub");
    let dirs = place.size_of(&["t", "t/short", "t/short/sub", "t/other", "t/other/sub", "t/fifo"]);
    let tags = 42 + 29 + place.size_of(&["t/cache/CACHEDIR.TAG"]);
    assert_eq!(printed(&place.run(&["--exclude-caches", "t"])), format!("{}\tt\n", dirs + tags + 2001));
}

#[test]
fn help_and_version() {
    let place = Place::new();
    let help = printed(&place.run(&["--help"]));
    assert!(help.contains("Usage: my_du [OPTION]... [DIR]...") && help.contains("--jobs"), "{help}");
    assert!(printed(&place.run(&["--version"])).starts_with("my_du "));
}

#[test]
fn usage_errors() {
    let place = Place::new();
    let cases = [
        (&["--foo"][..], "unrecognized option '--foo'"),
        (&["-Q"], "invalid option -- 'Q'"),
        (&["-j"], "option requires an argument -- 'j'"),
        (&["--jobs"], "option '--jobs' requires an argument"),
        (&["--help=x"], "option '--help' doesn't allow an argument"),
        (&["-j0", "."], "invalid number of jobs '0'"),
        (&["-j-1", "."], "invalid number of jobs '-1'"),
        (&["--jobs=", "."], "invalid number of jobs ''"),
        (&["--fork"], "option '--fork' requires an argument"),
        (&["--fork=all"], "invalid argument 'all' for '--fork'; valid are 'each' and 'shared'"),
        (&["-sa"], "cannot both summarize and show all entries"),
    ];
    for (args, message) in cases {
        let output = place.run(args);
        assert_eq!(
            complaints(&output),
            format!("my_du: {message}\nTry 'my_du --help' for more information.\n")
        );
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    }
}

#[test]
fn what_is_missing_is_named_and_the_rest_is_counted() {
    let place = Place::new();
    place.file("f", 10);
    let output = place.run(&["it's", "f", "a\nb", ""]);
    assert_eq!(text(&output.stdout), "10\tf\n");
    assert_eq!(
        complaints(&output),
        "my_du: cannot access \"it's\": No such file or directory\n\
         my_du: cannot access 'a'$'\\n''b': No such file or directory\n\
         my_du: cannot access '': No such file or directory\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_counted() {
    let place = Place::new();
    place.file("t/locked/f", 100);
    place.file("t/listed/f", 1000);
    place.file("t/a/open/searched/f", 10_000);
    place.file("t/a/open/g", 7);
    place.dir("t/z");
    place.link("t/link", "locked/f");
    place.link("t/z/to f", "../a/open/searched/f");
    for (dir, mode) in [("t/locked", 0o000), ("t/listed", 0o444), ("t/a/open/searched", 0o111)] {
        fs::set_permissions(place.at(dir), Permissions::from_mode(mode)).unwrap();
    }
    let dirs = ["t", "t/locked", "t/listed", "t/a", "t/a/open", "t/a/open/searched", "t/z"];
    let sum = place.size_of(&dirs) + 10_000 + 7;
    for options in ["-j1", "-j4", "-j3", "--fork=each"] {
        let mut command = place.command();
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.args([options, "t"]).output().unwrap();
        assert_eq!(text(&output.stdout), format!("{sum}\tt\n"));
        assert_eq!(
            complaints(&output),
            "my_du: cannot access 't/link': Permission denied\n\
             my_du: cannot read directory 't/locked': Permission denied\n\
             my_du: cannot access 't/listed/f': Permission denied\n\
             my_du: cannot read directory 't/a/open/searched': Permission denied\n",
            "{options}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
    for dir in ["t/locked", "t/listed", "t/a/open/searched"] {
        fs::set_permissions(place.at(dir), Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn an_operand_that_cannot_be_read_still_has_its_own_size() {
    let place = Place::new();
    place.dir("t");
    fs::set_permissions(place.at("t"), Permissions::from_mode(0o000)).unwrap();
    let mut command = place.command();
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.arg("t").output().unwrap();
    assert_eq!(text(&output.stdout), format!("{}\tt\n", place.size_of(&["t"])));
    assert_eq!(complaints(&output), "my_du: cannot read directory 't': Permission denied\n");
    fs::set_permissions(place.at("t"), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_full_disk_is_a_write_error() {
    let place = Place::new();
    place.file("f", 1);
    for arg in ["f", "--help", "--version"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = place.command().arg(arg).stdout(full).output().unwrap();
        assert_eq!(complaints(&output), "my_du: write error: No space left on device\n");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_trouble() {
    let place = Place::new();
    place.file("t/a/f", 1);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = place.command().args(["t", "t"]).stdout(writer).output().unwrap();
    assert_eq!((complaints(&output).as_str(), output.status.success()), ("", false));
}
