//! Doing the operations of a trace, for figures and for time.

use std::fmt;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use memalloc_core::inspect::Fault;
use memalloc_core::{FreeError, GRANULE, Mode};

use super::subject::Subject;
use super::supply::{Arena, Supply};
use super::trace::{Kind, Operation, Trace};
use super::verify::{Broken, Verifier};

/// What an id of the trace stands for at the moment: nothing if it is free, or could not be allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) at: Option<NonNull<u8>>,
    pub(crate) size: usize,
}

impl Block {
    const NONE: Self = Self { at: None, size: 0 };
}

/// A subject and the blocks in use of it.
pub(crate) struct Replayer<'run, A> {
    pub(crate) subject: &'run mut A,
    pub(crate) blocks: Vec<Block>,
}

impl<'run, A: Subject> Replayer<'run, A> {
    /// A replayer of `trace` on a subject of which nothing is in use.
    pub(crate) fn new(trace: &Trace, subject: &'run mut A) -> Self {
        // One more than there are ids, so that `f -1` has a slot to look at when the trace has no ids.
        Self { subject, blocks: vec![Block::NONE; trace.ids.len() + 1] }
    }

    /// Does one operation. Whether it was served: what is refused leaves all as it was, and as in C, an id that could
    /// not be allocated is NULL from then on, which is free to free, and allocated by a reallocation.
    #[inline]
    pub(crate) fn step(&mut self, operation: Operation) -> Result<bool, FreeError> {
        let block = &mut self.blocks[operation.slot as usize];
        let at = match (operation.kind, block.at) {
            (Kind::FreeNull, _) | (Kind::Free, None) => return Ok(true),
            (Kind::Free, Some(at)) => {
                *block = Block::NONE;
                // SAFETY: the trace frees the block, and has no operation on it after that.
                return unsafe { self.subject.deallocate(at) }.map(|()| true);
            }
            // SAFETY: the block is in use, of the size it was asked for with, and forgotten if it moves.
            (Kind::Reallocate, Some(at)) => unsafe {
                self.subject.reallocate(at, block.size, operation.size)
            },
            _ => self.subject.allocate(operation.size),
        };
        if at.is_some() {
            *block = Block { at, size: operation.size };
        }
        Ok(at.is_some())
    }
}

/// What a replay does beside replaying.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Care {
    /// Verify every block's content and place.
    pub(crate) verify: bool,
    /// Check the whole heap each so many operations, and at the end.
    pub(crate) check: Option<NonZeroUsize>,
}

/// What a replay shows, time apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    pub(crate) operations: usize,
    /// Allocations and reallocations refused.
    pub(crate) failures: usize,
    /// The most bytes that were asked for and live at once.
    pub(crate) peak_payload: usize,
    /// The most bytes held from the source at once.
    pub(crate) peak_held: usize,
    /// Bytes from the lowest address held to the end of the highest block ever in use.
    pub(crate) extent: usize,
}

/// What went wrong in a replay, and in which operation.
#[derive(Debug)]
pub(crate) struct ReplayError {
    /// `name:line` of the operation.
    place: String,
    what: Wrong,
}

#[derive(Debug)]
enum Wrong {
    Free(u64, FreeError),
    Check(Fault),
    Broken(Broken),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        match &self.what {
            Wrong::Free(id, error) => write!(f, "the free of {id} was refused: {error}"),
            Wrong::Check(fault) => write!(f, "the heap is corrupt: {fault}"),
            Wrong::Broken(broken) => broken.fmt(f),
        }
    }
}

