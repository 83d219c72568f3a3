//! my_du without some of its standard descriptors.

mod my_du_support;

use std::fs;
use std::process::{Output, Stdio};

use my_du_support::{Place, complaints, printed, text};

const READ_ERROR: &str = "my_du: -: read error: Bad file descriptor\n";
const WRITE_ERROR: &str = "my_du: write error: Bad file descriptor\n";

/// A tree, and what is in it.
fn place() -> (Place, u64) {
    let place = Place::new();
    place.file("t/a/f", 5);
    let sum = place.size_of(&["t", "t/a"]) + 5;
    (place, sum)
}

fn run(place: &Place, command: &str) -> Output {
    place.shell(&format!("exec ./my_du {command}")).output().unwrap()
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let (place, _) = place();
    for output in [">&-", "1</dev/null", "<&- >&-", "1<t"] {
        for args in ["t", "-a t", "-P t", "--json t", "--tree t", "--top=3 t", "-c t", "--help", "--version"]
        {
            let output = run(&place, &format!("{args} {output}"));
            assert_eq!(complaints(&output), WRITE_ERROR, "{args}");
            assert_eq!(output.status.code(), Some(1), "{args}");
        }
    }
    assert_eq!(run(&place, "t >&- 2>&-").status.code(), Some(1));
}

#[test]
fn an_output_that_is_not_needed_may_be_closed() {
    let (place, _) = place();
    assert_eq!(
        complaints(&run(&place, "nowhere >&-")),
        "my_du: cannot access 'nowhere': No such file or directory\n"
    );
    assert!(run(&place, "-t9G t >&-").status.success());
}

#[test]
fn an_input_that_cannot_be_read_is_an_error_where_it_is_needed() {
    let (place, sum) = place();
    for input in ["<&-", "0>/dev/null"] {
        let output = run(&place, &format!("--files0-from=- {input}"));
        assert_eq!((complaints(&output).as_str(), output.status.code()), (READ_ERROR, Some(1)));
        let output = run(&place, &format!("-X - t {input}"));
        assert!(complaints(&output).starts_with("my_du: -: Bad file descriptor\n"), "{output:?}");
        assert_eq!(printed(&run(&place, &format!("t {input}"))), format!("{sum}\tt\n"));
    }
}

#[test]
fn complaints_that_nobody_hears_change_no_sum() {
    let (place, sum) = place();
    for closed in ["2>&-", "<&- 2>&-", "2</dev/null"] {
        let output = run(&place, &format!("nowhere t {closed}"));
        assert_eq!((text(&output.stdout), output.status.code()), (format!("{sum}\tt\n"), Some(1)));
    }
}

#[test]
fn nothing_that_is_opened_stands_in_for_what_is_closed() {
    let (place, _) = place();
    assert!(place.shell("mkfifo list").status().unwrap().success());
    let mut command = place.shell("exec ./my_du --files0-from=list <&- >&- 2>&-");
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    // That takes until the other end is open.
    let list = fs::OpenOptions::new().write(true).open(place.at("list")).unwrap();
    for descriptor in 0..=2 {
        let at = |what| format!("/proc/{}/{what}/{descriptor}", child.id());
        assert_eq!(fs::read_link(at("fd")).unwrap().to_str(), Some("/"));
        let info = fs::read_to_string(at("fdinfo")).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        let flags = i32::from_str_radix(flags, 8).unwrap();
        assert_ne!(flags & libc::O_PATH, 0, "{descriptor} can be read or written");
    }
    drop(list);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_has_left_is_an_error_for_du_alone() {
    let (place, _) = place();
    place.link("du", "my_du");
    for (name, complaint) in [("./du", "./du: write error: Broken pipe\n"), ("./my_du", "")] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = place.shell(&format!("trap '' PIPE; exec {name} t"));
        let output = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        drop(command);
        let output = output.wait_with_output().unwrap();
        assert_eq!((complaints(&output).as_str(), output.status.code()), (complaint, Some(1)), "{name}");
    }
}
