//! Bad frees: any pointer, at any time, with any size. Each is answered with just the error that the shadow knows, and
//! nothing changes.

use core::alloc::Layout;
use core::ptr::{NonNull, without_provenance_mut};

use memalloc_core::inspect::ChunkView;
use memalloc_core::{FreeError, Heap, Mode, PageSource, Totals};

use super::model::Model;
use super::model::operations::Choices;
use super::sources::{Body, on_chosen_heap};
use super::{Input, parts};

struct Frees<'input>(Input<'input>);

impl Body for Frees<'_> {
    fn run<S: PageSource, M: Mode>(mut self, heap: Heap<S, M>) -> usize {
        let mut model = Model::new(heap);
        let mut count = 0;
        while let Some(choice) = self.0.next() {
            one(&mut model, parts(choice));
            model.check();
            count += 1;
        }
        model.finish();
        count
    }
}

fn one<S: PageSource, M: Mode>(model: &mut Model<S, M>, [kind, how, a, b]: [usize; 4]) {
    match kind {
        0..70 => {
            let size = if how < 240 { a % 600 } else { a };
            let layout = Layout::from_size_align(size, 1 << (how % 8)).expect("a small layout");
            model.allocate(layout);
        }
        70..100 => {
            if let Some(block) = model.pick(b) {
                model.deallocate(block, how % 2 == 0);
            }
        }
        _ => {
            let Some(ptr) = NonNull::new(without_provenance_mut(address(model, how, a, b))) else { return };
            free(model, ptr, (kind % 2 == 0).then_some(if how % 2 == 0 { a % 600 } else { b % 70_000 }));
        }
    }
}

/// An address: near a block, a span's edge, or anywhere.
fn address<S: PageSource, M: Mode>(model: &Model<S, M>, how: usize, a: usize, b: usize) -> usize {
    let step = if how & 8 == 0 { Model::<S, M>::GRANULE } else { 1 };
    let near = match how % 8 {
        0..4 => model.pick(b).map(|block| block.ptr.addr().get()),
        4 => {
            let count = model.heap.chunks().count();
            let index = b.checked_rem(count);
            index.and_then(|index| model.heap.chunks().nth(index)).map(|chunk| chunk.address.addr().get())
        }
        5 => model.heap.spans().last().map(|span| span.block.cast::<u8>().addr().get()),
        6 => model.heap.spans().next().map(|span| span.block.cast::<u8>().addr().get() + span.block.len()),
        _ => None,
    };
    match near {
        Some(near) => near.wrapping_add((a % 128).wrapping_sub(64).wrapping_mul(step)),
        None => (a << (usize::BITS / 2) | b).wrapping_mul(step),
    }
}

/// Frees what may be a block, and compares the answer with what is known.
fn free<S: PageSource, M: Mode>(model: &mut Model<S, M>, ptr: NonNull<u8>, size: Option<usize>) {
    let address = ptr.addr().get();
    let expected = expected(model, address);
    let layout = size.map(|size| Layout::from_size_align(size, 1).expect("a small layout"));
    if let (Ok(bytes), wrong) =
        (expected, layout.filter(|layout| Ok(Model::<S, M>::whole(layout.size())) != expected))
    {
        let Some(wrong) = wrong else {
            let block = model.live_at(address).expect("it is live");
            return model.deallocate(block, size.is_some());
        };
        return refused(model, |heap| {
            // SAFETY: the heap is to refuse.
            unsafe {
                assert_eq!(heap.deallocate_sized(ptr, wrong), Err(FreeError::WrongSize), "{bytes} bytes");
                assert_eq!(heap.reallocate(ptr, wrong, 40), None);
            }
        });
    }
    refused(model, |heap| {
        let Err(error) = expected else { return };
        // SAFETY: the heap is to refuse.
        unsafe {
            match layout {
                Some(layout) => {
                    assert_eq!(heap.deallocate_sized(ptr, layout), Err(error), "{ptr:?} as {layout:?}");
                    assert_eq!(heap.reallocate(ptr, layout, 40), None);
                }
                None => assert_eq!(heap.deallocate(ptr), Err(error), "{ptr:?}"),
            }
            assert_eq!(heap.resize(ptr, 40), Err(error), "{ptr:?}");
        }
        assert_eq!(heap.usable_size(ptr), Err(error), "{ptr:?}");
    });
}

/// Runs what the heap is to refuse, and sees that nothing has changed.
fn refused<S: PageSource, M: Mode>(model: &mut Model<S, M>, bad: impl FnOnce(&mut Heap<S, M>)) {
    let state = |heap: &Heap<S, M>| -> (Totals, Vec<ChunkView>) { (heap.totals(), heap.chunks().collect()) };
    let before = state(&model.heap);
    bad(&mut model.heap);
    assert_eq!(state(&model.heap), before, "a refused free changes nothing");
}

/// The bytes of the block in use that starts at an address, or what is wrong with it.
fn expected<S: PageSource, M: Mode>(model: &Model<S, M>, address: usize) -> Result<usize, FreeError> {
    if let Some(block) = model.live_at(address) {
        return Ok(block.size);
    }
    let of_span = |start: usize, size: usize| (start..start + size).contains(&address);
    if !model.heap.spans().any(|span| of_span(span.block.cast::<u8>().addr().get(), span.block.len())) {
        return Err(FreeError::NotOurs);
    }
    let free = |chunk: ChunkView| !chunk.is_in_use() && of_span(chunk.address.addr().get(), chunk.size);
    if address.is_multiple_of(Model::<S, M>::GRANULE) && model.heap.chunks().any(free) {
        return Err(FreeError::AlreadyFree);
    }
    Err(FreeError::NotAStart)
}

/// Runs an input.
pub fn run(input: &[u8]) -> usize {
    on_chosen_heap(input, |rest| Frees(Input(rest)))
}
