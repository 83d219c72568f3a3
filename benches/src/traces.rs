//! Traces of real programs: the smallest arena that serves one, and how long it takes.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use crate::memory::{Memory, arena};
use crate::peer::Peer;

const ROUNDS: usize = 9;

enum Operation {
    Allocate(usize, usize),
    Reallocate(usize, usize),
    Free(usize),
}

/// A trace in the malloc lab's text form.
pub struct Trace {
    ids: usize,
    operations: Vec<Operation>,
    peak: usize,
}

impl Trace {
    /// Reads one. Four header lines, then `a ID BYTES`, `r ID BYTES`, `f ID`.
    pub fn read(path: &std::path::Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let operations: Vec<Operation> = text
            .lines()
            .skip(4)
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                let (kind, id) = (words.next()?, words.next()?.parse().ok()?);
                let size = words.next().and_then(|word| word.parse().ok()).map(|size: usize| size.max(1));
                match kind {
                    "a" => Some(Operation::Allocate(id, size?)),
                    "r" => Some(Operation::Reallocate(id, size?)),
                    _ => Some(Operation::Free(id)),
                }
            })
            .collect();
        let mut trace = Self { ids: text.lines().nth(1)?.parse().ok()?, operations, peak: 0 };
        trace.peak = trace.peak();
        Some(trace)
    }

    fn peak(&self) -> usize {
        let (mut sizes, mut now, mut peak) = (vec![0; self.ids], 0, 0);
        for operation in &self.operations {
            let (id, size) = match *operation {
                Operation::Allocate(id, size) | Operation::Reallocate(id, size) => (id, size),
                Operation::Free(id) => (id, 0),
            };
            now = now + size - std::mem::replace(&mut sizes[id], size);
            peak = peak.max(now);
        }
        peak
    }

    /// The time of a run in an arena, if that serves it.
    fn run<P: Peer>(&self, arena: &'static mut [MaybeUninit<u8>]) -> Option<Duration> {
        let mut peer = P::new(arena);
        let mut blocks: Vec<Option<(NonNull<u8>, Layout)>> = vec![None; self.ids];
        let layout = |size| Layout::from_size_align(size, 16).ok();
        let start = Instant::now();
        for operation in &self.operations {
            match *operation {
                Operation::Allocate(id, size) => {
                    let layout = layout(size)?;
                    blocks[id] = Some((peer.allocate(layout)?, layout));
                }
                Operation::Reallocate(id, size) => {
                    let new = layout(size)?;
                    let block = match blocks[id] {
                        // SAFETY: the block is live, and replaced below.
                        Some((block, old)) => unsafe { peer.reallocate(block, old, size)? },
                        None => peer.allocate(new)?,
                    };
                    blocks[id] = Some((block, new));
                }
                Operation::Free(id) => {
                    if let Some((block, layout)) = blocks[id].take() {
                        // SAFETY: the block was live, and is forgotten.
                        unsafe { peer.deallocate(block, layout) };
                    }
                }
            }
        }
        Some(start.elapsed())
    }

    /// The peak payload over the smallest arena that serves the trace, state counted, to 0.2 %.
    pub fn utilisation<P: Peer>(&self) -> f64 {
        let step = (self.peak / 500).max(1).next_multiple_of(64);
        let (mut low, mut high) = (self.peak / step, 4 * self.peak / step + 100);
        while low < high {
            let middle = (low + high) / 2;
            if self.run::<P>(arena(middle * step)).is_some() { high = middle } else { low = middle + 1 }
        }
        self.peak as f64 / (low * step + P::state()) as f64
    }

    /// Nanoseconds an operation, of `A` and `B` in turns, each the median: in an arena three times the peak.
    pub fn times<A: Peer, B: Peer>(&self) -> [f64; 2] {
        let size = (3 * self.peak + (1 << 16)).next_multiple_of(64);
        let mut times = [Vec::new(), Vec::new()];
        let mut memory = Memory::of(size);
        for _ in 0..ROUNDS {
            // SAFETY: an allocator that had the memory before is gone.
            unsafe {
                times[0].extend(self.run::<A>(memory.lend()));
                times[1].extend(self.run::<B>(memory.lend()));
            }
        }
        times.map(|mut times| {
            times.sort_unstable();
            let median = times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_nanos() as f64);
            median / self.operations.len() as f64
        })
    }
}
