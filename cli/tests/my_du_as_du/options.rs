//! Names from files, and what is wrong with options.

use crate::case::{Case, assert_same, words};
use crate::nasty::nasty;

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
