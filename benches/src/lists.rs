//! Lists that are gone through, freed at random and made anew: whether what was freed out of order is handed out in order again.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use crate::memory::Memory;
use crate::peer::Peer;
use crate::random::Random;

/// How often a list is made.
const LISTS: usize = 6;
const ROUNDS: usize = 5;

/// A node's first word.
type Link = Option<NonNull<u8>>;

/// How many times as fast `A` is as `B`, in an arena of `size` bytes, with lists of `count` nodes that are gone through `walks`
/// times: the median of interleaved rounds.
pub fn ratio<A: Peer, B: Peer>(size: usize, count: usize, walks: usize) -> f64 {
    let mut memory = Memory::of(size);
    let lists = Lists::new(count, walks);
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let [b, a] = [lists.time::<B>(&mut memory), lists.time::<A>(&mut memory)];
            b.as_secs_f64() / a.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ROUNDS / 2]
}

/// What nodes there are to be, and in which order they are freed.
struct Lists {
    layouts: Vec<Layout>,
    frees: Vec<usize>,
    walks: usize,
}

impl Lists {
    fn new(count: usize, walks: usize) -> Self {
        let mut random = Random(1);
        let layouts = (0..count).map(|_| random.log_uniform(16, 80)).collect();
        let mut frees: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            frees.swap(last, random.below(last + 1));
        }
        Self { layouts, frees, walks }
    }

    fn time<P: Peer>(&self, memory: &mut Memory) -> Duration {
        // SAFETY: an allocator that had the memory before was this function's.
        let mut peer = P::new(unsafe { memory.lend() });
        let mut nodes = Vec::with_capacity(self.layouts.len());
        let start = Instant::now();
        for _ in 0..LISTS {
            self.make(&mut peer, &mut nodes);
            self.walk(&nodes);
            self.free(&mut peer, &mut nodes);
        }
        start.elapsed()
    }

    /// Makes a list, each node of which links to the one that was made before.
    fn make<P: Peer>(&self, peer: &mut P, nodes: &mut Vec<NonNull<u8>>) {
        for &layout in &self.layouts {
            let node = peer.allocate(layout).expect("an arena with room for the list");
            // SAFETY: the node has 16 bytes, aligned to a word.
            unsafe { node.cast::<Link>().write(nodes.last().copied()) };
            nodes.push(node);
        }
    }

    fn walk(&self, nodes: &[NonNull<u8>]) {
        for _ in 0..self.walks {
            // SAFETY: each node has a link, and is live.
            let next = |node: &NonNull<u8>| unsafe { node.cast::<Link>().read() };
            let count = std::iter::successors(nodes.last().copied(), next).count();
            assert_eq!(count, nodes.len(), "a list that somebody else wrote to");
        }
    }

    fn free<P: Peer>(&self, peer: &mut P, nodes: &mut Vec<NonNull<u8>>) {
        for &node in &self.frees {
            // SAFETY: each node is live, and freed once.
            unsafe { peer.deallocate(nodes[node], self.layouts[node]) };
        }
        nodes.clear();
    }
}
