//! Huge blocks that several threads free or look at, at the same moment: alone in a program, as what one has freed another may
//! have next.

mod thread_support;

use std::alloc::Layout;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use memalloc_core::FreeError;
use memalloc_os::process;

use thread_support::{Block, allocate, free};

const ROUNDS: usize = 300;
const BLOCKS: usize = 10;

fn huge() -> Block {
    allocate(Layout::from_size_align(40 << 20, 16).unwrap())
}

#[test]
fn several_threads_may_free_and_look_at_once() {
    (0..ROUNDS).for_each(|_| of_two_frees_at_once_one_is_refused());
    a_snapshot_may_be_taken_while_huge_blocks_come_and_go();
}

fn of_two_frees_at_once_one_is_refused() {
    let ready = AtomicUsize::new(0);
    let blocks: Vec<_> = (0..BLOCKS).map(|_| huge()).collect();
    let free_all = |blocks: Vec<Block>| {
        let free_one = |(number, block)| {
            ready.fetch_add(1, Ordering::Relaxed);
            while ready.load(Ordering::Relaxed) < 2 * (number + 1) {
                thread::yield_now();
            }
            free(block)
        };
        blocks.into_iter().enumerate().map(free_one).collect::<Vec<_>>()
    };
    let (mine, theirs) = thread::scope(|scope| {
        let same = blocks.clone();
        let other = scope.spawn(|| free_all(same));
        (free_all(blocks), other.join().unwrap())
    });
    let both = mine.into_iter().zip(theirs);
    for (number, answers) in both.enumerate() {
        // Once the block is gone, so is where it was.
        let refused = |answer| matches!(answer, Err(FreeError::AlreadyFree | FreeError::NotOurs));
        let (first, second) = answers;
        assert!(
            (first == Ok(()) && refused(second)) || (refused(first) && second == Ok(())),
            "{number}: {answers:?}"
        );
    }
}

fn a_snapshot_may_be_taken_while_huge_blocks_come_and_go() {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                let block = huge();
                // SAFETY: the block is used by the newest pointer alone.
                let block = Block(unsafe { process::resize(block.0, 90 << 20) }.unwrap().unwrap());
                assert_eq!(free(block), Ok(()));
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let snapshot = process::snapshot().unwrap();
            assert!(snapshot.iter().all(|chunk| chunk.size > 0));
        }
    });
}
