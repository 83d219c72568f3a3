//! The body of the fuzz target of the trace parser: what parses is sound, and is replayed on a heap that is checked after
//! each operation; what does not parse is told in one harmless line.

#[path = "../../src/memalloc/harmless.rs"]
mod harmless;
#[path = "../../src/memalloc/trace.rs"]
mod trace;

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use memalloc_core::{ArenaSource, GRANULE, Heap};

use trace::{Kind, Operation, Peak, Trace};

const ARENA: usize = 256 << 10;

/// Runs an input. How many operations were replayed.
pub fn run(input: &[u8]) -> usize {
    match Trace::parse("t", input) {
        Ok(trace) => {
            let lines = String::from_utf8_lossy(input).lines().count();
            check(&trace, lines);
            replay(&trace);
            trace.operations.len()
        }
        Err(error) => {
            told(&error.to_string(), input);
            0
        }
    }
}

/// Names a line that there is, in one line of its own, whatever the input has.
fn told(message: &str, input: &[u8]) {
    let rest = message.strip_prefix("t:").expect("the name comes first");
    let (line, what) = rest.split_once(": ").expect("a line and a message");
    let lines = input.split(|&byte| byte == b'\n').count();
    let line: usize = line.parse().expect("the line is a number");
    assert!((1..=lines).contains(&line), "{message:?} of {lines} lines");
    assert!(what.starts_with("expected ") && what.len() < 1000, "{message:?}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

/// What is freed and reallocated is live, what is allocated is not, and the peak is what these add up to.
fn check(trace: &Trace, lines: usize) {
    let mut live: Vec<Option<u128>> = vec![None; trace.ids.len()];
    let mut peak = Peak { operations: 0, payload: 0 };
    for (index, &Operation { kind, slot, size }) in trace.operations.iter().enumerate() {
        let line: usize = trace.place(index).strip_prefix("t:").expect("the name").parse().expect("a line");
        assert!((1..=lines).contains(&line));
        if kind == Kind::FreeNull {
            continue;
        }
        let place = &mut live[slot as usize];
        assert_eq!(place.is_some(), kind != Kind::Allocate, "operation {index}");
        *place = (kind != Kind::Free).then_some(size as u128);
        let payload = live.iter().flatten().sum();
        if payload > peak.payload {
            peak = Peak { operations: index + 1, payload };
        }
    }
    assert_eq!(trace.peak(), peak);
}

fn replay(trace: &Trace) {
    let mut memory = vec![MaybeUninit::<u8>::uninit(); ARENA];
    // SAFETY: the memory is the heap's alone, and outlives it.
    let source = unsafe { ArenaSource::from_raw(memory.as_mut_ptr().cast(), ARENA) };
    let mut heap = Heap::real_time(source);
    let mut blocks: Vec<Option<(NonNull<u8>, Layout)>> = vec![None; trace.ids.len()];
    for &Operation { kind, slot, size } in &trace.operations {
        if kind == Kind::FreeNull {
            continue;
        }
        let block = &mut blocks[slot as usize];
        let layout = Layout::from_size_align(size, GRANULE);
        *block = match (kind, block.take(), layout) {
            (Kind::Allocate, _, Ok(layout)) => heap.allocate(layout).map(|at| (at, layout)),
            (Kind::Reallocate, Some((at, old)), Ok(new)) => {
                // SAFETY: the trace has the block live, and nobody uses it.
                let moved = unsafe { heap.reallocate(at, old, size) };
                Some(moved.map_or((at, old), |moved| (moved, new)))
            }
            (Kind::Free, Some((at, layout)), _) => {
                // SAFETY: as above.
                assert_eq!(unsafe { heap.deallocate_sized(at, layout) }, Ok(()));
                None
            }
            (_, block, _) => block,
        };
        if let Err(fault) = heap.check() {
            panic!("{fault}");
        }
    }
}
