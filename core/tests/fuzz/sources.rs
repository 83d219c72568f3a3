//! Heaps of every mode over sources of every kind, as an input's first bytes choose.

use core::mem::MaybeUninit;

use memalloc_core::{ArenaSource, BlocksSource, Compact, General, Heap, Local, Mode, PageSource, RealTime};

use super::model::source::{Refusals, Terms, TestSource};
use super::model::zeros::Zeros;

/// What is done with a heap, whatever its types.
pub trait Body {
    /// Runs the rest of the input. How many operations that were.
    fn run<S: PageSource, M: Mode>(self, heap: Heap<S, M>) -> usize;
}

/// Runs `body` on the heap that the first bytes of an input choose, and gives it the rest.
pub fn on_chosen_heap<'input, B: Body>(input: &'input [u8], body: impl FnOnce(&'input [u8]) -> B) -> usize {
    let Some((&[mode, kind, size, refuse, seed], rest)) = input.split_first_chunk() else { return 0 };
    let body = body(rest);
    // Up to about a mebibyte, or four, not always whole granules.
    let size = (usize::from(size) << if mode < 192 { 12 } else { 14 } | usize::from(seed)) + 1;
    match mode % 4 {
        0 => over_source::<General, B>([kind, refuse, seed], size, body),
        1 => over_source::<RealTime, B>([kind, refuse, seed], size, body),
        2 => over_source::<Local, B>([kind, refuse, seed], size, body),
        // A compact heap has one block.
        _ => over_arena::<Compact, B>(kind, size, body),
    }
}

fn over_source<M: Mode, B: Body>([kind, refuse, seed]: [u8; 3], size: usize, body: B) -> usize {
    match kind % 3 {
        0 => over_arena::<M, B>(kind, size, body),
        1 => over_blocks::<M, B>(kind, size / 4, body),
        _ => {
            let refusals = if refuse < 128 { Refusals::No } else { Refusals::OneIn(u64::from(refuse - 126)) };
            let (terms, seed) = (Terms::varying(2 * size, size, refusals), u64::from(seed));
            if lends_zeros(kind) {
                body.run(Heap::<_, M>::with_mode(TestSource::<true>::new(terms, seed)))
            } else {
                body.run(Heap::<_, M>::with_mode(TestSource::<false>::new(terms, seed)))
            }
        }
    }
}

fn lends_zeros(kind: u8) -> bool {
    kind >= 128
}

/// Over a source, or one that lends the same as zeros.
fn over<S: PageSource, M: Mode, B: Body>(kind: u8, source: S, body: B) -> usize {
    if lends_zeros(kind) {
        body.run(Heap::<_, M>::with_mode(Zeros::new(source)))
    } else {
        body.run(Heap::<_, M>::with_mode(source))
    }
}

fn over_arena<M: Mode, B: Body>(kind: u8, size: usize, body: B) -> usize {
    let mut memory = vec![MaybeUninit::<u8>::new(0xc5); size];
    // SAFETY: the memory is the heap's alone, and outlives it.
    let source = unsafe { ArenaSource::from_raw(memory.as_mut_ptr().cast(), size) };
    over::<_, M, B>(kind, source, body)
}

fn over_blocks<M: Mode, B: Body>(kind: u8, size: usize, body: B) -> usize {
    let mut memory = [(); 4].map(|()| vec![MaybeUninit::<u8>::new(0xc5); size]);
    // Of five places, as the shadow model's: the heaps over it are compiled once.
    let mut source = BlocksSource::<5>::new();
    for block in &mut memory {
        // SAFETY: the memory is the heap's alone, and outlives it.
        let added = unsafe { source.add_raw(block.as_mut_ptr().cast(), size) };
        added.expect("there are places for these");
    }
    over::<_, M, B>(kind, source, body)
}
