//! Zeroed blocks, where the source gives zeros.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::zeros::Zeros;
use memalloc_core::{ArenaSource, BlocksSource, GRANULE, Heap};

#[test]
fn what_no_block_has_covered_is_not_written_to() {
    let memory = vec![MaybeUninit::new(0xc5_u8); 1 << 20].leak();
    let end = NonNull::from(memory.last_mut().unwrap()).cast::<u8>();
    let mut heap = Heap::new(Zeros::new(ArenaSource::new(memory)));
    let layout = |size| Layout::from_size_align(size, 16).unwrap();
    let small = heap.allocate_zeroed(layout(100)).unwrap();
    // What is written behind the heap's back, where a free chunk keeps nothing, is still there afterwards.
    // SAFETY: the byte lies in the arena.
    let byte = unsafe { end.sub(200 << 10).as_mut() };
    *byte = 0x5a;
    let block = heap.allocate_zeroed(layout(900 << 10)).unwrap();
    let holds = |block: NonNull<u8>| {
        (block.addr()..block.addr().saturating_add(900 << 10)).contains(&NonNull::from(&*byte).addr())
    };
    assert!(block > small && holds(block));
    assert_eq!(*byte, 0x5a);
    // SAFETY: nobody uses the block.
    unsafe { heap.deallocate(block) }.unwrap();
    let again = heap.allocate_zeroed(layout(900 << 10)).unwrap();
    assert_eq!((again, *byte), (block, 0));
}

/// That of quick lists is not zero, and is handed out with what no block has covered yet.
#[test]
fn what_lists_take_is_zeroed_too() {
    let memory = vec![MaybeUninit::new(0_u8); 1 << 20].leak();
    let mut heap = Heap::new(Zeros::new(ArenaSource::new(memory)));
    let layout = |size| Layout::from_size_align(size, GRANULE).unwrap();
    let _most = heap.allocate(layout(900 << 10)).unwrap();
    let span = heap.spans().next().unwrap();
    let size = heap.totals().free() + span.block.len() - span.end * GRANULE;
    let is_zero = |block: NonNull<u8>, size| {
        // SAFETY: the block has as many bytes, all written.
        unsafe { NonNull::slice_from_raw_parts(block, size).as_ref() }.iter().all(|&byte| byte == 0)
    };
    for size in [size, size / 2, size] {
        let block = heap.allocate_zeroed(layout(size)).expect("there is room for it alone");
        assert!(is_zero(block, size));
        // SAFETY: the block is the test's, and not used after.
        unsafe {
            block.write_bytes(0xc5, size);
            heap.deallocate(block).unwrap();
        }
        assert_eq!(heap.check(), Ok(()));
    }
}

/// Another heap may have it next.
#[test]
fn of_memory_that_went_back_nothing_is_fresh() {
    let mut source = BlocksSource::<1>::new();
    source.add(vec![MaybeUninit::new(0_u8); 64 << 10].leak()).unwrap();
    let mut heap = Heap::real_time(Zeros::new(source));
    let nothing = heap.fresh();
    let block = heap.allocate(Layout::new::<u64>()).unwrap();
    assert_ne!(heap.fresh(), nothing);
    // SAFETY: the block is the test's, and not used after.
    unsafe { heap.deallocate(block) }.unwrap();
    heap.trim();
    assert_eq!((heap.totals().spans(), heap.fresh()), (0, nothing));
}
