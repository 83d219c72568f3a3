//! my_du, called as du, beside the machine's GNU du: the same output, the same messages, the same status.

mod my_du_support;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use my_du_support::{Place, is_root, text};

const NOBODY: u32 = 65534;

/// One run of both.
#[derive(Default)]
struct Case<'c> {
    args: Vec<&'c str>,
    env: Vec<(&'c str, &'c str)>,
    input: &'c [u8],
    as_nobody: bool,
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

fn assert_same<'c>(place: &Place, cases: impl IntoIterator<Item = Case<'c>>) -> usize {
    let mut count = 0;
    let mut differences = Vec::new();
    for case in cases {
        count += 1;
        differences.extend(difference(place, &case));
    }
    assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), differences.join("\n"));
    count
}

fn words(line: &str) -> Case<'_> {
    Case { args: line.split_whitespace().collect(), ..Case::default() }
}

/// A tree with all that a du may stumble over. It leads nowhere out of itself.
fn nasty() -> Place {
    let place = Place::new();
    let write = |name: &str, len: usize| {
        place.file(&format!("in/{name}"), 0);
        fs::write(place.at("in").join(name), vec![b'x'; len]).unwrap();
    };
    for (at, name) in
        ["a/f", "a/b/c/g", "a b/it's", "d/new\nline/x", "d/\u{e9}/#y", "z/-", "z/~"].iter().enumerate()
    {
        write(name, at * 5000 + 1);
    }
    for i in 0..100 {
        write(&format!("many/{}/{i}.o", i % 13), i * 37);
        write(&format!("many/{i}.c"), i);
    }
    place.file("in/sparse", 3 << 30);
    let link =
        |from: &str, to: &str| fs::hard_link(place.at("in").join(from), place.at("in").join(to)).unwrap();
    link("a/f", "z/f again");
    link("a/f", "a/b/f again");
    link("many/7.c", "d/7");
    for (name, target) in [
        ("l/to a", "../a"),
        ("l/to file", "../a/f"),
        ("l/nowhere", "gone"),
        ("l/self", "."),
        ("l/loop", "loop"),
        ("l/up", "../l"),
        ("l/through a file", "../a/f/x"),
        ("to l", "l"),
        ("to nowhere", "gone"),
    ] {
        place.dir("in/l");
        place.link(&format!("in/{name}"), target);
    }
    place.dir("in/empty/er");
    let deep = "deep/".to_owned() + &"d/".repeat(50);
    write(&(deep.clone() + "f"), 5000);
    place.link(&format!("in/{deep}up"), "../..");
    for (name, kind) in [("in/fifo", "p"), ("in/d/fifo", "p")] {
        assert!(Command::new("mknod").arg(place.at(name)).arg(kind).status().unwrap().success());
    }
    for (name, date) in [
        ("a/b/c/g", "1969-07-20 20:17:40.5"),
        ("z/-", "2037-12-31 23:59:59.123456789"),
        ("empty/er", "2001-02-03 04:05:06"),
        ("many/7.c", "2030-07-01 12:00"),
    ] {
        let touch = Command::new("touch")
            .arg("-d")
            .arg(date)
            .arg(place.at("in").join(name))
            .env("TZ", "UTC")
            .status();
        assert!(touch.unwrap().success());
    }
    fs::write(place.at("in/patterns"), "*.c\n\n   \n  \nd/new*  \nit's\n#y\n").unwrap();
    fs::write(place.at("in/names"), b"a\0z\0\0gone\0a/b\0-\0").unwrap();
    place
}

/// Options that make sense together with any of the others.
const VIEWS: [&str; 16] = [
    "",
    "-a",
    "-s",
    "-d1",
    "-d0",
    "-ad2",
    "-S",
    "-Sa",
    "-Ssc",
    "-c",
    "-ac",
    "-l",
    "-la",
    "--inodes",
    "-a --inodes",
    "-x",
];

const UNITS: [&str; 22] = [
    "-b",
    "-k",
    "-m",
    "-h",
    "--si",
    "-B1",
    "-BK",
    "-BkB",
    "-BMiB",
    "-B3K",
    "--block-size=human",
    "-B'1",
    "-A -h",
    "--apparent-size",
    "-bh",
    "-hb",
    "-0",
    "-t4K",
    "-t-5000",
    "--threshold=1M",
    "-BG -t0",
    "--apparent --si -t10KB",
];

#[test]
fn all_views_in_all_units() {
    let place = nasty();
    let lines: Vec<_> =
        VIEWS.iter().flat_map(|view| UNITS.iter().map(move |unit| format!("{view} {unit}"))).collect();
    // GNU du has -A since 9.5 only.
    let lines: Vec<_> = lines.iter().map(|line| line.replace("-A ", "--apparent-size ")).collect();
    assert!(assert_same(&place, lines.iter().map(|line| words(line))) >= 350);
}

