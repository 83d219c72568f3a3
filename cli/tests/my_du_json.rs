//! `--json` prints what ncdu reads.

mod my_du_support;

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use my_du_support::{Place, complaints, is_root, printed, text};
use serde_json::Value;

/// The root of the tree.
fn root(text: &str) -> Value {
    let whole: Value = serde_json::from_str(text).unwrap();
    assert_eq!((&whole[0], &whole[1], &whole[2]["progname"]), (&1.into(), &0.into(), &"my_du".into()));
    assert!(whole[2]["timestamp"].as_u64().unwrap() > 0);
    assert_eq!(whole.as_array().unwrap().len(), 4);
    whole[3].clone()
}

/// What an item says of itself.
fn about(item: &Value) -> &Value {
    item.get(0).unwrap_or(item)
}

/// The item of that name in a directory.
fn find<'v>(directory: &'v Value, name: &str) -> &'v Value {
    let found = directory.as_array().unwrap()[1..].iter().find(|item| about(item)["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {directory}"))
}

fn sum(item: &Value, what: &str) -> u64 {
    let own = about(item)[what].as_u64().unwrap_or(0);
    own + item.as_array().map_or(0, |all| all[1..].iter().map(|item| sum(item, what)).sum())
}

fn check_sizes(item: &Value, path: &Path) {
    let facts = fs::symlink_metadata(path).unwrap();
    assert_eq!(about(item)["asize"].as_u64().unwrap_or(0), facts.len(), "{path:?}");
    assert_eq!(about(item)["dsize"].as_u64().unwrap_or(0), facts.blocks() * 512, "{path:?}");
}

#[test]
fn everything_is_in_its_place_once_with_both_sizes() {
    let place = Place::new();
    place.file("t/sparse", 1 << 20);
    place.file("t/a/b/x \"\\\n\u{1}ä", 7);
    place.dir("t/a/empty");
    fs::write(place.at("t/full"), [1; 5000]).unwrap();
    fs::hard_link(place.at("t/full"), place.at("t/again")).unwrap();
    place.link("t/up", "..");
    for more in [&["-P"][..], &["-P", "-j1"], &["-j3", "-P"], &["-P", "--disk-usage"]] {
        let root = root(&printed(&place.run(&[&["--json", "t"], more].concat())));
        assert_eq!(about(&root)["name"], place.at("t").to_str().unwrap());
        check_sizes(&root, &place.at("t"));
        check_sizes(find(&root, "sparse"), &place.at("t/sparse"));
        let a = find(&root, "a");
        check_sizes(a, &place.at("t/a"));
        check_sizes(find(a, "empty"), &place.at("t/a/empty"));
        let odd = find(find(a, "b"), "x \"\\\n\u{1}ä");
        check_sizes(odd, &place.at("t/a/b/x \"\\\n\u{1}ä"));
        for (what, option) in [("asize", "--apparent-size"), ("dsize", "--disk-usage")] {
            let line = printed(&place.run(&["-P", option, "-B1", "t"]));
            assert_eq!(format!("{}\tt\n", sum(&root, what)), line);
        }
    }
}

#[test]
fn links_are_followed_and_a_file_is_a_root_too() {
    let place = Place::new();
    place.file("t/a/f", 10);
    place.file("out/g", 300);
    place.link("t/a/out", "../../out");
    place.link("t/a/round", "..");
    let root = root(&printed(&place.command().arg("--json").current_dir(place.at("t")).output().unwrap()));
    assert_eq!(find(find(find(&root, "a"), "out"), "g")["asize"], 300);
    assert_eq!(sum(&root, "asize"), place.size_of(&["t", "t/a", "out"]) + 310);
    let file = printed(&place.run(&["--json", "out/g"]));
    assert_eq!(self::root(&file)["asize"], 300);
}

#[test]
fn a_long_list_by_many_processes_is_whole() {
    let place = Place::new();
    for at in 0..3000 {
        place.file(&format!("t/{}/{at}", at % 50), at);
    }
    let root = root(&printed(&place.run(&["--json", "-P", "-j4", "t"])));
    let line = printed(&place.run(&["-P", "t"]));
    assert_eq!(format!("{}\tt\n", sum(&root, "asize")), line);
}

#[test]
fn what_cannot_be_read_is_marked() {
    let place = Place::new();
    place.file("t/closed/f", 10);
    place.file("t/z", 10);
    fs::set_permissions(place.at("t/closed"), Permissions::from_mode(0o000)).unwrap();
    let mut command = place.command();
    command.args(["--json", "-P", "t"]);
    if is_root() {
        command.uid(65534);
    }
    let output = command.output().unwrap();
    fs::set_permissions(place.at("t/closed"), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(complaints(&output), "my_du: cannot read directory 't/closed': Permission denied\n");
    let root = root(&text(&output.stdout));
    assert_eq!(about(find(&root, "closed"))["read_error"], true);
    assert_eq!(find(&root, "z")["asize"], 10);
}

#[test]
fn what_makes_no_sense_is_not_accepted() {
    let place = Place::new();
    let cases = [
        (&["--json", "-d1"][..], "my_du: cannot combine --json with --max-depth\n"),
        (&["-k", "--json"], "my_du: cannot combine --json with -k\n"),
        (&["--json", ".", "x"], "my_du: extra operand ‘x’\n--json takes one DIR\n"),
    ];
    for (args, message) in cases {
        let output = place.run(args);
        assert_eq!(output.status.code(), Some(1));
        assert!(complaints(&output).starts_with(message), "{}", complaints(&output));
    }
    let output = place.run(&["--json", "gone"]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("", Some(1)));
}

/// Where there is no ncdu, the other tests must do.
#[test]
fn ncdu_reads_it() {
    let place = Place::new();
    place.file("t/a/b/x \"\\\n", 7);
    fs::write(place.at("t/a").join(OsStr::from_bytes(b"\xff")), [1; 9000]).unwrap();
    fs::write(place.at("t.json"), place.run(&["--json", "t"]).stdout).unwrap();
    let mut ncdu = Command::new("ncdu");
    ncdu.args(["-f", "t.json", "-o", "again.json"]).current_dir(place.at("")).stdin(Stdio::null());
    match ncdu.output() {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            let again = fs::read(place.at("again.json")).unwrap();
            let again: Value = serde_json::from_str(&text(&again)).unwrap();
            let again = &again[3];
            assert_eq!(sum(again, "asize"), place.size_of(&["t", "t/a", "t/a/b"]) + 9007);
            assert_eq!(find(find(find(again, "a"), "b"), "x \"\\\n")["asize"], 7);
        }
        Err(error) => eprintln!("not compared: ncdu: {error}"),
    }
}
