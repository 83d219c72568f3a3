//! What cannot be read, what is long, and other file systems.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::case::{Case, assert_same, words};
use crate::my_du_support::{Place, is_root, text};
use crate::nasty::nasty;

#[test]
fn what_cannot_be_read() {
    let place = nasty();
    for (dir, mode) in [("in/a/b", 0o000), ("in/z", 0o444), ("in/many/3", 0o111), ("in/deep/d/d", 0o000)] {
        fs::set_permissions(place.at(dir), Permissions::from_mode(mode)).unwrap();
    }
    let lines = [
        "",
        "-a",
        "-s",
        "-d1",
        "-aL",
        "-S",
        "a/b z",
        "-x",
        "--time",
        "-D l/to a/b/c",
        "--exclude=b",
        "-c many/3 many/3/3.o",
    ];
    assert_same(&place, lines.map(|line| Case { as_nobody: is_root(), ..words(line) }));
    for dir in ["in/a/b", "in/z", "in/many/3", "in/deep/d/d"] {
        fs::set_permissions(place.at(dir), Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn long_directories_and_long_paths() {
    let place = Place::new();
    for i in 0..12_000 {
        place.file(&format!("in/long/{}", i * 7919 % 12_000), 0);
    }
    // Longer than any path that the kernel takes.
    let down = "for i in $(seq 250); do mkdir long_name_of_a_directory && cd -P long_name_of_a_directory || exit; done";
    let script = format!("mkdir in/deep && cd in/deep && {{ {down}; }} && echo 1 >file");
    assert!(place.shell(&script).status().unwrap().success());
    assert_same(&place, ["-a", "", "-s", "-al --inodes"].map(words));
}

#[test]
fn other_file_systems() {
    let place = nasty();
    place.link("du", "my_du");
    let mounts = "mount -t tmpfs none in/empty && mkdir in/empty/x && echo y >in/empty/x/y && mount --bind in/a in/d/\u{e9} \
                  && mount --bind in in/many/5 && mount --bind in/a/f in/z/- && mount -t proc none in/many/6";
    if !place.shell(&format!("unshare -m sh -c '{mounts}'")).output().unwrap().status.success() {
        assert!(!is_root() || fs::metadata("/.dockerenv").is_ok(), "root may not mount");
        return;
    }
    for options in [
        "-x",
        "-ax",
        "-axS",
        "-sx",
        "-xL",
        "--exclude=6",
        "-a --exclude=6",
        "-axl",
        "-aL --exclude=6",
        "-x empty a",
        "-al --exclude=6",
    ] {
        let script = |program: &str| format!("unshare -m sh -c '{mounts} && cd in && {program} {options}'");
        let [expected, ours] = ["du", "../du"].map(|program| {
            let output = place.shell(&script(program)).output().unwrap();
            (text(&output.stdout), text(&output.stderr).replace("../du: ", "du: "), output.status.code())
        });
        assert_eq!(ours, expected, "{options}");
    }
}
