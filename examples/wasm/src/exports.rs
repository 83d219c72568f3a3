//! What the host may call. Pointers and sizes are in bytes.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ptr::{NonNull, null_mut};

use memalloc_core::FreeError;

use crate::heap::HEAP;
use crate::spoil;

/// A block, or null where there is no room.
#[unsafe(no_mangle)]
extern "C" fn allocate(size: usize) -> *mut u8 {
    let Ok(layout) = Layout::from_size_align(size, 1) else { return null_mut() };
    // SAFETY: the heap stays in its place.
    let block = unsafe { HEAP.lock().heap_mut().allocate(layout) };
    block.map_or(null_mut(), NonNull::as_ptr)
}

/// Frees a block: 0, or why not.
#[unsafe(no_mangle)]
extern "C" fn deallocate(ptr: *mut u8) -> u32 {
    let Some(block) = NonNull::new(ptr) else { return status(Err(FreeError::NotOurs)) };
    // SAFETY: the host gives the block up.
    status(unsafe { HEAP.lock().heap_mut().deallocate(block) })
}

/// Frees a block of `size` bytes: 0, or why not.
#[unsafe(no_mangle)]
extern "C" fn deallocate_sized(ptr: *mut u8, size: usize) -> u32 {
    let (Some(block), Ok(layout)) = (NonNull::new(ptr), Layout::from_size_align(size, 1)) else {
        return status(Err(FreeError::NotOurs));
    };
    // SAFETY: the host gives the block up.
    status(unsafe { HEAP.lock().heap_mut().deallocate_sized(block, layout) })
}

fn status(freed: Result<(), FreeError>) -> u32 {
    match freed {
        Ok(()) => 0,
        Err(FreeError::NotOurs) => 1,
        Err(FreeError::NotAStart) => 2,
        Err(FreeError::AlreadyFree) => 3,
        Err(FreeError::WrongSize) => 4,
    }
}

/// What a vector of 1 to `count` adds up to, and a map of boxes of their squares.
#[unsafe(no_mangle)]
extern "C" fn collections(count: u64) -> u64 {
    let numbers: Vec<u64> = (1..=count).collect();
    let squares: BTreeMap<u64, Box<u64>> = numbers.iter().map(|&n| (n, Box::new(n * n))).collect();
    numbers.iter().sum::<u64>() + squares.values().map(|square| **square).sum::<u64>()
}

/// Bytes in use.
#[unsafe(no_mangle)]
extern "C" fn used() -> usize {
    HEAP.totals().used()
}

/// Bytes had by growing linear memory.
#[unsafe(no_mangle)]
extern "C" fn source() -> usize {
    HEAP.totals().source()
}

/// Whether the full check finds the heap whole.
#[unsafe(no_mangle)]
extern "C" fn check() -> bool {
    HEAP.check().is_ok()
}

/// Spoils the heap, for the check to see. Something is to be in use; afterwards there is only the check.
#[unsafe(no_mangle)]
extern "C" fn corrupt() {
    spoil::flip_a_map_bit(&HEAP.lock());
}
