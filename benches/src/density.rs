//! How much payload an arena holds when a request first fails.

use crate::memory::arena;
use crate::peer::Peer;
use crate::random::Random;

const SEEDS: u64 = 20;
/// Operations once the arena is half full, at most: a first-fit list takes long over each.
const CHURN: usize = 10_000;

/// The mean, over seeds, of live payload at the first failed request over the arena and the state outside it. The
/// arena is filled by half, blocks come and go at random, and then it is filled until a request fails.
pub fn mean<P: Peer>(size: usize, smallest: usize, largest: usize) -> f64 {
    (0..SEEDS).map(|seed| once::<P>(size, smallest, largest, seed)).sum::<f64>() / SEEDS as f64
}

fn once<P: Peer>(size: usize, smallest: usize, largest: usize, seed: u64) -> f64 {
    let mut random = Random(seed);
    let mut peer = P::new(arena(size));
    let (mut live, mut payload) = (Vec::new(), 0);
    while payload < size / 2 {
        let layout = random.log_uniform(smallest, largest);
        let Some(block) = peer.allocate(layout) else { break };
        live.push((block, layout));
        payload += layout.size();
    }
    for _ in 0..(20 * size / largest).min(CHURN) {
        if payload < size / 2 {
            let layout = random.log_uniform(smallest, largest);
            let Some(block) = peer.allocate(layout) else { continue };
            live.push((block, layout));
            payload += layout.size();
        } else {
            let (block, layout) = live.swap_remove(random.below(live.len()));
            // SAFETY: the block was live, and is forgotten.
            unsafe { peer.deallocate(block, layout) };
            payload -= layout.size();
        }
    }
    loop {
        let layout = random.log_uniform(smallest, largest);
        match peer.allocate(layout) {
            Some(_) => payload += layout.size(),
            None => return payload as f64 / (size + P::state()) as f64,
        }
    }
}
