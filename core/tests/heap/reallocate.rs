//! Blocks that grow and shrink where they lie.

use core::alloc::Layout;
use core::mem::MaybeUninit;

use memalloc_core::{ArenaSource, Compact, GRANULE, General, Heap, Mode, RealTime};

const KIB: usize = 1 << 10;

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("a small layout")
}

#[test]
fn a_block_grows_into_all_that_is_free_above_it_and_no_further() {
    grow_to_the_next::<General>();
    grow_to_the_next::<RealTime>();
    grow_to_the_next::<Compact>();
}

fn grow_to_the_next<M: Mode>() {
    let memory = vec![MaybeUninit::uninit(); 64 * KIB].leak();
    let mut heap = Heap::<_, M>::with_mode(ArenaSource::new(memory));
    let [block, above, next] = [(); 3].map(|()| heap.allocate(layout(KIB)).expect("there is room"));
    assert_eq!(next.addr().get() - block.addr().get(), 2 * KIB);
    // SAFETY: the block above is used no more, and nothing in the others.
    unsafe {
        assert_eq!(heap.resize_in_place(block, KIB + 1), Ok(false));
        assert_eq!(heap.deallocate_sized(above, layout(KIB)), Ok(()));
        let free = heap.totals().free();
        assert_eq!(heap.resize_in_place(block, 2 * KIB + 1), Ok(false));
        assert_eq!((heap.usable_size(block), heap.totals().free(), heap.check()), (Ok(KIB), free, Ok(())));
        assert_eq!(heap.resize_in_place(block, 2 * KIB), Ok(true));
        assert_eq!(
            (heap.usable_size(block), heap.totals().free(), heap.check()),
            (Ok(2 * KIB), free - KIB, Ok(()))
        );
        // What is cut off joins what is free above, or all of it could not be had again.
        for size in [KIB, GRANULE, KIB + GRANULE, 2 * KIB] {
            let old = heap.usable_size(block).expect("the block is in use");
            assert_eq!(heap.reallocate(block, layout(old), size), Some(block), "{size}");
            assert_eq!((heap.usable_size(block), heap.check()), (Ok(size), Ok(())));
        }
        let moved = heap.reallocate(block, layout(2 * KIB), 3 * KIB).expect("there is room");
        assert!(moved > next && heap.usable_size(block).is_err());
        assert_eq!(heap.check(), Ok(()));
    }
}
