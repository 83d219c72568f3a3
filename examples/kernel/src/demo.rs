//! What is shown.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::hint::black_box;
use core::ptr::NonNull;

use memalloc_core::FreeError;

use crate::heap::HEAP;
use crate::serial::println;
use crate::{exit, mailbox, timer};

/// A vector, boxes and a map, and what they add up to.
pub fn collections() {
    let numbers: Vec<u64> = (1..=100_000).collect();
    let squares: BTreeMap<u64, Box<u64>> =
        (1..=1000).map(|number| (number, Box::new(number * number))).collect();
    let sum: u64 = squares.values().map(|square| **square).sum();
    println!("Vec: {}, BTreeMap of Box: {sum}", numbers.iter().sum::<u64>());
}

/// Takes all the memory of the machine in vectors, gives it back, and takes it again.
pub fn exhaustion() {
    let mut counts = [0; 2];
    for count in &mut counts {
        let mut all: Vec<Vec<u8>> = Vec::with_capacity(1024);
        while let Some(vector) = new_vector(1 << 20) {
            all.push(vector);
        }
        *count = all.len();
        assert!(new_vector(1 << 20).is_none() && new_vector(1000).is_some(), "small blocks fit beside");
        drop(all);
        HEAP.trim();
    }
    assert!(counts[0] > 64 && counts[0] == counts[1], "{counts:?}");
    println!("exhaustion: {} MiB twice, and refused in between", counts[0]);
}

/// A vector with room for `size` bytes, one of which is written, if there is memory.
fn new_vector(size: usize) -> Option<Vec<u8>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(size).ok()?;
    vector.push(1);
    Some(vector)
}

/// Frees that are wrong in each way are told apart, and change nothing.
pub fn bad_frees() {
    let mut block = Box::new([7_u64; 4]);
    let start = NonNull::from(&mut *block).cast::<u8>();
    let on_the_stack = NonNull::from(&mut [0_u64; 4]).cast::<u8>();
    let free = |ptr: NonNull<u8>, size| {
        let layout = Layout::from_size_align(size, 1).expect("a small layout");
        // SAFETY: the heap is to refuse.
        unsafe { HEAP.lock().heap_mut().deallocate_sized(ptr, layout) }
    };
    assert_eq!(free(on_the_stack, 32), Err(FreeError::NotOurs));
    // SAFETY: the pointer stays in the block.
    assert_eq!(free(unsafe { start.add(16) }, 16), Err(FreeError::NotAStart));
    assert_eq!(free(start, 80), Err(FreeError::WrongSize));
    assert_eq!(*block, [7; 4]);
    drop(block);
    assert_eq!(free(start, 32), Err(FreeError::AlreadyFree));
    println!("bad frees: NotOurs, NotAStart, WrongSize, AlreadyFree");
}

/// Boxes that the timer's interrupt handler frees, while blocks are allocated and freed here.
pub fn frees_by_interrupt() {
    const MESSAGES: usize = 200;
    let used = HEAP.totals().used();
    timer::start();
    let mut posted = 0;
    while posted < MESSAGES {
        let message = Box::new([posted as u32; 16]);
        posted += usize::from(mailbox::post(message).is_ok());
        drop((0..posted as u32 % 500).collect::<Vec<_>>());
    }
    while mailbox::freed() < MESSAGES {
        core::hint::spin_loop();
    }
    timer::stop();
    assert_eq!((HEAP.totals().used(), HEAP.bad_frees()), (used, 0));
    println!("interrupts: the handler freed {MESSAGES} blocks");
}

/// Every span and every chunk of a heap with a few blocks.
pub fn walk() {
    let blocks: Vec<Box<[u8]>> = [24, 100, 5000].map(|size| alloc::vec![0; size].into_boxed_slice()).into();
    // Else the compiler may leave out what nobody looks at.
    let blocks = black_box(blocks);
    // Outside the lock nothing is to be allocated, and printing allocates nothing.
    let mut heap = HEAP.lock();
    // Else each size that was freed would have a line.
    // SAFETY: the heap stays in its place.
    unsafe { heap.heap_mut() }.flush();
    for span in heap.spans() {
        println!("walk: span at {:p}, {} KiB", span.block.cast::<u8>(), span.block.len() >> 10);
    }
    for chunk in heap.chunks() {
        let state = match (chunk.is_in_use(), chunk.waiting) {
            (true, _) => "in use",
            (_, true) => "waits",
            _ => "free",
        };
        println!("walk: {:p} {:>8} {state}", chunk.address, chunk.size);
    }
    drop(heap);
    // They stay, so that something is in use.
    core::mem::forget(blocks);
}

/// The full check, and the end.
pub fn check() -> ! {
    match HEAP.check() {
        Ok(()) => {
            println!("check: the heap is whole");
            exit::succeed()
        }
        Err(fault) => {
            println!("check: {fault}");
            exit::fail()
        }
    }
}
