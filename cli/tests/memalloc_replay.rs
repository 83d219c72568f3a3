//! `memalloc replay`, from outside.

mod memalloc_common;

use memalloc_common::{Ran, broken_pipe, memalloc, memalloc_reading, trace, with_file};

const HEAD: &str = "trace";

fn row(ran: &Ran, name: &str) -> Vec<String> {
    let line =
        ran.out.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no row: {}", ran.out));
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_small_trace_gives_exact_figures() {
    for memory in ["--source=mmap", "--source=arena", "--arena=64K"] {
        let ran = memalloc(&["replay", memory, &trace("small.rep")]);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""));
        assert!(ran.out.starts_with(HEAD));
        // Name, operations, failures, speed and its unit, peak payload: 640 + 128 + 16 + 16.
        let row = row(&ran, &trace("small.rep"));
        assert_eq!((row[1].as_str(), row[2].as_str(), row[5].as_str()), ("9", "0", "800"));
    }
}

#[test]
fn a_trace_of_two_thousand_operations_is_served_and_verified() {
    for memory in ["--source=mmap", "--arena=256K"] {
        for mode in ["--runs=1", "--real-time"] {
            let ran = memalloc(&["replay", memory, mode, "--verify", "--check=1", &trace("random.rep")]);
            assert_eq!((ran.status, ran.err.as_str()), (0, ""));
            let row = row(&ran, &trace("random.rep"));
            assert_eq!((row[1].as_str(), row[2].as_str(), row[5].as_str()), ("2,000", "0", "158,836"));
        }
    }
}

#[test]
fn an_arena_too_small_shows_failures_and_is_no_error() {
    let ran = memalloc(&["replay", "--arena=4K", "--verify", "--check=1", &trace("random.rep")]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_ne!(row(&ran, &trace("random.rep"))[2], "0");
}

#[test]
fn the_smallest_arena_is_found_and_serves() {
    let ran = memalloc(&["replay", "--fit", "--json", &trace("random.rep")]);
    let (_, after) = ran.out.split_once("\"smallest_arena\": ").expect("it was asked for");
    let fit: usize = after.split(',').next().unwrap().parse().expect("a number");
    assert!((158_836..200_000).contains(&fit), "{fit}");
    let failures = |arena: usize| {
        let ran = memalloc(&["replay", &format!("--arena={arena}"), &trace("random.rep")]);
        row(&ran, &trace("random.rep"))[2].clone()
    };
    assert_eq!(failures(fit), "0");
    assert_ne!(failures(fit - 16), "0");
}

#[test]
fn several_traces_have_a_row_each_in_order() {
    let ran = memalloc(&["replay", &trace("small.rep"), &trace("mixed.rep")]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].starts_with(&trace("small.rep")) && lines[2].starts_with(&trace("mixed.rep")));
    assert_eq!(lines[0].len(), lines[1].len());
}

#[test]
fn a_minus_is_the_standard_input() {
    let ran = memalloc_reading(&["replay", "-"], b"0\n1\n2\n1\na 0 5\nf 0\n");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("standard input"));
    let ran = memalloc_reading(&["replay", "-"], b"0\n1\n2\n1\na 0 5\nx\n");
    assert_eq!(
        ran.err,
        "memalloc: standard input:6: expected 'a ID SIZE', 'r ID SIZE' or 'f ID', found 'x'\n"
    );
}

#[test]
fn the_trace_in_the_help_is_one() {
    let help = memalloc(&["replay", "--help"]).out;
    let (_, after) = help.split_once("for each operation.\n\n").expect("a trace");
    let lines = after.lines().take_while(|line| !line.is_empty());
    let trace: String = lines.map(|line| line.trim().split("  ").next().unwrap().to_owned() + "\n").collect();
    let ran = memalloc_reading(&["replay", "--runs=1", "-"], trace.as_bytes());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(row(&ran, "standard input")[2], "4");
}

#[test]
fn json_has_an_object_for_each_trace() {
    let ran = memalloc(&["replay", "--json", &trace("small.rep"), &trace("mixed.rep")]);
    assert!(ran.out.starts_with("[\n  {\"trace\": \"") && ran.out.ends_with("}\n]\n"));
    assert_eq!(ran.out.matches("\"operations\": ").count(), 2);
    assert_eq!(memalloc(&["replay", "--json", "nowhere.rep"]).out, "[]\n");
}

#[test]
fn what_is_no_trace_is_named_and_the_others_run() {
    with_file("bad.rep", b"0\n2\n1\n1\nx 1 2\n", |bad| {
        let ran = memalloc(&["replay", bad, &trace("small.rep"), "/nowhere/at/all.rep", "/tmp"]);
        assert_eq!(ran.status, 1);
        assert_eq!(ran.out.lines().count(), 2);
        let errors: Vec<&str> = ran.err.lines().collect();
        assert_eq!(
            errors,
            [
                format!("memalloc: {bad}:5: expected 'a ID SIZE', 'r ID SIZE' or 'f ID', found 'x 1 2'"),
                "memalloc: /nowhere/at/all.rep: No such file or directory (os error 2)".to_owned(),
                "memalloc: /tmp: Is a directory (os error 21)".to_owned(),
            ]
        );
    });
}