/// Replays a trace for its figures.
///
/// # Errors
/// What the allocator did wrong, if it did.
pub(crate) fn measure(trace: &Trace, subject: &mut impl Subject, care: Care) -> Result<Figures, ReplayError> {
    let mut replayer = Replayer::new(trace, subject);
    let mut verifier = care.verify.then(|| Verifier::new(&trace.ids));
    let mut meter = Meter::default();
    for (index, &operation) in trace.operations.iter().enumerate() {
        step(trace, &mut replayer, verifier.as_mut(), &mut meter, operation)
            .and_then(|()| check(replayer.subject, care, index + 1 == trace.operations.len(), index + 1))
            .map_err(|what| ReplayError { place: trace.place(index), what })?;
    }
    if let Some(mut verifier) = verifier {
        let last = trace.operations.len().saturating_sub(1);
        verifier
            .finish(&replayer.blocks)
            .map_err(|broken| ReplayError { place: trace.place(last), what: Wrong::Broken(broken) })?;
    }
    Ok(meter.figures)
}

/// One operation, watched.
fn step<A: Subject>(
    trace: &Trace,
    replayer: &mut Replayer<'_, A>,
    mut verifier: Option<&mut Verifier<'_>>,
    meter: &mut Meter,
    operation: Operation,
) -> Result<(), Wrong> {
    let slot = operation.slot as usize;
    let before = replayer.blocks[slot];
    if let Some(verifier) = verifier.as_mut() {
        verifier.before(operation, before).map_err(Wrong::Broken)?;
    }
    let served = replayer.step(operation).map_err(|error| Wrong::Free(trace.ids[slot], error))?;
    let now = replayer.blocks[slot];
    if let Some(verifier) = verifier {
        verifier.after(operation, before, now, replayer.subject).map_err(Wrong::Broken)?;
    }
    meter.count(before, now, served, replayer.subject);
    Ok(())
}

fn check(subject: &impl Subject, care: Care, is_last: bool, done: usize) -> Result<(), Wrong> {
    match care.check {
        Some(each) if is_last || done.is_multiple_of(each.get()) => subject.check().map_err(Wrong::Check),
        _ => Ok(()),
    }
}

/// Figures as they grow.
#[derive(Default)]
struct Meter {
    figures: Figures,
    payload: usize,
}

impl Meter {
    fn count(&mut self, before: Block, now: Block, served: bool, subject: &impl Subject) {
        let figures = &mut self.figures;
        figures.operations += 1;
        figures.failures += usize::from(!served);
        self.payload = self.payload - before.size + now.size;
        figures.peak_payload = figures.peak_payload.max(self.payload);
        figures.peak_held = figures.peak_held.max(subject.held());
        if let Some(at) = now.at
            && now != before
        {
            let end = at.addr().get() + now.size.max(1).next_multiple_of(GRANULE);
            figures.extent = figures.extent.max(end.saturating_sub(subject.lowest()));
        }
    }
}

