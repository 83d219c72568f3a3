//! What the process's heap does with blocks that go from thread to thread.

mod thread_support;

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use memalloc_core::FreeError;
use memalloc_os::process;

use thread_support::{Block, allocate, free};

const LAYOUT: Layout = Layout::new::<[u8; 200]>();

/// Held by the test that runs: a thread of another could take over a heap left here, and hand out what was freed in it.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn elsewhere<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(body).join().unwrap())
}

#[test]
fn a_block_outlives_its_thread_and_is_freed_once() {
    let _turn = turn();
    let block = elsewhere(|| allocate(LAYOUT));
    assert_eq!(process::usable_size(block.0), Ok(208));
    assert_eq!((free(block), free(block)), (Ok(()), Err(FreeError::AlreadyFree)));
    assert_eq!(elsewhere(move || free(block)), Err(FreeError::AlreadyFree));
}

#[test]
fn two_threads_at_once_have_a_heap_each() {
    let _turn = turn();
    let mine = allocate(LAYOUT);
    let other = elsewhere(|| allocate(LAYOUT));
    assert_ne!(process::owner_of(mine.0), process::owner_of(other.0));
    assert_eq!((free(mine), free(other)), (Ok(()), Ok(())));
}

#[test]
fn bad_frees_by_another_thread_are_answered_as_the_owner_s_are() {
    let _turn = turn();
    let block = allocate(LAYOUT);
    elsewhere(move || {
        let block = { block };
        let at = |offset| Block(NonNull::new(block.0.as_ptr().wrapping_add(offset)).unwrap());
        assert_eq!(free(at(16)), Err(FreeError::NotAStart));
        assert_eq!(free(at(1)), Err(FreeError::NotAStart));
        let on_the_stack = 0_u64;
        assert_eq!(free(Block(NonNull::from(&on_the_stack).cast())), Err(FreeError::NotOurs));
        assert_eq!((free(block), free(block)), (Ok(()), Err(FreeError::AlreadyFree)));
    });
    assert_eq!(free(block), Err(FreeError::AlreadyFree));
}

#[test]
fn a_block_is_resized_by_another_thread_with_its_bytes() {
    let _turn = turn();
    for (old, new) in [(100, 105), (100, 3000), (3000, 100), (100, 9_000_000), (9_000_000, 100), (40, 40)] {
        let layout = Layout::from_size_align(old, 16).unwrap();
        let block = allocate(layout);
        // SAFETY: the block has these bytes.
        unsafe { block.0.write_bytes(7, old) };
        elsewhere(move || {
            let block = { block };
            // SAFETY: the block is used by the new pointer alone afterwards, within its size.
            unsafe {
                let moved = process::resize(block.0, new).unwrap().unwrap();
                let kept = std::slice::from_raw_parts(moved.as_ptr(), old.min(new));
                assert!(kept.iter().all(|&byte| byte == 7), "{old} to {new}");
                assert_eq!(process::usable_size(moved), Ok(new.next_multiple_of(16)));
                assert_eq!(free(Block(moved)), Ok(()));
            }
        });
    }
}
