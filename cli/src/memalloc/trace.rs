//! Allocation traces in malloc-lab text: four header numbers, then a line for each operation.
//!
//! ```text
//!   20000        suggested bytes of heap (not used)
//!   2            ids
//!   4            operations
//!   1            weight (not used)
//!   a 0 512      allocate 512 bytes, to be known as 0
//!   a 1 128
//!   r 0 640      reallocate 0
//!   f 1          free 1; `f -1` is free(NULL)
//! ```
//!
//! A trace that was parsed is sound: what it reallocates and frees is live, and what it allocates is not. An id may
//! be used again once it is free. Blank lines, spaces at either end and carriage returns are passed over.

use std::collections::HashMap;
use std::fmt;

use super::harmless::harmless;

/// What an operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Allocate,
    Reallocate,
    Free,
    /// `f -1`.
    FreeNull,
}

/// One operation. `slot` numbers the ids of the trace from 0 in the order in which they appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    pub(crate) slot: u32,
    pub(crate) size: usize,
}

/// A trace, ready to be replayed.
#[derive(Debug)]
pub(crate) struct Trace {
    /// What people are told that it is called.
    pub(crate) name: String,
    pub(crate) operations: Vec<Operation>,
    /// The id of each slot.
    pub(crate) ids: Vec<u64>,
    /// The line of each operation.
    lines: Vec<usize>,
}

/// The state of the trace at which most payload is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peak {
    /// Operations done.
    pub(crate) operations: usize,
    /// Bytes live.
    pub(crate) payload: u128,
}

/// Why a text is no trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceError {
    name: String,
    line: usize,
    message: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.name, self.line, self.message)
    }
}

impl Trace {
    /// Parses the content of a trace file.
    ///
    /// # Errors
    /// The first line that is not what it should be.
    pub(crate) fn parse(name: &str, content: &[u8]) -> Result<Self, TraceError> {
        let error = |(line, message)| TraceError { name: name.to_owned(), line, message };
        let text = text_of(content).map_err(error)?;
        let mut parser = Parser::default();
        for (index, line) in text.lines().enumerate() {
            parser.line(line).map_err(|message| error((index + 1, message)))?;
        }
        let last = text.lines().count().max(1);
        parser.finish().map_err(|message| error((last, message)))?;
        let Parser { operations, lines, ids, .. } = parser;
        Ok(Self { name: name.to_owned(), operations, ids, lines })
    }

    /// Where an operation stands: `name:line`.
    pub(crate) fn place(&self, operation: usize) -> String {
        format!("{}:{}", self.name, self.lines[operation])
    }

    /// Where most payload is live, first reached, if every request is served.
    pub(crate) fn peak(&self) -> Peak {
        let mut sizes = vec![0; self.ids.len()];
        let mut peak = Peak { operations: 0, payload: 0 };
        let mut live = 0;
        for (index, operation) in self.operations.iter().enumerate() {
            if operation.kind == Kind::FreeNull {
                continue;
            }
            let size = &mut sizes[operation.slot as usize];
            live = live - *size + operation.size as u128;
            *size = operation.size as u128;
            if live > peak.payload {
                peak = Peak { operations: index + 1, payload: live };
            }
        }
        peak
    }
}