#[test]
fn all_ways_of_following_links() {
    let place = nasty();
    let operands = [
        ".",
        "l",
        "to_l l a",
        "a z",
        "z a",
        "a/f z",
        "z a/f",
        "l/to_file a",
        ". .",
        "a a/f a/b/ l//",
        "deep",
        "gone a",
    ];
    for operands in operands {
        let operands: Vec<_> = operands.split(' ').map(|operand| operand.replace('_', " ")).collect();
        let cases =
            ["", "-L", "-D", "-H", "-P", "-aL", "-alL", "-lD", "-aLS", "-L -P", "-P -D", "-aLx", "-cLs"].map(
                |options| {
                    let mut case = words(options);
                    case.args.extend(operands.iter().map(String::as_str));
                    case
                },
            );
        assert_same(&place, cases);
    }
}

#[test]
fn times() {
    let place = nasty();
    let views = [
        "--time",
        "--time=ctime",
        "--time=stat -a",
        "--time -c",
        "--time -as",
        "--time -hd1",
        "--time -S",
        "--time -L",
    ];
    let styles = ["", "--time-style=full-iso", "--time-style=iso", "--time-style=l", "--time-style=+%s.%N"];
    let lines: Vec<_> =
        views.iter().flat_map(|view| styles.iter().map(move |style| format!("{view} {style}"))).collect();
    assert_same(&place, lines.iter().map(|line| words(line)));
    let formats = [
        "+%Y-%m-%d|%H:%M:%S|%z|%Z|%:z|%::z",
        "+%-d %_H %^a %3N %q %10Y %%",
        "+",
        "+%",
        "+%c %x %X %p %j %U %e",
        "+%Q",
    ];
    assert_same(
        &place,
        formats.iter().map(|format| {
            let style = ["--time", "--time-style", format];
            Case { args: style.to_vec(), ..Case::default() }
        }),
    );
    let styles = ["iso", "posix-iso", "locale", "posix-posix-full-iso", "", "+%Y\n%d", "bad"];
    for options in ["--time -s", "-s"] {
        assert_same(&place, styles.map(|style| Case { env: vec![("TIME_STYLE", style)], ..words(options) }));
    }
}

#[test]
fn units_of_the_environment() {
    let place = nasty();
    let sizes = [
        "1M",
        "human-readable",
        "si",
        "512",
        "KB",
        "'",
        "'2K",
        "bogus",
        "4Q",
        "",
        "0",
        "08",
        "-5",
        "16E",
        "99999999999999999999",
    ];
    for variable in ["DU_BLOCK_SIZE", "BLOCK_SIZE", "BLOCKSIZE"] {
        assert_same(&place, sizes.map(|size| Case { env: vec![(variable, size)], ..words("-s") }));
    }
    let both = [("DU_BLOCK_SIZE", "bogus"), ("BLOCK_SIZE", "1")];
    assert_same(
        &place,
        ["-s", "-sk", "-sb", "-s --apparent-size"]
            .map(|options| Case { env: both.to_vec(), ..words(options) }),
    );
    let posix = [("POSIXLY_CORRECT", "1")];
    assert_same(
        &place,
        ["-s", "-s a -c", "a -s", "-sk"].map(|options| Case { env: posix.to_vec(), ..words(options) }),
    );
}

#[test]
fn what_is_excluded() {
    let place = nasty();
    let patterns = [
        "a*",
        "a b",
        "*",
        "?",
        "??",
        "[y]",
        "*/b",
        "a/b",
        "a/*",
        "/a",
        "./a",
        ".*",
        "*.c",
        "[a-f]*",
        "[!d]",
        "[^d]",
        "[[:alpha:]]",
        "[",
        "[d",
        "\\",
        "d\\",
        "\\d",
        "*\\",
        "\u{e9}",
        "d/?",
        "d//b",
        "b/",
        ".",
        "*f",
        "[]y]",
        "[[]y]",
        "many/*/*.o",
        "**",
        "?*.?",
        "[[:digit:]a]*",
        "[z-a]",
        "[1-3].[co]",
        "\\*",
        "-",
        "[\\d]",
        "[a\\-e]",
        "",
        "{d,e}",
        "+(d)",
        "[[.d.]]",
        "[[=d=]]",
        "[[:foo:]]",
        "*l",
        "new\nline",
        "it's",
        "#*",
        "~",
        "f again",
        "[[:upper:]]*",
        "*[0-4].*",
        "a/[!x]/c",
    ];
    assert_same(
        &place,
        patterns.iter().map(|pattern| Case { args: vec!["-a", "--exclude", pattern], ..Case::default() }),
    );
    assert_same(
        &place,
        patterns.iter().map(|pattern| Case {
            args: vec!["--inodes", "-c", "--exclude", pattern, "a", "d/", "l/to a", "gone"],
            ..Case::default()
        }),
    );
    let lists = [
        "-Xpatterns",
        "-X patterns --exclude=a -a",
        "-X /dev/null -s",
        "-aLX patterns",
        "--exclude-from=patterns a",
    ];
    assert_same(&place, lists.map(words));
    assert_same(&place, [Case { input: b"b\n*.o", ..words("-aX -") }]);
}

