//! Allocations and frees at random, per second, in an arena that is half full.

use std::alloc::Layout;
use std::time::{Duration, Instant};

use crate::memory::Memory;
use crate::peer::Peer;
use crate::random::Random;

const OPERATIONS: usize = 200_000;
const ROUNDS: usize = 9;

/// How many times as fast `A` is as `B`: the median of interleaved rounds.
pub fn ratio<A: Peer, B: Peer>(size: usize, largest: usize) -> f64 {
    let mut memory = Memory::of(size);
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            time::<B>(&mut memory, largest).as_secs_f64() / time::<A>(&mut memory, largest).as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ROUNDS / 2]
}

fn time<P: Peer>(memory: &mut Memory, largest: usize) -> Duration {
    // SAFETY: an allocator that had the memory before was this function's.
    let arena = unsafe { memory.lend() };
    let (size, mut peer, mut random) = (arena.len(), P::new(arena), Random(1));
    let (mut live, mut payload) = (Vec::with_capacity(size / 8), 0);
    let layout =
        |random: &mut Random| Layout::from_size_align(1 + random.below(largest), 8).expect("a small layout");
    while payload < size / 2 {
        let layout = layout(&mut random);
        let Some(block) = peer.allocate(layout) else { break };
        payload += layout.size();
        live.push((block, layout));
    }
    let start = Instant::now();
    for _ in 0..OPERATIONS {
        if payload < size / 2 {
            let layout = layout(&mut random);
            let Some(block) = peer.allocate(layout) else { continue };
            payload += layout.size();
            live.push((block, layout));
        } else {
            let (block, layout) = live.swap_remove(random.below(live.len()));
            payload -= layout.size();
            // SAFETY: the block was live, and is forgotten.
            unsafe { peer.deallocate(block, layout) };
        }
    }
    start.elapsed()
}