/// The text of a file, or the line, and a message, where it stops being one.
fn text_of(content: &[u8]) -> Result<&str, (usize, String)> {
    std::str::from_utf8(content).map_err(|error| {
        let before = &content[..error.valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        (line, format!("expected text, found the byte {:#04x}, which is not UTF-8", content[before.len()]))
    })
}

const HEADER: [&str; 4] =
    ["the suggested bytes of heap", "the number of ids", "the number of operations", "the weight"];
const IDS: usize = 1;
const OPERATIONS: usize = 2;
const OPERATION: &str = "'a ID SIZE', 'r ID SIZE' or 'f ID'";

/// What was read so far.
#[derive(Default)]
struct Parser {
    header: Vec<u64>,
    operations: Vec<Operation>,
    lines: Vec<usize>,
    line: usize,
    ids: Vec<u64>,
    /// The slot of each id, and whether it is live.
    slots: HashMap<u64, (u32, bool)>,
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), String> {
        self.line += 1;
        if line.trim().is_empty() {
            return Ok(());
        }
        if self.header.len() < HEADER.len() { self.header_line(line) } else { self.operation_line(line) }
    }

    fn header_line(&mut self, line: &str) -> Result<(), String> {
        for word in line.split_whitespace() {
            let what = HEADER.get(self.header.len()).ok_or_else(|| found(OPERATION, line))?;
            self.header.push(number(word, what)?);
        }
        Ok(())
    }

    fn operation_line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().take(4).collect();
        let operation = match words[..] {
            ["a", id, size] => self.start(self.id(id)?, self.size(size)?)?,
            ["r", id, size] => self.go_on(Kind::Reallocate, self.id(id)?, self.size(size)?)?,
            ["f", "-1"] => Operation { kind: Kind::FreeNull, slot: 0, size: 0 },
            ["f", id] => self.go_on(Kind::Free, self.id(id)?, 0)?,
            _ => return Err(found(OPERATION, line)),
        };
        self.operations.push(operation);
        self.lines.push(self.line);
        Ok(())
    }

    /// An allocation for an id that is not live.
    fn start(&mut self, id: u64, size: usize) -> Result<Operation, String> {
        let next =
            u32::try_from(self.ids.len()).map_err(|_| format!("more than {} ids are used", u32::MAX))?;
        let (slot, live) = self.slots.entry(id).or_insert((next, false));
        if *live {
            return Err(format!("expected an id that is free, found {id}, which is in use"));
        }
        *live = true;
        if *slot == next {
            self.ids.push(id);
        }
        Ok(Operation { kind: Kind::Allocate, slot: *slot, size })
    }

    /// An operation on an id that is live.
    fn go_on(&mut self, kind: Kind, id: u64, size: usize) -> Result<Operation, String> {
        match self.slots.get_mut(&id) {
            Some((slot, live)) if *live => {
                *live = kind == Kind::Reallocate;
                Ok(Operation { kind, slot: *slot, size })
            }
            Some(_) => Err(format!("expected an id in use, found {id}, which is free already")),
            None => Err(format!("expected an id in use, found {id}, which was never allocated")),
        }
    }

    fn id(&self, word: &str) -> Result<u64, String> {
        let id = number(word, "an id")?;
        let ids = self.header[IDS];
        if id < ids {
            Ok(id)
        } else {
            Err(format!("expected an id below {ids}, as the header says, found {id}"))
        }
    }

    fn size(&self, word: &str) -> Result<usize, String> {
        let size = number(word, "a size")?;
        usize::try_from(size).map_err(|_| found("a size of this machine", word))
    }

    fn finish(&self) -> Result<(), String> {
        if let Some(what) = HEADER.get(self.header.len()) {
            return Err(format!("expected {what}, found the end"));
        }
        let (said, found) = (self.header[OPERATIONS], self.operations.len());
        if said == found as u64 {
            Ok(())
        } else {
            Err(format!("expected {said} operations, as the header says, found {found}"))
        }
    }
}

fn number(word: &str, what: &str) -> Result<u64, String> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match word.parse() {
        Ok(number) if digits => Ok(number),
        Err(_) if digits => Err(format!("expected {what} below 2^64, found '{}'", shown(word))),
        _ => Err(found(what, word)),
    }
}

fn found(expected: &str, found: &str) -> String {
    format!("expected {expected}, found '{}'", shown(found.trim()))
}

