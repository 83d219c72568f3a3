//! `--by` and `--shared`.

mod my_du_support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;

use my_du_support::{Place, complaints, printed, text};

fn place() -> Place {
    let place = Place::new();
    place.file("t/a.rs", 100);
    place.file("t/d/b.rs", 5000);
    place.file("t/d/lib.so.1", 300);
    place.file("t/README", 7);
    place.link("t/d/to", "b.rs");
    place
}

#[test]
fn sums_by_type_are_those_of_the_endings() {
    let place = place();
    let dirs = place.size_of(&["t", "t/d"]);
    let by_size = format!("{dirs}\t(directory)\n5100\t.rs\n300\t.so\n7\t(no ending)\n4\t(link)\n");
    for jobs in ["-j1", "-j3"] {
        assert_eq!(printed(&place.run(&["--by=type", "-P", jobs, "t"])), by_size);
    }
    assert_eq!(
        printed(&place.run(&["--by=type", "--sort=name", "--inodes", "-c", "t", "t/a.rs"])),
        "2\t(directory)\n1\t(no ending)\n2\t.rs\n1\t.so\n6\ttotal\n"
    );
    let filtered = printed(&place.run(&["--by=type", "--include=*.rs", "--exclude=d", "t"]));
    assert_eq!(filtered, "100\t.rs\n0\t(directory)\n");
}

/// Only root gives files away; others own all of what they made.
#[test]
fn sums_by_owner_have_their_names() {
    let place = place();
    let all = 5407 + place.size_of(&["t", "t/d"]) + 4;
    if chown(place.at("t/d/b.rs"), Some(54_321), None).is_ok() {
        let expected = format!("{}\troot\n5000\t54321\n", all - 5000);
        let mut lines: Vec<_> = expected.lines().collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.split('\t').next().unwrap().parse::<u64>().unwrap()));
        assert_eq!(printed(&place.run(&["--by=owner", "-P", "t"])), lines.join("\n") + "\n");
    } else {
        let name = Command::new("id").arg("-un").output().unwrap();
        assert_eq!(printed(&place.run(&["--by=owner", "-P", "t"])), format!("{all}\t{}", text(&name.stdout)));
    }
}

#[test]
fn groups_that_make_no_sense_are_not_accepted() {
    let place = place();
    let cases = [
        (&["--by=size"][..], "invalid argument 'size' for '--by'; valid are 'type' and 'owner'"),
        (&["--by=type", "--tree"], "cannot combine --tree with --by"),
        (&["--tree", "--by=type"], "cannot combine --by with --tree"),
        (&["--by=type", "-d1"], "cannot combine --by with --max-depth"),
        (&["--shared", "--json"], "cannot combine --json with --shared"),
    ];
    for (args, message) in cases {
        let output = place.run(args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        assert!(complaints(&output).starts_with(&format!("my_du: {message}\n")), "{}", complaints(&output));
    }
}

#[test]
fn nothing_is_shared_where_no_file_system_shares() {
    let place = place();
    let sum = 5407 + place.size_of(&["t", "t/d"]);
    assert_eq!(printed(&place.run(&["--shared", "t"])), format!("{sum}\t0\tt\n"));
}

/// A file system with reflinks takes root and the tools; where they are missing, this is not tested.
#[test]
fn what_reflinks_share_is_told() {
    let place = Place::new();
    let script = "
        truncate -s 400M image && mkfs.btrfs -q image >mkfs && mkdir disk && mount -o loop image disk || exit 77
        mkdir disk/d && head -c 1M /dev/urandom >disk/d/one && head -c 300K /dev/urandom >disk/d/own
        cp --reflink=always disk/d/one disk/two && sync
        ./my_du --shared -B1K --disk-usage -a disk/d/one disk/two disk/d/own; ./my_du --shared -B1K -j1 disk
        ./my_du --shared -B1K -P -a disk | sort -k3";
    let script = format!("exec unshare -m sh -c '{script}'");
    let output = place.shell(&script).output().unwrap();
    // 77, or what a shell says without unshare.
    if matches!(output.status.code(), Some(1 | 77 | 127)) {
        return;
    }
    assert_eq!(complaints(&output), "");
    let lines = text(&output.stdout);
    let lines: Vec<_> =
        lines.lines().map(|line| line.split('\t').skip(1).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "1024 disk/d/one",
        "1024 disk/two",
        "0 disk/d/own",
        "2048 disk",
        "2048 disk",
        "1024 disk/d",
        "1024 disk/d/one",
        "0 disk/d/own",
        "1024 disk/two",
    ];
    assert_eq!(lines, expected);
}

/// Whoever may not read a file is told that this is not known of it.
#[test]
fn what_cannot_be_read_is_a_complaint() {
    let place = place();
    fs::write(place.at("t/secret"), "x".repeat(9000)).unwrap();
    fs::set_permissions(place.at("t/secret"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = place.command();
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
    let output = command.args(["--shared", "-P", "t"]).output().unwrap();
    assert_eq!(complaints(&output), "my_du: cannot access 't/secret': Permission denied\n");
    let sum = 14_411 + place.size_of(&["t", "t/d"]);
    assert_eq!((text(&output.stdout), output.status.code()), (format!("{sum}\t0\tt\n"), Some(1)));
}
