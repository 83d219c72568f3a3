//! The figures as Markdown and as a plot.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::allocators::Allocator;
use crate::measure::{Cost, Kind, Work};
use crate::plot::Chart;

/// All figures.
pub(crate) struct Table {
    names: Vec<&'static str>,
    /// Of pairs, as text.
    pub(crate) instructions: Vec<String>,
    rows: Vec<(&'static str, Kind, Vec<Cost>)>,
    runs: usize,
}

impl Table {
    pub(crate) fn new(allocators: &[Allocator], runs: usize) -> Self {
        let names = allocators.iter().map(|allocator| allocator.name).collect();
        Self { names, instructions: Vec::new(), rows: Vec::new(), runs }
    }

    pub(crate) fn add(&mut self, work: Work, costs: Vec<Cost>) {
        self.rows.push((work.name, work.kind, costs));
    }

    pub(crate) fn markdown(&self) -> String {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let mut out = format!("{}, {cpus} CPUs, medians of {} runs, interleaved\n\n", cpu_name(), self.runs);
        self.head(&mut out, "Instructions of a malloc and a free, 32 / 512 / 1,024 / 32,768 B, median of 65");
        let _ = writeln!(out, "| instructions | {} |\n", self.instructions.join(" | "));
        self.section(&mut out, "Elapsed: s, then over glibc", &[Kind::Loop], |cost| cost.elapsed, 1.0);
        self.section(&mut out, "CPU: s, then over glibc", &[Kind::Program], |cost| cost.cpu, 1.0);
        let memory = [Kind::Program, Kind::Memory];
        self.section(&mut out, "Peak memory: MiB, then over glibc", &memory, |cost| cost.peak, 1024.0);
        out
    }

    fn head(&self, out: &mut String, title: &str) {
        let _ = writeln!(out, "{title}\n\n| | {} |", self.names.join(" | "));
        let _ = writeln!(out, "| --- |{}", " --- |".repeat(self.names.len()));
    }

    fn section(&self, out: &mut String, title: &str, kinds: &[Kind], of: fn(&Cost) -> f64, unit: f64) {
        let rows: Vec<_> = self.rows.iter().filter(|(_, kind, _)| kinds.contains(kind)).collect();
        if rows.is_empty() {
            return;
        }
        self.head(out, title);
        for (name, _, costs) in &rows {
            let first = of(&costs[0]);
            let others = costs[1..].iter().map(|cost| format!("{:.2}", of(cost) / first));
            let cells: Vec<_> = [format!("{:.2}", first / unit)].into_iter().chain(others).collect();
            let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
        }
        let means = (0..self.names.len()).map(|at| {
            let logs = rows.iter().map(|(_, _, costs)| (of(&costs[at]) / of(&costs[0])).ln());
            format!("{:.2}", (logs.sum::<f64>() / rows.len() as f64).exp())
        });
        let _ = writeln!(out, "| geometric mean | {} |\n", means.collect::<Vec<_>>().join(" | "));
    }

    /// Writes the tables and a plot of the programs.
    pub(crate) fn write(&self, results: &Path, text: &str) -> io::Result<()> {
        fs::create_dir_all(results)?;
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = results.join(format!("malloc-{}", host.trim()));
        fs::write(name.with_extension("md"), text)?;
        let programs = self.rows.iter().filter(|(_, kind, _)| *kind != Kind::Memory);
        let ratios = |kind: Kind, costs: &[Cost]| {
            let of = |cost: &Cost| if kind == Kind::Loop { cost.elapsed } else { cost.cpu };
            costs[1..].iter().map(|cost| of(cost) / of(&costs[0])).collect()
        };
        let chart = Chart {
            title: "Time over glibc's",
            series: self.names[1..].to_vec(),
            rows: programs.map(|(name, kind, costs)| (*name, ratios(*kind, costs))).collect(),
            most: 2.0,
        };
        chart.write(&name.with_extension("svg"))
    }
}

fn cpu_name() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or_else(|| "unknown CPU".into(), |name| name.trim_start_matches(['\t', ' ', ':']).to_owned())
}