/// A text for a message: without control characters, and not for ever.
fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown = harmless(text.chars().take(MOST));
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Trace, String> {
        Trace::parse("t", text.as_bytes()).map_err(|error| error.to_string())
    }

    fn error(text: &str) -> String {
        parse(text).expect_err("should not parse")
    }

    #[test]
    fn a_trace_is_its_operations_with_ids_numbered_as_they_come() {
        let trace = parse("20000\n9\n5\n1\na 7 512\na 0 128\nr 7 640\nf 0\nf -1\n").unwrap();
        let operation = |kind, slot, size| Operation { kind, slot, size };
        assert_eq!(
            trace.operations,
            [
                operation(Kind::Allocate, 0, 512),
                operation(Kind::Allocate, 1, 128),
                operation(Kind::Reallocate, 0, 640),
                operation(Kind::Free, 1, 0),
                operation(Kind::FreeNull, 0, 0),
            ]
        );
        assert_eq!(trace.ids, [7, 0]);
        assert_eq!(trace.place(2), "t:7");
    }

    #[test]
    fn blank_lines_spaces_and_carriage_returns_are_passed_over() {
        let trace = parse("\r\n 1 1\r\n2\r\n\r\n1 \r\n  a 0\t5  \r\n\r\nf 0\r\n\n\n").unwrap();
        assert_eq!(trace.operations.len(), 2);
        assert_eq!(trace.place(1), "t:8");
    }

    #[test]
    fn an_id_may_be_used_again_once_it_is_free() {
        let trace = parse("0\n1\n4\n1\na 0 5\nf 0\na 0 6\nf 0").unwrap();
        assert!(trace.operations.iter().all(|operation| operation.slot == 0));
    }

    #[test]
    fn a_header_that_promises_the_world_costs_nothing() {
        assert_eq!(
            error("18446744073709551615 18446744073709551615 18446744073709551615 1\na 0 1\n"),
            "t:2: expected 18446744073709551615 operations, as the header says, found 1"
        );
    }

    #[test]
    fn the_peak_is_where_most_payload_is_first_live() {
        let trace = parse("0\n3\n7\n1\na 0 10\na 1 20\nf 0\na 2 10\nr 1 5\nf 1\nf 2").unwrap();
        assert_eq!(trace.peak(), Peak { operations: 2, payload: 30 });
    }

    #[test]
    fn sizes_that_no_memory_holds_do_not_overflow_the_peak() {
        let most = usize::MAX;
        let trace = parse(&format!("0\n2\n2\n1\na 0 {most}\na 1 {most}")).unwrap();
        assert_eq!(trace.peak().payload, 2 * most as u128);
    }

    #[test]
    fn a_line_that_is_no_operation_is_named() {
        let with = |line: &str| error(&format!("0\n4\n1\n1\n{line}"));
        let operation = "t:5: expected 'a ID SIZE', 'r ID SIZE' or 'f ID', found ";
        for line in ["x 1 2", "a 1", "a 1 2 3", "f", "f 1 2", "r 1", "a", "A 1 2", "-"] {
            assert_eq!(with(line), format!("{operation}'{line}'"));
        }
        assert_eq!(with("a -1 5"), "t:5: expected an id, found '-1'");
        assert_eq!(with("a +1 5"), "t:5: expected an id, found '+1'");
        assert_eq!(with("a 1 5k"), "t:5: expected a size, found '5k'");
        assert_eq!(with("a 1 1.5"), "t:5: expected a size, found '1.5'");
        let large = "9".repeat(30);
        assert_eq!(
            with(&format!("a 1 {large}")),
            format!("t:5: expected a size below 2^64, found '{large}'")
        );
        assert_eq!(with("f -2"), "t:5: expected an id, found '-2'");
        assert_eq!(with("a 4 5"), "t:5: expected an id below 4, as the header says, found 4");
    }

    #[test]
    fn an_operation_on_an_id_that_is_not_live_is_named() {
        let with = |lines: &str| error(&format!("0\n4\n2\n1\n{lines}"));
        assert_eq!(with("f 1"), "t:5: expected an id in use, found 1, which was never allocated");
        assert_eq!(with("r 1 5"), "t:5: expected an id in use, found 1, which was never allocated");
        assert_eq!(with("a 1 5\nf 1\nf 1"), "t:7: expected an id in use, found 1, which is free already");
        assert_eq!(with("a 1 5\nf 1\nr 1 4"), "t:7: expected an id in use, found 1, which is free already");
        assert_eq!(with("a 1 5\na 1 5"), "t:6: expected an id that is free, found 1, which is in use");
    }

    #[test]
    fn a_header_that_is_not_four_numbers_is_named() {
        assert_eq!(error(""), "t:1: expected the suggested bytes of heap, found the end");
        assert_eq!(error("1\n2\n"), "t:2: expected the number of operations, found the end");
        assert_eq!(error("1\n2\nmany\n1\n"), "t:3: expected the number of operations, found 'many'");
        assert_eq!(
            error("1 2 0 1 5\n"),
            "t:1: expected 'a ID SIZE', 'r ID SIZE' or 'f ID', found '1 2 0 1 5'"
        );
        assert_eq!(error("a 0 1\n"), "t:1: expected the suggested bytes of heap, found 'a'");
    }

    #[test]
    fn a_count_of_operations_other_than_the_header_s_is_named() {
        assert_eq!(
            error("0\n1\n3\n1\na 0 1\nf 0\n"),
            "t:6: expected 3 operations, as the header says, found 2"
        );
        assert_eq!(error("0\n1\n0\n1\nf -1\n"), "t:5: expected 0 operations, as the header says, found 1");
    }

    #[test]
    fn bytes_that_are_not_text_are_named() {
        let error = Trace::parse("t", b"0\n1\n\xff\xfe\n").unwrap_err();
        assert_eq!(error.to_string(), "t:3: expected text, found the byte 0xff, which is not UTF-8");
    }

    #[test]
    fn what_is_found_is_shown_harmlessly() {
        assert_eq!(
            error(&format!("0\n1\n1\n1\n\u{1b}[2J{}", "z".repeat(100))),
            format!("t:5: expected {OPERATION}, found '\\u{{1b}}[2J{}…'", "z".repeat(56))
        );
    }
}
