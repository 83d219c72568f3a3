//! Growth and return: the source is asked when nothing else fits, and only then; what is free goes back; a refusal
//! changes nothing.

use core::alloc::Layout;

use memalloc_core::{Compact, GRANULE, General, Heap, Local, Mode, RealTime};

use super::model::Model;
use super::model::operations::Choices;
use super::model::source::{Refusals, Terms, TestSource};
use super::{Input, parts};

/// Runs an input.
pub fn run(input: &[u8]) -> usize {
    let Some((&[mode, usual, largest, low, high], rest)) = input.split_first_chunk() else { return 0 };
    // Where so much is promised, many blocks may wait.
    let at_least = if usual < 192 { 0 } else { 64 << 20 };
    let usual = (usize::from(usual) + 64) * 16 * GRANULE;
    let largest = usual + usize::from(largest) * 16 * GRANULE;
    let terms = Terms {
        least: usual,
        more: 0,
        most: largest,
        promised: largest,
        limit: usize::MAX,
        blocks: 12,
        refusals: Refusals::Pattern(u16::from_le_bytes([low, high])),
    };
    let promising = Terms { promised: largest.max(at_least), ..terms };
    // A compact heap has one block, which comes and goes.
    match mode {
        0..120 | 200..240 => run_chosen::<false>(mode, promising, Input(rest)),
        120..200 => run_chosen::<true>(mode, promising, Input(rest)),
        240..248 => run_mode::<Compact, false, true>(terms, Input(rest)),
        _ => run_mode::<Compact, true, true>(terms, Input(rest)),
    }
}

fn run_chosen<const ZEROED: bool>(mode: u8, terms: Terms, input: Input<'_>) -> usize {
    match mode % 3 {
        0 => run_mode::<General, ZEROED, false>(terms, input),
        1 => run_mode::<RealTime, ZEROED, false>(terms, input),
        _ => run_mode::<Local, ZEROED, false>(terms, input),
    }
}

fn run_mode<M: Mode, const ZEROED: bool, const ONE_BLOCK: bool>(terms: Terms, mut input: Input<'_>) -> usize {
    let source = TestSource::<ZEROED, ONE_BLOCK>::new(terms, 0);
    let mut model = Model::new(Heap::<_, M>::with_mode(source));
    let mut count = 0;
    while let Some(choice) = input.next() {
        one(&mut model, parts(choice));
        model.check();
        let totals = model.heap.totals();
        assert_eq!((totals.spans(), totals.source()), model.heap.source().lent());
        count += 1;
    }
    model.finish();
    count
}

fn one<M: Mode, const ZEROED: bool, const ONE_BLOCK: bool>(
    model: &mut Model<TestSource<ZEROED, ONE_BLOCK>, M>,
    [kind, how, a, b]: [usize; 4],
) {
    let largest = model.heap.source().most();
    match kind {
        0..120 => allocate(model, layout(how, a, b, largest), kind.is_multiple_of(3)),
        120..170 => {
            if let Some(block) = model.pick(b) {
                model.deallocate(block, how % 2 == 0);
            }
        }
        170..190 => {
            if let Some(block) = model.pick(b) {
                model.reallocate(block, layout(how, a, b, largest).size());
            }
        }
        190..210 => model.reserve(layout(how, a, b, largest)),
        210..235 => {
            for _ in 0..a % 32 {
                if let Some(block) = model.pick(b) {
                    model.deallocate(block, false);
                }
            }
        }
        235..245 => model.heap.flush(),
        _ => {
            let before = model.heap.totals().source();
            let given = model.heap.trim();
            assert_eq!(model.heap.totals().source(), before - given);
            assert!(model.heap.spans().count() <= model.heap.totals().used_chunks() + 1);
        }
    }
}

fn layout(how: usize, a: usize, b: usize, largest: usize) -> Layout {
    let size = match how % 8 {
        0..4 => a % 512,
        4 | 5 => a % (largest / 4),
        6 => largest - a % largest / 8,
        _ => a,
    };
    let align = if how < 200 { 1 << (b % 5) } else { 1 << (b % 14) };
    Layout::from_size_align(size, align).expect("a small layout")
}

fn allocate<M: Mode, const ZEROED: bool, const ONE_BLOCK: bool>(
    model: &mut Model<TestSource<ZEROED, ONE_BLOCK>, M>,
    layout: Layout,
    zeroed: bool,
) {
    let nothing_waits = model.heap.totals().waiting() == 0;
    let has_room = nothing_waits && model.has_room(layout);
    let (requests, refuses) = (model.heap.source().requests, model.heap.source().refuses());
    let before = model.heap.totals();
    let block = if zeroed { model.allocate_zeroed(layout) } else { model.allocate(layout) };
    let is_had = block.is_some();
    let asked = model.heap.source().requests - requests;
    // While the one block that there is is out, not at all.
    let most = usize::from(!ONE_BLOCK || before.spans() == 0);
    assert!(asked <= most, "the source is asked once, if at all");
    assert!(!has_room || is_had && asked == 0, "{layout:?} fits and the source is asked");
    assert!(is_had || asked == most, "{layout:?} is refused and the source is not asked");
    assert!(!(is_had && asked == 1 && refuses), "the source refuses");
    if !is_had {
        let after = model.heap.totals();
        assert_eq!((after.used(), after.used_chunks()), (before.used(), before.used_chunks()));
    }
}
