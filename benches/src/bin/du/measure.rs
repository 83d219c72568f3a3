//! Runs of the programs, one after the other, round after round.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::peers::Peer;

/// Entries of the largest tree whose system calls are counted: strace makes each some twenty times as slow.
const COUNTED: u64 = 200_000;

/// What the kernel knows of a tree before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    Warm,
    Cold,
}

/// What a program took for a tree.
pub(crate) struct Cost {
    /// The median.
    pub(crate) elapsed: Duration,
    /// The largest of any of its processes, in KiB, if it could be measured.
    pub(crate) peak: Option<u64>,
    /// It complained: its sum lacks something.
    pub(crate) complained: bool,
    /// System calls of all of its processes, if they could be counted.
    pub(crate) calls: Option<u64>,
}

/// Measures all programs on a tree of so many entries, interleaved.
pub(crate) fn all(
    peers: &[Peer],
    (tree, entries): (&Path, u64),
    runs: usize,
    cache: Cache,
) -> io::Result<Vec<Cost>> {
    let mut elapsed = vec![Vec::new(); peers.len()];
    if cache == Cache::Warm {
        once(&peers[0], tree)?;
    }
    for _ in 0..runs {
        for (at, peer) in peers.iter().enumerate() {
            if cache == Cache::Cold {
                drop_caches()?;
            }
            elapsed[at].push(once(peer, tree)?);
        }
    }
    let costs = peers.iter().zip(elapsed).map(|(peer, mut elapsed)| {
        elapsed.sort_unstable();
        let elapsed = elapsed[elapsed.len() / 2];
        let (peak, complained) = measure_peak(peer, tree);
        Cost {
            elapsed,
            peak,
            complained,
            calls: if entries > COUNTED { None } else { count_calls(peer, tree) },
        }
    });
    Ok(costs.collect())
}

fn once(peer: &Peer, tree: &Path) -> io::Result<Duration> {
    let mut command = Command::new(&peer.program);
    command.args(peer.args).arg(tree).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let elapsed = start.elapsed();
    match status.code() {
        Some(_) => Ok(elapsed),
        None => Err(io::Error::other(format!("{} on {}: {status}", peer.name, tree.display()))),
    }
}

fn drop_caches() -> io::Result<()> {
    // SAFETY: no arguments, no failure.
    unsafe { libc::sync() };
    fs::write("/proc/sys/vm/drop_caches", "3")
        .map_err(|error| io::Error::new(error.kind(), format!("the caches cannot be dropped: {error}")))
}

/// What GNU time says of memory, and whether the program said anything of errors. GNU time's processes are small; what a
/// large one has forked is as large until it runs another program.
fn measure_peak(peer: &Peer, tree: &Path) -> (Option<u64>, bool) {
    let mut command = Command::new("/usr/bin/time");
    command.args(["-q", "-f", "%M"]).arg(&peer.program).args(peer.args).arg(tree);
    let Ok(output) = command.output() else { return (None, false) };
    let said = String::from_utf8_lossy(&output.stderr);
    let before = said.trim_end().trim_end_matches(|letter: char| letter.is_ascii_digit());
    let peak = said[before.len()..].trim_end().parse().ok();
    let counted = String::from_utf8_lossy(&output.stdout);
    let complained = !output.status.success() || before.contains("rror") || counted.contains("Error");
    (peak, complained || before.contains("warning"))
}

/// The total that strace counts.
fn count_calls(peer: &Peer, tree: &Path) -> Option<u64> {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-c", "-U", "name,calls", "--"]).arg(&peer.program);
    let output = command.args(peer.args).arg(tree).stdout(Stdio::null()).output().ok()?;
    let table = String::from_utf8_lossy(&output.stderr).into_owned();
    let total = table.lines().find(|line| line.trim_start().starts_with("total"))?;
    total.split_whitespace().nth(1)?.parse().ok()
}
