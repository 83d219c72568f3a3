//! What is shown.

use alloc::alloc::dealloc;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::hint::black_box;
use core::ptr::NonNull;

use memalloc_core::FreeError;

use crate::heap::HEAP;
use crate::semihosting::println;
use crate::{board, mailbox};

/// A vector, boxes and a map, and what they add up to.
pub fn collections() {
    let numbers: Vec<u32> = (1..=1000).collect();
    let squares: BTreeMap<u32, Box<u32>> =
        (1..=100).map(|number| (number, Box::new(number * number))).collect();
    let sum: u32 = squares.values().map(|square| **square).sum();
    println!("Vec: {}, BTreeMap of Box: {sum}", numbers.iter().sum::<u32>());
}

/// A block, or null. The compiler may leave out an allocation that is only compared with null, and say that it succeeded.
///
/// # Safety
/// The layout is not empty.
unsafe fn alloc(layout: Layout) -> *mut u8 {
    // SAFETY: as the caller says.
    black_box(unsafe { alloc::alloc::alloc(layout) })
}

/// Takes all there is, gives half of it back, then all.
pub fn exhaustion() {
    let small = Layout::new::<[u8; 120]>();
    let large = Layout::new::<[u8; 400]>();
    // SAFETY: the layouts are not empty; each block is freed once, as what it was allocated as.
    unsafe {
        let mut blocks = [core::ptr::null_mut::<u8>(); 512];
        let count = blocks.iter_mut().map_while(|block| {
            *block = alloc(small);
            (!block.is_null()).then_some(())
        });
        let count = count.count();
        assert!((300..512).contains(&count) && alloc(large).is_null());
        blocks[..count].iter().step_by(2).for_each(|&block| dealloc(block, small));
        assert!(alloc(large).is_null(), "no two of the free blocks touch");
        blocks[1..count].iter().step_by(2).for_each(|&block| dealloc(block, small));
        let all = Layout::new::<[u8; 44 << 10]>();
        let block = alloc(all);
        assert!(!block.is_null(), "all is one again");
        dealloc(block, all);
    }
    println!("exhaustion: refused when full, and when it does not fit; then all is one again");
}

/// Frees that are wrong in each way are told apart, and change nothing.
pub fn bad_frees() {
    let mut block = Box::new(7_u64);
    let start = NonNull::from(&mut *block).cast::<u8>();
    let on_the_stack = NonNull::from(&mut [0_u32; 4]).cast::<u8>();
    let free = |ptr: NonNull<u8>, size| {
        let layout = Layout::from_size_align(size, 1).expect("a small layout");
        // SAFETY: the heap is to refuse.
        unsafe { HEAP.lock().heap_mut().deallocate_sized(ptr, layout) }
    };
    assert_eq!(free(on_the_stack, 8), Err(FreeError::NotOurs));
    // SAFETY: the pointer stays in the block.
    assert_eq!(free(unsafe { start.add(4) }, 4), Err(FreeError::NotAStart));
    assert_eq!(free(start, 80), Err(FreeError::WrongSize));
    assert_eq!(*block, 7);
    drop(block);
    assert_eq!(free(start, 8), Err(FreeError::AlreadyFree));
    println!("bad frees: NotOurs, NotAStart, WrongSize, AlreadyFree");
}

/// Boxes that the timer's interrupt handler frees, while blocks are allocated and freed here.
pub fn frees_by_interrupt() {
    const MESSAGES: usize = 200;
    let used = HEAP.totals().used();
    board::start_timer();
    let mut posted = 0;
    while posted < MESSAGES {
        let message = Box::new([posted as u32; 16]);
        posted += usize::from(mailbox::post(message).is_ok());
        drop((0..posted as u32 % 50).collect::<Vec<_>>());
    }
    while mailbox::freed() < MESSAGES {
        core::hint::spin_loop();
    }
    board::stop_timer();
    assert_eq!((HEAP.totals().used(), HEAP.bad_frees()), (used, 0));
    println!("interrupts: the handler freed {MESSAGES} blocks");
}

/// What the heap holds.
pub fn statistics() {
    // Stays, so that something is in use.
    black_box(Box::leak(Box::new([0_u8; 100])));
    let totals = HEAP.totals();
    println!(
        "statistics: {} of {} bytes in use in {} blocks, {} free, {} overhead",
        totals.used(),
        totals.source(),
        totals.used_chunks(),
        totals.free(),
        totals.overhead()
    );
}

/// The full check: the status to exit with.
pub fn check() -> u32 {
    match HEAP.check() {
        Ok(()) => {
            println!("check: the heap is whole");
            0
        }
        Err(fault) => {
            println!("check: {fault}");
            1
        }
    }
}
