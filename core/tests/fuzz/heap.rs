//! Heap operations against the shadow model, in every mode, over sources of every kind.

use memalloc_core::{Heap, Mode, PageSource};

use super::Input;
use super::model::Model;
use super::model::operations::step;
use super::sources::{Body, on_chosen_heap};

struct Operations<'input>(Input<'input>);

impl Body for Operations<'_> {
    fn run<S: PageSource, M: Mode>(mut self, heap: Heap<S, M>) -> usize {
        let mut model = Model::new(heap);
        let mut count = 0;
        while step(&mut model, &mut self.0, 2048).is_some() {
            count += 1;
        }
        model.finish();
        count
    }
}

/// Runs an input.
pub fn run(input: &[u8]) -> usize {
    on_chosen_heap(input, |rest| Operations(Input(rest)))
}
