//! Many threads where the memory for data is limited: alone in a program, which it limits.

mod thread_support;

use std::alloc::Layout;
use std::sync::Barrier;
use std::thread;

use memalloc_os::process;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use thread_support::{Block, allocate, free};

const THREADS: usize = 64;

#[test]
fn threads_share_a_heap_before_there_is_no_memory_for_one_each() {
    // The stacks, too, are counted as data.
    let unlimited = getrlimit(Resource::Data);
    setrlimit(Resource::Data, Rlimit { current: Some(100 << 20), ..unlimited }).unwrap();
    let (before, after) = (Barrier::new(THREADS), Barrier::new(THREADS));
    let body = || {
        before.wait();
        let block = process::allocate(Layout::new::<[u8; 1000]>());
        after.wait();
        block.is_some_and(|block| free(Block(block)) == Ok(()))
    };
    let served = thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(64 << 10).spawn_scoped(scope, body).unwrap();
        let threads: Vec<_> = (0..THREADS).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|&is| is).count()
    });
    // So that a failure finds memory to be told with.
    setrlimit(Resource::Data, unlimited).unwrap();
    assert_eq!(served, THREADS);
    assert_eq!(free(allocate(Layout::new::<[u8; 1000]>())), Ok(()));
}
