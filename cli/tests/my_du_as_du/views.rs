//! What is shown, and how: options in many combinations.

use crate::case::{Case, assert_same, words};
use crate::nasty::nasty;

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
        "+%+Y|%+F|%+d|%+4d|%+10B|%+s|%+N|%+c",
        "+%-10d|%_-5d|%0-5d|%-_5d|%^-10a|%-12F|%-5e|%-10B|%-20s|%-10Y",
        "+%z|%010z|%-10z|%_z|%_10z|%03z|%+10z|%Ez",
        "+%-:z|%_:z|%9:z|%_10:z|%-::z|%_12::z|%-:::z|%_:::z|%5:::z",
        "+%+Q|%-9Q|%10Q|%EQ|%f|%-v|%5%|%-3%|%03%|%010%|%_%|%5E%|%10:d|%010:d|%9::d|%9:%",
        "+%-N|%_N|%_12N|%12N|%-12N|%-3N|%_3N|%1N|%+2N",
        "+%5q|%_5q|%-5q|%20s|%_20s|%12F|%012F|%_12F",
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
        "\\d\\",
        "[d]\\",
        "\\\\",
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