/// The time of one replay on a fresh heap, of `runs` the median.
pub(crate) fn time<P: Supply, M: Mode>(trace: &Trace, supply: &mut P, runs: NonZeroUsize) -> Duration {
    let mut times: Vec<Duration> =
        (0..runs.get()).map(|_| time_once(trace, &mut supply.heap::<M>())).collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn time_once(trace: &Trace, subject: &mut impl Subject) -> Duration {
    let mut replayer = Replayer::new(trace, subject);
    let start = Instant::now();
    for &operation in &trace.operations {
        let _ = std::hint::black_box(replayer.step(operation));
    }
    start.elapsed()
}

/// The smallest arena, in bytes, that serves the trace without failure, found by bisection; `None` if none up to
/// `limit` does. An allocator need not serve a trace in every arena that is larger than one which does: what is found
/// is an arena that does beside one, a granule smaller, that does not.
///
/// # Errors
/// That no arena which can be had serves it, though a larger one may.
pub(crate) fn fit<M: Mode>(trace: &Trace, limit: usize) -> Result<Option<usize>, String> {
    let Ok(payload) = usize::try_from(trace.peak().payload) else { return Ok(None) };
    let mut refused = payload.min(limit) / GRANULE;
    let mut enough = refused.max(64);
    // So many granules cannot be had.
    let mut missing = usize::MAX;
    let mut arena = loop {
        if enough > limit / GRANULE {
            return Ok(None);
        }
        match Arena::new(enough * GRANULE) {
            None => missing = enough,
            Some(mut arena) => {
                if serves::<M>(trace, &mut arena) {
                    break arena;
                }
                refused = enough;
            }
        }
        let Some(room @ 2..) = missing.checked_sub(refused) else {
            let most = missing.saturating_sub(1) * GRANULE;
            return Err(format!(
                "{}: --fit needs an arena of more than {most} bytes, which cannot be had",
                trace.name
            ));
        };
        enough = (refused * 2).max(64).min(refused + room / 2);
    };
    while enough - refused > 1 {
        let between = refused + (enough - refused) / 2;
        arena.resize(between * GRANULE);
        let half = if serves::<M>(trace, &mut arena) { &mut enough } else { &mut refused };
        *half = between;
    }
    Ok(Some(enough * GRANULE))
}

/// Whether every request of the trace is served in the arena.
fn serves<M: Mode>(trace: &Trace, arena: &mut Arena) -> bool {
    let mut heap = arena.heap::<M>();
    let mut replayer = Replayer::new(trace, &mut heap);
    trace.operations.iter().all(|&operation| replayer.step(operation) == Ok(true))
}

#[cfg(test)]
mod tests {
    use memalloc_core::General;

    use super::*;

    fn trace(operations: &str) -> Trace {
        let text = format!("0\n10\n{}\n1\n{operations}", operations.lines().count());
        Trace::parse("t", text.as_bytes()).expect("the test's trace is one")
    }

    fn figures(arena: usize, operations: &str) -> Figures {
        let mut arena = Arena::new(arena).unwrap();
        let care = Care { verify: true, check: NonZeroUsize::new(1) };
        measure(&trace(operations), &mut arena.heap::<General>(), care).expect("the heap works")
    }

    #[test]
    fn figures_are_exact() {
        let figures = figures(65536, "a 0 100\na 1 50\nf 0\na 0 20\nr 1 200\nf 0\nf 1\nf -1");
        assert_eq!((figures.operations, figures.failures, figures.peak_payload), (8, 0, 220));
        assert_eq!(figures.peak_held, 65536);
        let overhead = figures.extent - (112 + 64 + 208);
        assert!(overhead > 65536 / 64 && overhead < 65536 / 16, "{overhead}");
    }

    #[test]
    fn a_size_of_0_is_a_block_of_its_own() {
        let figures = figures(4096, "a 0 0\na 1 0\nr 0 0\nr 1 5\nf 0\nf 1");
        assert_eq!((figures.failures, figures.peak_payload), (0, 5));
    }

    #[test]
    fn what_is_refused_counts_and_leaves_an_id_that_is_null() {
        let figures = figures(4096, "a 0 5000\nr 0 100\nf 0\na 1 9000\nf 1\na 2 64\nr 2 5000\nf 2");
        assert_eq!((figures.failures, figures.peak_payload), (3, 100));
    }

    #[test]
    fn sizes_beyond_the_address_space_are_refused() {
        let most = usize::MAX;
        let operations = format!("a 0 {most}\na 1 {}\na 2 1\nr 2 {most}\nf 2", most / 2);
        assert_eq!(figures(4096, &operations).failures, 3);
    }

    #[test]
    fn the_arena_that_fits_is_the_smallest() {
        let operations = "a 0 1000\na 1 2000\nf 0\na 2 3000\nf 1\nf 2";
        let fit = fit::<General>(&trace(operations), 1 << 30).unwrap().expect("some arena is enough");
        assert_eq!(figures(fit, operations).failures, 0);
        assert_ne!(figures(fit - GRANULE, operations).failures, 0);
    }

    #[test]
    fn no_arena_fits_what_no_memory_holds() {
        assert_eq!(fit::<General>(&trace(&format!("a 0 {}", usize::MAX)), 1 << 30), Ok(None));
        assert_eq!(fit::<General>(&trace("a 0 1000000"), 1 << 16), Ok(None));
    }

    #[test]
    fn a_trace_of_nothing_has_no_figures() {
        assert_eq!(figures(4096, ""), Figures::default());
        assert_eq!(figures(4096, "f -1").operations, 1);
    }
}