#[test]
fn names_from_files() {
    let place = nasty();
    assert_same(
        &place,
        [
            "--files0-from=names",
            "-s --files0-from names",
            "-cl --files=names",
            "--files0-from=/dev/null",
            "-c --files0-from=/dev/null",
        ]
        .map(words),
    );
    for input in [&b""[..], b"a", b"a\0", b"\0", b"a\0\0-\0z", b"x\n\0a b", b"-"] {
        assert_same(
            &place,
            ["--files0-from=-", "-ac --files0-from=-"].map(|options| Case { input, ..words(options) }),
        );
    }
    assert_same(
        &place,
        [
            "--files0-from=a",
            "--files0-from=gone",
            "--files0-from=",
            "--files0-from=names a b",
            "-c --files0-from=gone",
        ]
        .map(words),
    );
}

#[test]
fn what_is_wrong_with_options() {
    let place = nasty();
    let lines = [
        "--foo",
        "--foo --bar -Q",
        "-Q",
        "--all=3",
        "--a",
        "--ti",
        "--ti=x",
        "--no",
        "--de",
        "--h",
        "--s",
        "--t",
        "--d",
        "--e",
        "--o",
        "--m",
        "--i",
        "--c",
        "--n",
        "--b",
        "--exclude",
        "-X",
        "-X gone",
        "-X gone -X gone2",
        "-d",
        "-dx",
        "-d-1",
        "-d1K",
        "-d=1",
        "--max-depth=",
        "-d 99999999999999999999999",
        "-dx -dy",
        "-s -a",
        "-s -d1",
        "-sd0",
        "-d0 -s a",
        "-asd1",
        "--inodes -b a",
        "--inodes --apparent-size -h a",
        "--time=",
        "--time=x",
        "--time=m",
        "--time=a a",
        "--time-style=x a",
        "--time --time-style=x",
        "--time --time-style=",
        "--time-style",
        "-B",
        "--files0-from",
        "-t",
        "-tx",
        "-t1x",
        "-t-0",
        "--threshold=-0",
        "-t99999999999999999999",
        "-t-99999999999999999999",
        "-t1e",
        "-te",
        "-t1Z",
        "--time=\u{e9}",
        "-d '",
        "-t --foo",
        "--dereference-x",
        "--si=4",
        "-- --foo",
        "- a",
        "-sh- a",
        "--max-depth",
        "--files0-from=names -Q",
    ];
    assert_same(&place, lines.map(words));
    let sizes = [
        "0",
        "x",
        "1x",
        "",
        "1KQ",
        "99999999999999999999",
        "Y",
        "Z",
        "1E",
        "16E",
        "0x10",
        "010",
        "1KiBx",
        "1B",
        "B",
        "1b",
        "KiB1",
        "KD",
        "1KD",
        "-1",
        "+1",
        " 1",
        "h",
        "hx",
        "e",
        "1 K",
        "''K",
        "'K",
        "1Ki",
        "08",
        "0x",
        "17179869184G",
        "9999P",
        "g",
        "t",
        "m",
        "p",
    ];
    let of_letter: Vec<_> = sizes.iter().map(|size| format!("-B{size}")).collect();
    let of_word: Vec<_> = sizes.iter().map(|size| format!("--block={size}")).collect();
    let each = of_letter.iter().skip(5).chain(&of_word);
    assert_same(&place, each.map(|option| Case { args: vec!["-s", option, "a"], ..Case::default() }));
    for word in ["it's", "a\nb", "\u{2019}", "\\", "\t"] {
        for locale in ["C", "C.UTF-8"] {
            let env = vec![("LC_ALL", locale)];
            assert_same(
                &place,
                ["-d", "--time", "-X", "-B", "-s", "--files0-from"].map(|option| Case {
                    args: vec![option, word],
                    env: env.clone(),
                    ..Case::default()
                }),
            );
        }
    }
}

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
    let mut script = "mkdir -p in/deep && cd in/deep".to_owned();
    script += &" && mkdir long_name_of_a_directory && cd long_name_of_a_directory".repeat(10);
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do {script}; cd ..; break; done"
    );
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
