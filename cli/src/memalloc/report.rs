//! What a replay prints: a row for each trace, or JSON.

use std::fmt::Write as _;
use std::time::Duration;

use super::replay::Figures;

/// What is told of one trace.
pub(crate) struct Row {
    /// What the table calls it.
    pub(crate) name: String,
    pub(crate) figures: Figures,
    /// Bytes of heap at the peak, whatever counts as such for the source.
    pub(crate) peak_heap: usize,
    pub(crate) time: Duration,
    /// The most bytes live at once if no request is refused.
    pub(crate) demand: usize,
    /// The smallest arena, if it was looked for, and if there is one.
    pub(crate) fit: Option<Option<usize>>,
}

impl Row {
    fn operations_per_second(&self) -> Option<f64> {
        ratio(self.figures.operations as f64, self.time.as_secs_f64())
    }

    fn utilisation(&self) -> Option<f64> {
        ratio(self.figures.peak_payload as f64, self.peak_heap as f64)
    }

    fn fit_utilisation(&self) -> Option<f64> {
        self.fit.flatten().and_then(|arena| ratio(self.demand as f64, arena as f64))
    }

    /// The row as an object on the trace of this name. Times, being measured, are rounded to what they are worth.
    pub(crate) fn json(&self, trace: &str) -> String {
        let Figures { operations, failures, peak_payload, peak_held, extent } = self.figures;
        let mut text = format!(
            "{{\"trace\": {}, \"operations\": {operations}, \"failures\": {failures}, \
             \"operations_per_second\": {}, \"nanoseconds\": {}, \"peak_payload\": {peak_payload}, \
             \"peak_heap\": {}, \"peak_held\": {peak_held}, \"extent\": {extent}, \"utilisation\": {}",
            json_string(trace),
            json_number(self.operations_per_second(), 0),
            self.time.as_nanos(),
            self.peak_heap,
            json_number(self.utilisation(), 4),
        );
        if let Some(fit) = self.fit {
            let smallest = fit.map_or("null".to_owned(), |fit| fit.to_string());
            let utilisation = json_number(self.fit_utilisation(), 4);
            let _ = write!(
                text,
                ", \"smallest_arena\": {smallest}, \"smallest_arena_utilisation\": {utilisation}"
            );
        }
        text + "}"
    }
}

/// The table around the rows.
pub(crate) struct Table {
    name_width: usize,
    fit: bool,
}

impl Table {
    /// A table for traces of these names.
    pub(crate) fn new<'name>(names: impl Iterator<Item = &'name str>, fit: bool) -> Self {
        let longest = names.map(|name| name.chars().count()).max().unwrap_or(0);
        Self { name_width: longest.max("trace".len()), fit }
    }

    /// The line above the rows.
    pub(crate) fn head(&self) -> String {
        let cells = ["operations", "failures", "ops/s", "peak payload", "peak heap", "utilisation"];
        self.line("trace", cells.map(str::to_owned), ["smallest arena", "utilisation"].map(str::to_owned))
    }

    /// A row.
    pub(crate) fn row(&self, row: &Row) -> String {
        let figures = &row.figures;
        let cells = [
            grouped(figures.operations),
            grouped(figures.failures),
            row.operations_per_second().map_or("-".to_owned(), |speed| format!("{:.1} M", speed / 1e6)),
            grouped(figures.peak_payload),
            grouped(row.peak_heap),
            percent(row.utilisation()),
        ];
        let fit = [row.fit.flatten().map_or("none".to_owned(), grouped), percent(row.fit_utilisation())];
        self.line(&row.name, cells, fit)
    }

    fn line(&self, name: &str, cells: [String; 6], fit: [String; 2]) -> String {
        let mut line = format!("{name:<width$}", width = self.name_width);
        let fit = fit.into_iter().zip([14, 11]).filter(|_| self.fit);
        for (cell, width) in cells.into_iter().zip([10, 8, 8, 12, 12, 11]).chain(fit) {
            let _ = write!(line, "  {cell:>width$}");
        }
        line
    }
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn percent(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{:.1} %", 100.0 * ratio))
}

fn json_number(number: Option<f64>, digits: usize) -> String {
    number.map_or("null".to_owned(), |number| format!("{number:.digits$}"))
}

fn json_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if (char as u32) < 0x20 => {
                let _ = write!(quoted, "\\u{:04x}", char as u32);
            }
            char => quoted.push(char),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let figures =
            Figures { operations: 2_000_000, failures: 3, peak_payload: 900, peak_held: 4096, extent: 1000 };
        let (name, time) = ("t".to_owned(), Duration::from_millis(500));
        Row { name, figures, peak_heap: 1000, time, demand: 900, fit: Some(Some(950)) }
    }

    #[test]
    fn digits_come_in_threes() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_row_lines_up_under_its_head() {
        let table = Table::new(["t", "long.rep"].into_iter(), true);
        assert_eq!(
            format!("{}\n{}", table.head(), table.row(&row())),
            "trace     operations  failures     ops/s  peak payload     peak heap  utilisation  smallest arena  utilisation\n\
             t          2,000,000         3     4.0 M           900         1,000       90.0 %             950       94.7 %"
        );
    }

    #[test]
    fn json_is_quoted() {
        assert_eq!(
            row().json("a\"b\\c\n"),
            "{\"trace\": \"a\\\"b\\\\c\\u000a\", \"operations\": 2000000, \"failures\": 3, \
             \"operations_per_second\": 4000000, \"nanoseconds\": 500000000, \"peak_payload\": 900, \
             \"peak_heap\": 1000, \"peak_held\": 4096, \"extent\": 1000, \"utilisation\": 0.9000, \
             \"smallest_arena\": 950, \"smallest_arena_utilisation\": 0.9474}"
        );
    }

    #[test]
    fn what_cannot_be_divided_is_left_out() {
        let mut row = row();
        (row.figures, row.peak_heap, row.time, row.fit) = (Figures::default(), 0, Duration::ZERO, Some(None));
        assert!(row.json("t").contains("\"utilisation\": null, \"smallest_arena\": null"));
        assert!(Table::new(std::iter::empty(), false).row(&row).ends_with(" -"));
    }
}
