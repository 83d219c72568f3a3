//! Many threads that come and go: alone in a program, as it looks at totals.

mod thread_support;

use std::alloc::Layout;
use std::thread;

use memalloc_os::process;

use thread_support::{allocate, free};

#[test]
fn many_threads_come_and_go_and_leave_nothing() {
    let before = process::totals().used_chunks();
    for _ in 0..50 {
        let kept = thread::scope(|scope| {
            let threads: Vec<_> = (0..8_usize)
                .map(|number| {
                    scope.spawn(move || {
                        let blocks: Vec<_> = (0..500)
                            .map(|at| allocate(Layout::from_size_align(at * number + 1, 16).unwrap()))
                            .collect();
                        let (mine, others) = blocks.split_at(250);
                        assert!(mine.iter().all(|&block| free(block) == Ok(())));
                        others.to_vec()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(kept.into_iter().all(|block| free(block) == Ok(())));
    }
    assert_eq!((process::totals().used_chunks(), process::check()), (before, Ok(())));
}
