//! How full an arena may be for long, while blocks come and go.

use std::alloc::Layout;

use crate::memory::Memory;
use crate::peer::Peer;
use crate::random::Random;

const SEEDS: u64 = 3;
/// Requests in a trial.
const REQUESTS: usize = 500_000;
/// The answer is as exact as that.
const STEP: f64 = 0.005;

/// The most live payload, over the arena, with which no request fails though many are made, each after blocks at random
/// are freed: the mean over seeds.
pub fn most<P: Peer>(size: usize, next: &impl Fn(&mut Random) -> Layout) -> f64 {
    let mut memory = Memory::of(size);
    let mut most_of = |seed| {
        let (mut serves, mut fails) = (0.0, 1.0);
        while fails - serves > STEP {
            let part = (serves + fails) / 2.0;
            // SAFETY: the peer of the last trial is gone.
            let peer = P::new(unsafe { memory.lend() });
            let all = serves_all(peer, (part * size as f64) as usize, next, Random(seed));
            *(if all { &mut serves } else { &mut fails }) = part;
        }
        serves
    };
    (0..SEEDS).map(&mut most_of).sum::<f64>() / SEEDS as f64
}

/// Whether no request fails, with no more than `most` bytes live.
fn serves_all<P: Peer>(
    mut peer: P,
    most: usize,
    next: &impl Fn(&mut Random) -> Layout,
    mut random: Random,
) -> bool {
    let (mut live, mut payload) = (Vec::new(), 0);
    for _ in 0..REQUESTS {
        let layout = next(&mut random);
        while payload + layout.size() > most && !live.is_empty() {
            let (block, old): (_, Layout) = live.swap_remove(random.below(live.len()));
            // SAFETY: the block was live, and is forgotten.
            unsafe { peer.deallocate(block, old) };
            payload -= old.size();
        }
        let Some(block) = peer.allocate(layout) else { return false };
        live.push((block, layout));
        payload += layout.size();
    }
    true
}

/// Most are small, and one of 200 is large.
pub fn one_of_200_large(random: &mut Random) -> Layout {
    let size = match random.below(1000) {
        0..700 => 16 + random.below(240),
        700..950 => 256 + random.below(1800),
        950..995 => 2048 + random.below(14_000),
        _ => 16_384 + random.below(100_000),
    };
    Layout::from_size_align(size, 8).expect("a small size")
}
