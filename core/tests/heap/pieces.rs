//! What blocks that wait do to memory in the long run, where the source has ever more.

use std::alloc::Layout;
use std::ptr::NonNull;

use memalloc_core::remote::Inbox;
use memalloc_core::{Heap, LocalHeap};

type Endless = crate::endless::Endless<{ 256 << 10 }>;

/// More than all these blocks come to, in however many pieces.
const BYTES: usize = 64 << 20;

struct Random(u32);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % limit
    }

    /// Most sizes are small, one of 200 is long.
    fn layout(&mut self) -> Layout {
        let size = match self.below(1000) {
            0..700 => 16 + self.below(240),
            700..950 => 256 + self.below(1800),
            950..995 => 2048 + self.below(14_000),
            _ => 16_384 + self.below(100_000),
        };
        Layout::from_size_align(size, 8).unwrap()
    }
}

/// How often what comes and goes is chosen anew: of one choice alone, little differences come to much.
const CHOICES: u32 = 4;

/// The most blocks of the source that are lent while 5,000 blocks come and go, chosen at random by `seed`. `allocate` and `free`
/// do so, and `free` tells how many are lent.
fn most_lent<H>(
    seed: u32,
    heap: &mut H,
    allocate: impl Fn(&mut H, Layout) -> Option<NonNull<u8>>,
    free: impl Fn(&mut H, NonNull<u8>, Layout) -> usize,
) -> usize {
    let (mut sizes, mut places, mut most) = (Random(2 * seed + 1), Random(2 * seed + 2), 0);
    let mut block = |heap: &mut H| {
        let layout = sizes.layout();
        (allocate(heap, layout).unwrap(), layout)
    };
    let mut blocks: Vec<_> = (0..5000).map(|_| block(heap)).collect();
    for _ in 0..3_000_000 {
        let new = block(heap);
        let (old, layout) = std::mem::replace(&mut blocks[places.below(5000)], new);
        most = most.max(free(heap, old, layout));
    }
    most
}

fn most_lent_to<M: memalloc_core::Mode>(seed: u32, mut heap: Heap<Endless, M>) -> usize {
    let most = most_lent(seed, &mut heap, Heap::allocate, |heap, block, layout| {
        // SAFETY: the block is not used any more.
        unsafe { heap.deallocate_sized(block, layout) }.unwrap();
        heap.source().lent
    });
    assert_eq!(heap.check(), Ok(()));
    most
}

fn most_lent_to_local(seed: u32) -> usize {
    let inbox = Inbox::new();
    // SAFETY: the inbox is no other heap's.
    let mut local = unsafe { LocalHeap::new(Endless::of(BYTES), &inbox, |error, _| panic!("{error}")) };
    let most = most_lent(seed, &mut local, LocalHeap::allocate, |heap, block, layout| {
        // SAFETY: the block is not used any more.
        unsafe { heap.deallocate_sized(block, layout) }.unwrap();
        heap.source().lent
    });
    assert_eq!(local.check(), Ok(()));
    most
}

#[test]
fn memory_does_not_fall_into_ever_more_pieces() {
    let of_all = |most: fn(u32) -> usize| (0..CHOICES).map(most).sum::<usize>();
    let least = of_all(|seed| most_lent_to(seed, Heap::real_time(Endless::of(BYTES))));
    let general = of_all(|seed| most_lent_to(seed, Heap::new(Endless::of(BYTES))));
    let local = of_all(most_lent_to_local);
    for most in [general, local] {
        assert!(most <= least + least / 12, "{general} and {local} for {least}");
    }
}
