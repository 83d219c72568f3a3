//! Heap operations against the shadow model: an input's first bytes choose the memory and the mode, the rest the operations.
#![no_main]

#[path = "../../core/tests/model/mod.rs"]
mod model;

use libfuzzer_sys::fuzz_target;
use memalloc_core::{Heap, Mode};
use model::Model;
use model::operations::{Choices, step};
use model::source::TestSource;

/// An input, eight bytes a choice.
struct Input<'input>(&'input [u8]);

impl Choices for Input<'_> {
    fn next(&mut self) -> Option<u64> {
        let (choice, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*choice))
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&[limit, largest, refuse, seed], rest)) = input.split_first_chunk() else { return };
    let source = TestSource::new(
        usize::from(limit) << 13,
        16 + (usize::from(largest) << 12),
        if refuse < 128 { u64::MAX } else { u64::from(refuse - 126) },
        u64::from(seed),
    );
    if seed % 2 == 0 { run(Heap::new(source), rest) } else { run(Heap::real_time(source), rest) }
});

fn run<M: Mode>(heap: Heap<TestSource, M>, operations: &[u8]) {
    let mut model = Model::new(heap);
    let mut choices = Input(operations);
    while step(&mut model, &mut choices, 2048).is_some() {}
    model.finish();
}
