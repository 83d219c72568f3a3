//! The figures as Markdown.

use std::fmt::Write as _;
use std::fs;

use crate::measure::{Cache, Cost};
use crate::peers::Peer;
use crate::trees::Tree;

/// All figures.
pub(crate) struct Table {
    pub(crate) peers: Vec<&'static str>,
    pub(crate) rows: Vec<Row>,
    cache: Cache,
    runs: usize,
}

/// The figures of one tree.
pub(crate) struct Row {
    pub(crate) tree: &'static str,
    about: &'static str,
    entries: u64,
    costs: Vec<Cost>,
}

impl Row {
    /// Elapsed time over that of the first program.
    pub(crate) fn ratio(&self, peer: usize) -> f64 {
        self.costs[peer].elapsed.as_secs_f64() / self.costs[0].elapsed.as_secs_f64()
    }
}

impl Table {
    pub(crate) fn new(peers: &[Peer], cache: Cache, runs: usize) -> Self {
        Self { peers: peers.iter().map(|peer| peer.name).collect(), rows: Vec::new(), cache, runs }
    }

    pub(crate) fn add(&mut self, tree: &Tree, entries: u64, costs: Vec<Cost>) {
        self.rows.push(Row { tree: tree.name, about: tree.about, entries, costs });
    }

    /// The name of the files that hold these results: it names the machine.
    pub(crate) fn file_name(&self) -> String {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        format!("du-{}-{}", self.caches(), host.trim())
    }

    pub(crate) fn caches(&self) -> &'static str {
        match self.cache {
            Cache::Warm => "warm",
            Cache::Cold => "cold",
        }
    }

    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let _ = writeln!(
            out,
            "{}, {cpus} CPUs, caches {}, medians of {} runs, interleaved\n",
            cpu_name(),
            self.caches(),
            self.runs
        );
        self.section(
            &mut out,
            "Elapsed: ms, and over GNU du; \\*: it complained, and its sum lacks something",
            |row, peer| {
                let ms = row.costs[peer].elapsed.as_secs_f64() * 1e3;
                let mark = if row.costs[peer].complained { " \\*" } else { "" };
                format!("{ms:.1} ({:.2}){mark}", row.ratio(peer))
            },
        );
        self.section(&mut out, "Peak memory of the largest process, MiB", |row, peer| {
            let peak = row.costs[peer].peak;
            peak.map_or_else(String::new, |peak| format!("{:.1}", peak as f64 / 1024.0))
        });
        self.section(&mut out, "System calls per entry", |row, peer| {
            let calls = row.costs[peer].calls;
            calls.map_or_else(String::new, |calls| format!("{:.2}", calls as f64 / row.entries.max(1) as f64))
        });
        out
    }

    fn section(&self, out: &mut String, title: &str, cell: impl Fn(&Row, usize) -> String) {
        let _ = writeln!(out, "{title}\n\n| | {} |", self.peers.join(" | "));
        let _ = writeln!(out, "| --- |{}", " --- |".repeat(self.peers.len()));
        for row in &self.rows {
            let cells: Vec<_> = (0..self.peers.len()).map(|peer| cell(row, peer)).collect();
            let _ = writeln!(out, "| {}: {} | {} |", row.tree, row.about, cells.join(" | "));
        }
        out.push('\n');
    }
}

fn cpu_name() -> String {
    let table = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = table.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or_else(
        || std::env::consts::ARCH.into(),
        |name| name.trim_start_matches([' ', '\t', ':']).into(),
    )
}
