//! Runs of the programs, one allocator after the other, round after round.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::allocators::Allocator;

/// What is run, and how.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) command: Box<dyn Fn() -> Command>,
}

/// What a work tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Elapsed time: calls in a loop, of one thread or several.
    Loop,
    /// Memory.
    Memory,
    /// CPU time and memory.
    Program,
}

/// What a run took.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) elapsed: f64,
    pub(crate) cpu: f64,
    /// KiB.
    pub(crate) peak: f64,
}

/// The medians of the runs with each allocator, interleaved.
pub(crate) fn all(work: &Work, allocators: &[Allocator], runs: usize) -> io::Result<Vec<Cost>> {
    let mut costs = vec![Vec::new(); allocators.len()];
    for _ in 0..runs {
        for (costs, allocator) in costs.iter_mut().zip(allocators) {
            costs.push(once(work, allocator)?);
        }
    }
    let median = |costs: &[Cost], of: fn(&Cost) -> f64| {
        let mut numbers: Vec<_> = costs.iter().map(of).collect();
        numbers.sort_unstable_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    let costs = costs.iter().map(|costs| Cost {
        elapsed: median(costs, |cost| cost.elapsed),
        cpu: median(costs, |cost| cost.cpu),
        peak: median(costs, |cost| cost.peak),
    });
    Ok(costs.collect())
}

fn once(work: &Work, allocator: &Allocator) -> io::Result<Cost> {
    let mut command = with(allocator, (work.command)());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let child = command.spawn()?;
    let (mut status, mut usage) = (0, zeroed_usage());
    // SAFETY: the child is ours and not waited for elsewhere; both places can be written to.
    let waited = unsafe { libc::wait4(child.id() as i32, &raw mut status, 0, &raw mut usage) };
    let elapsed = start.elapsed();
    if waited < 0 || status != 0 {
        return Err(io::Error::other(format!("{} with {}: status {status}", work.name, allocator.name)));
    }
    let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    Ok(Cost { elapsed: Duration::as_secs_f64(&elapsed), cpu, peak: usage.ru_maxrss as f64 })
}

fn with(allocator: &Allocator, mut command: Command) -> Command {
    // Python has an allocator of its own otherwise.
    command.env("PYTHONMALLOC", "malloc");
    if let Some(library) = &allocator.library {
        command.env("LD_PRELOAD", library);
    }
    command
}

fn zeroed_usage() -> libc::rusage {
    // SAFETY: numbers, for which zeros will do.
    unsafe { std::mem::zeroed() }
}

fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

/// Instructions of a malloc and a free of 32, 512, 1,024 and 32,768 bytes, calls and jumps through tables included, with
/// each allocator.
pub(crate) fn instructions(bench: &Path, allocators: &[Allocator]) -> io::Result<Vec<String>> {
    let count = |allocator: &Allocator| {
        let mut command = Command::new(bench);
        command.args(["--loop", "steps"]);
        let output = with(allocator, command).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    allocators.iter().map(count).collect()
}
