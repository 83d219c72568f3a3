//! Operations on a model, decoded from numbers: a generator's or a fuzzer's.

use core::alloc::Layout;

use memalloc_core::{Mode, PageSource};

use super::Model;

/// Where the numbers that choose operations come from.
pub trait Choices {
    /// The next number; `None` at the end.
    fn next(&mut self) -> Option<u64>;
}

/// SplitMix64, for `left` more numbers' worth of operations.
pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

impl Choices for Random {
    fn next(&mut self) -> Option<u64> {
        Some(self.number())
    }
}

/// Runs one operation and checks everything. `None` when the choices are at their end.
///
/// `scale` is about the largest size, in bytes, that is asked for often.
pub fn step<S: PageSource, M: Mode>(
    model: &mut Model<S, M>,
    choices: &mut dyn Choices,
    scale: usize,
) -> Option<()> {
    let choice = choices.next()?;
    let [kind, shape, a, b] = [choice & 0xff, choice >> 8 & 0xff, choice >> 16 & 0xffff, choice >> 32];
    match kind {
        0..100 => {
            let layout = layout(shape, a as usize, b as usize, scale);
            if kind.is_multiple_of(3) {
                model.allocate_zeroed(layout);
            } else {
                model.allocate(layout);
            }
        }
        100..190 => {
            if let Some(block) = model.pick(b as usize) {
                model.deallocate(block, shape % 2 == 0);
            }
        }
        190..225 => {
            if let Some(block) = model.pick(b as usize) {
                let size = if shape % 4 == 0 {
                    block.layout.size() + Model::<S, M>::GRANULE
                } else {
                    size(shape, a as usize, scale)
                };
                model.reallocate(block, size);
            }
        }
        225..235 => {
            if let Some(block) = model.pick(b as usize) {
                model.misuse(block, a as usize, size(shape, b as usize, scale));
            }
        }
        235..243 => {
            if let Some(block) = model.pick(b as usize) {
                model.deallocate(block, true);
                model.free_anything(block.ptr.addr().get());
            }
        }
        243..250 => {
            let near = model.pick(b as usize).map_or(a as usize, |block| block.ptr.addr().get());
            let step = if shape % 2 == 0 { Model::<S, M>::GRANULE } else { 1 };
            model.free_anything(near.wrapping_add((a as usize).wrapping_sub(0x8000).wrapping_mul(step)));
        }
        250..253 => {
            model.reserve(layout(shape, a as usize, b as usize, scale));
        }
        253 => {
            if shape % 2 == 0 {
                model.heap.trim();
            } else {
                model.heap.flush();
            }
        }
        _ => {
            // All at once, so that spans become free.
            for _ in 0..a % 64 {
                if let Some(block) = model.pick(b as usize) {
                    model.deallocate(block, false);
                }
            }
        }
    }
    model.check();
    Some(())
}

fn layout(shape: u64, a: usize, b: usize, scale: usize) -> Layout {
    let align = if shape.is_multiple_of(3) { 1 << (b % 17) } else { 1 << (b % 5) };
    Layout::from_size_align(size(shape, a, scale), align).unwrap()
}

/// Mostly small, sometimes large, seldom absurd.
fn size(shape: u64, a: usize, scale: usize) -> usize {
    match shape >> 2 {
        0 => a % 17,
        1..40 => a % (scale / 16 + 1),
        40..60 => a % (scale + 1),
        60..63 => a.wrapping_mul([16, 64, 4096][shape as usize / 4 - 60]) % (isize::MAX as usize / 2),
        _ => (isize::MAX as usize / 2).saturating_sub(a),
    }
}
