//! Instructions of each call: mean, median, worst.

use std::alloc::Layout;
use std::ptr::NonNull;

use crate::memory::arena;
use crate::peer::Peer;
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
unsafe fn reallocate<P: Peer>(
    peer: &mut P,
    block: NonNull<u8>,
    layout: Layout,
    new_size: usize,
) -> Option<NonNull<u8>> {
    // SAFETY: the caller promises the same.
    unsafe { peer.reallocate(block, layout, new_size) }
}

#[inline(never)]
unsafe fn copy(from: NonNull<u8>, to: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller gives two blocks that hold the bytes.
    unsafe { to.copy_from_nonoverlapping(from, bytes) };
}

#[inline(never)]
fn nothing<P: Peer>(_peer: &mut P, _layout: Layout) -> Option<NonNull<u8>> {
    std::hint::black_box(None)
}

/// Instructions of calls, by what is called.
pub struct Calls {
    pub allocate: Counts,
    pub deallocate: Counts,
    /// Less the copy, where the block moves.
    pub reallocate: Counts,
}

/// Blocks in an arena, about half full.
struct Workload<P> {
    peer: P,
    random: Random,
    live: Vec<(NonNull<u8>, Layout)>,
    payload: usize,
    half: usize,
    largest: usize,
    /// The largest alignment asked for.
    align: usize,
}

impl<P: Peer> Workload<P> {
    fn new(size: usize, largest: usize, align: usize) -> Self {
        let live = Vec::with_capacity(size / 8);
        Self {
            peer: P::new(arena(size)),
            random: Random(1),
            live,
            payload: 0,
            half: size / 2,
            largest,
            align,
        }
    }

    fn layout(&mut self) -> Layout {
        let layout = self.random.log_uniform(1, self.largest);
        let align = 8 << self.random.below((self.align / 8).ilog2() as usize + 1);
        layout.align_to(align).expect("a small layout")
    }

    fn is_half_full(&self) -> bool {
        self.payload >= self.half
    }

    fn keep(&mut self, block: NonNull<u8>, layout: Layout) {
        self.payload += layout.size();
        self.live.push((block, layout));
    }

    fn pick(&mut self) -> (NonNull<u8>, Layout) {
        let (block, layout) = self.live.swap_remove(self.random.below(self.live.len()));
        self.payload -= layout.size();
        (block, layout)
    }

    fn warm_up(&mut self) {
        for _ in 0..WARM_UP {
            if self.is_half_full() {
                let (block, layout) = self.pick();
                // SAFETY: the block was live, and is forgotten.
                let freed = unsafe { deallocate(&mut self.peer, block, layout) };
                assert!(P::is_good(freed), "the block is live");
            } else {
                let layout = self.layout();
                if let Some(block) = allocate(&mut self.peer, layout) {
                    self.keep(block, layout);
                }
            }
        }
    }
}

/// The instructions of `operations` allocations and frees, and of as many reallocations / 4: an arena of `size` bytes
/// about half full, sizes log-uniform from 1 to `largest`, alignments from 8 to `align`.
pub fn count<P: Peer>(size: usize, largest: usize, align: usize, operations: usize) -> Calls {
    let mut work = Workload::<P>::new(size, largest, align);
    // What a call of a function that does nothing takes, but for the function's own two instructions.
    let around = steps(|| nothing(&mut work.peer, Layout::new::<u64>())).1 - 2;
    work.warm_up();
    let (mut allocations, mut frees, mut moves) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..operations {
        if work.is_half_full() {
            let (block, layout) = work.pick();
            // SAFETY: the block was live, and is forgotten.
            let (freed, count) = steps(|| unsafe { deallocate(&mut work.peer, block, layout) });
            frees.push(count - around);
            assert!(P::is_good(freed), "the block is live");
        } else {
            let layout = work.layout();
            let (block, count) = steps(|| allocate(&mut work.peer, layout));
            allocations.push(count - around);
            if let Some(block) = block {
                work.keep(block, layout);
            }
        }
    }
    for _ in 0..operations / 4 {
        let ((block, layout), new_layout) = (work.pick(), work.layout());
        let new_size = new_layout.size();
        // SAFETY: the block was live, and is forgotten where it was.
        let (new, mut count) = steps(|| unsafe { reallocate(&mut work.peer, block, layout, new_size) });
        let Some(new) = new else { break };
        if new != block {
            let mut other = vec![0_u8; layout.size()];
            // SAFETY: the new block and the vector hold the bytes.
            count -= steps(|| unsafe {
                copy(new, NonNull::from(&mut other[..]).cast(), layout.size().min(new_size));
            })
            .1;
        }
        moves.push(count.saturating_sub(if new == block { around } else { 0 }));
        work.keep(new, Layout::from_size_align(new_size, layout.align()).expect("a small layout"));
    }
    Calls {
        allocate: Counts::sorted(allocations),
        deallocate: Counts::sorted(frees),
        reallocate: Counts::sorted(moves),
    }
}