#[test]
fn a_name_neither_steers_the_terminal_nor_breaks_the_table() {
    let content = std::fs::read(trace("small.rep")).unwrap();
    with_file("it's \u{1b}[2J\n\"x.rep", &content, |file| {
        let shown = file.replace('\u{1b}', "\\u{1b}").replace('\n', "\\n");
        let ran = memalloc(&["replay", file]);
        let lines: Vec<&str> = ran.out.lines().collect();
        assert_eq!((lines.len(), lines[0].len()), (2, lines[1].len()));
        assert!(lines[1].starts_with(&shown), "{}", ran.out);
        let json = memalloc(&["replay", "--json", file]).out;
        assert!(json.contains("it's \\u001b[2J\\u000a\\\"x.rep\""), "{json}");
        let drawn = memalloc(&["map", file]).out;
        assert!(drawn.starts_with("The heap of it's \\u{1b}[2J\\n\"x.rep after "), "{drawn}");
        std::fs::write(file, "x").unwrap();
        let told = memalloc(&["replay", file]).err;
        assert!(told.starts_with(&format!("memalloc: {shown}:1: ")), "{told}");
        assert!(!told.contains('\u{1b}') && told.lines().count() == 1, "{told}");
    });
    let ran = memalloc(&["map", "--svg=/nowhere/\u{1b}[2J", &trace("small.rep")]);
    assert_eq!(ran.err, "memalloc: /nowhere/\\u{1b}[2J: No such file or directory (os error 2)\n");
}

#[test]
fn bytes_that_are_not_text_are_an_error() {
    with_file("binary.rep", b"\x7fELF\xff\xff", |file| {
        let ran = memalloc(&["replay", file]);
        assert_eq!(
            ran.err,
            format!("memalloc: {file}:1: expected text, found the byte 0xff, which is not UTF-8\n")
        );
        assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    });
}

#[test]
fn a_wrong_command_line_has_status_2() {
    for line in
        [&["replay"][..], &[], &["replay", "--arena=many", "t"], &["replay", "--check=0", "t"], &["dance"]]
    {
        assert_eq!(memalloc(line).status, 2, "{line:?}");
    }
    for (name, traces) in [("replay", "<TRACE>..."), ("map", "<TRACE>")] {
        let ran = memalloc(&[name, "--source=mmap", "--arena=16K", "t"]);
        assert_eq!(ran.status, 2);
        assert!(ran.err.contains(&format!("Usage: memalloc {name} [OPTIONS] {traces}\n")), "{}", ran.err);
    }
    let ran = memalloc(&["replay", "--arena=5X", "t"]);
    assert!(ran.err.contains("'X' is no unit: expected K, M, G or T"), "{}", ran.err);
}

#[test]
fn an_arena_beyond_the_address_space_is_an_error() {
    let ran = memalloc(&["replay", "--arena=8388608T", &trace("small.rep")]);
    assert_eq!(ran.status, 1);
    assert_eq!(ran.err, "memalloc: an arena of 9223372036854775808 bytes cannot be had\n");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    assert_eq!(broken_pipe(&["replay", &trace("random.rep")]), (Some(0), String::new()));
}

#[test]
fn a_full_disk_is_an_error() {
    let ran = memalloc_common::to_full_disk(&["replay", &trace("small.rep")]);
    assert_eq!(
        ran,
        (Some(1), "memalloc: standard output: No space left on device (os error 28)\n".to_owned())
    );
}

#[test]
fn an_arena_that_cannot_be_had_is_no_reason_to_say_that_none_fits() {
    let replay = |limit: &str, size: u64| {
        let mut child = std::process::Command::new("sh");
        let script = format!("ulimit -v {limit}; exec \"$0\" replay --runs 1 --json --fit -");
        child.args(["-c", &script, env!("CARGO_BIN_EXE_memalloc")]);
        memalloc_common::reading(&mut child, format!("0\n1\n1\n1\na 0 {size}\n").as_bytes())
    };
    // There is room for a little more than the block, but not for twice as much.
    let ran = replay("1500000", 1_000_000_000);
    let (_, after) =
        ran.out.split_once("\"smallest_arena\": ").unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    let fit: u64 = after.split(',').next().unwrap().parse().unwrap();
    assert!((1_000_000_000..1_100_000_000).contains(&fit), "{fit}");
    let ran = replay("1000000", 1_000_000_000);
    assert_eq!((ran.status, ran.out.as_str()), (1, "[]\n"));
    assert!(
        ran.err.starts_with("memalloc: standard input: --fit needs an arena of more than "),
        "{}",
        ran.err
    );
}
