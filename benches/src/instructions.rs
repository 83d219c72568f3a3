//! Instructions of each call: mean, median, worst.

use std::alloc::Layout;
use std::ptr::NonNull;

use crate::peer::{Peer, arena};
use crate::random::Random;
use crate::steps::steps;

/// Operations before counting starts.
const WARM_UP: usize = 40_000;

/// Instructions of many calls.
pub struct Counts(Vec<usize>);

impl Counts {
    fn sorted(mut counts: Vec<usize>) -> Self {
        counts.sort_unstable();
        Self(counts)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<usize>() as f64 / self.0.len() as f64
    }

    /// What the given part of the calls stays at or below.
    pub fn quantile(&self, part: f64) -> usize {
        self.0[(part * (self.0.len() - 1) as f64) as usize]
    }
}

#[inline(never)]
fn allocate<P: Peer>(peer: &mut P, layout: Layout) -> Option<NonNull<u8>> {
    peer.allocate(layout)
}

#[inline(never)]
unsafe fn deallocate<P: Peer>(peer: &mut P, block: NonNull<u8>, layout: Layout) -> P::Freed {
    // SAFETY: the caller gives the block up.
    unsafe { peer.deallocate(block, layout) }
}

#[inline(never)]
fn nothing<P: Peer>(_peer: &mut P, _layout: Layout) -> Option<NonNull<u8>> {
    std::hint::black_box(None)
}

/// The instructions of `operations` calls, about half of them allocations: an arena of `size` bytes about half full,
/// sizes log-uniform from 1 to `largest`.
pub fn count<P: Peer>(size: usize, largest: usize, operations: usize) -> [Counts; 2] {
    let mut peer = P::new(arena(size));
    let mut random = Random(1);
    let (mut live, mut payload) = (Vec::with_capacity(size / 8), 0);
    let (mut allocations, mut frees) = (Vec::new(), Vec::new());
    // What a call of a function that does nothing takes, but for the function's own two instructions.
    let around = steps(|| nothing(&mut peer, Layout::new::<u64>())).1 - 2;
    for operation in 0..WARM_UP + operations {
        let counted = operation >= WARM_UP;
        if payload < size / 2 {
            let layout = random.log_uniform(1, largest);
            let block = if counted {
                let (block, count) = steps(|| allocate(&mut peer, layout));
                allocations.push(count - around);
                block
            } else {
                allocate(&mut peer, layout)
            };
            let Some(block) = block else { continue };
            payload += layout.size();
            live.push((block, layout));
        } else {
            let (block, layout) = live.swap_remove(random.below(live.len()));
            payload -= layout.size();
            // SAFETY: the block was live, and is forgotten.
            unsafe {
                if counted {
                    let (freed, count) = steps(|| deallocate(&mut peer, block, layout));
                    frees.push(count - around);
                    assert!(P::is_good(freed), "the block is live");
                } else {
                    assert!(P::is_good(deallocate(&mut peer, block, layout)), "the block is live");
                }
            }
        }
    }
    [Counts::sorted(allocations), Counts::sorted(frees)]
}
