//! `MemAlloc` as the allocator of a whole program: this one.

mod usage_support;

use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use memalloc_core::FreeError;
use memalloc_os::{MemAlloc, process};
use usage_support::resident_bytes;

#[global_allocator]
static GLOBAL: MemAlloc = MemAlloc;

#[test]
fn the_program_s_own_memory_is_in_the_heap() {
    let text = String::from("in the heap, or else the address is not known");
    let block = std::ptr::NonNull::new(text.as_ptr().cast_mut()).unwrap();
    assert_eq!(process::usable_size(block), Ok(text.capacity().next_multiple_of(16)));
}

#[test]
fn vectors_grow_and_keep_what_they_hold() {
    let mut numbers = Vec::new();
    for number in 0..3_000_000_u64 {
        numbers.push(number);
    }
    assert!(numbers.iter().copied().eq(0..3_000_000));
    numbers.truncate(10);
    numbers.shrink_to_fit();
    assert!(numbers.iter().copied().eq(0..10));
    assert_eq!(process::check(), Ok(()));
}

#[test]
fn threads_allocate_and_free_one_another_s_blocks() {
    let (sender, receiver) = mpsc::channel::<(usize, Vec<u8>)>();
    thread::scope(|scope| {
        for number in 1..=4_usize {
            let sender = sender.clone();
            scope.spawn(move || {
                for round in 1..2000 {
                    let size = number * round % 5000;
                    sender.send((size, vec![number as u8; size])).unwrap();
                }
            });
        }
        drop(sender);
        for (size, bytes) in receiver {
            assert_eq!(bytes.len(), size);
            assert!(bytes.windows(2).all(|pair| pair[0] == pair[1]));
        }
    });
    assert_eq!(process::check(), Ok(()));
}

#[test]
fn alignment_is_kept_by_reallocation() {
    for align in [1_usize, 16, 64, 4096, 1 << 16] {
        let layout = Layout::from_size_align(100, align).unwrap();
        // SAFETY: the block is used within its size, and freed once.
        unsafe {
            let block = GLOBAL.alloc(layout);
            block.write_bytes(7, 100);
            let wall = GLOBAL.alloc(layout);
            let moved = GLOBAL.realloc(block, layout, 100_000);
            assert_eq!((moved.addr() % align, *moved, *moved.add(99)), (0, 7, 7));
            GLOBAL.dealloc(moved, Layout::from_size_align(100_000, align).unwrap());
            GLOBAL.dealloc(wall, layout);
        }
    }
}

#[test]
fn a_block_of_another_size_is_not_reallocated() {
    let layout = |size| Layout::from_size_align(size, 8).unwrap();
    for size in [40, 3000, 200_000, 9_000_000] {
        let own = process::allocate(layout(size)).unwrap();
        let other_s = thread::scope(|scope| {
            scope
                .spawn(|| process::allocate(layout(size)).unwrap().as_ptr().expose_provenance())
                .join()
                .unwrap()
        });
        let other_s = NonNull::new(std::ptr::with_exposed_provenance_mut(other_s)).unwrap();
        for block in [own, other_s] {
            // SAFETY: the block is used within its size, and given up where that is right.
            unsafe {
                block.write_bytes(5, size);
                for wrong in [size - 16, size + 16, size / 2, 1] {
                    for new_size in [wrong, size, 2 * size] {
                        let refused = process::reallocate(block, layout(wrong), new_size);
                        assert_eq!(refused, Err(FreeError::WrongSize), "{size}, {wrong}");
                    }
                }
                let grown = process::reallocate(block, layout(size), 2 * size).unwrap().unwrap();
                assert!(std::slice::from_raw_parts(grown.as_ptr(), size).iter().all(|&byte| byte == 5));
                assert_eq!(process::deallocate_sized(grown, layout(2 * size)), Ok(()));
            }
        }
    }
}

#[test]
fn zeroed_memory_is_zero_fresh_or_used() {
    for size in [1, 24, 4000, 100_000, 3_000_000, (4 << 20) - 70_000, 9_000_000, 33_000_001] {
        for align in [8, 4096] {
            let layout = Layout::from_size_align(size, align).unwrap();
            for _ in 0..3 {
                // SAFETY: the block is used within its size, and freed once.
                unsafe {
                    let block = GLOBAL.alloc_zeroed(layout);
                    let bytes = std::slice::from_raw_parts_mut(block, size);
                    assert!(is_zero(bytes), "{size}");
                    bytes.fill(0xff);
                    GLOBAL.dealloc(block, layout);
                }
            }
        }
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(4096).all(|page| page == &[0; 4096][..page.len()])
}

#[test]
fn a_large_zeroed_block_is_not_touched() {
    let layout = Layout::from_size_align(1 << 30, 16).unwrap();
    // SAFETY: the block is freed once.
    unsafe {
        let block = GLOBAL.alloc_zeroed(layout);
        assert!(!block.is_null());
        assert!(resident_bytes() < 512 << 20);
        GLOBAL.dealloc(block, layout);
    }
}

#[test]
fn what_cannot_be_had_is_null() {
    let layout = Layout::from_size_align(isize::MAX as usize - 15, 16).unwrap();
    // SAFETY: the size is not 0; nothing is handed out.
    unsafe {
        assert!(GLOBAL.alloc(layout).is_null());
        assert!(GLOBAL.alloc_zeroed(layout).is_null());
        let small = Layout::new::<u64>();
        let block = GLOBAL.alloc(small);
        block.write(9);
        assert!(GLOBAL.realloc(block, small, layout.size()).is_null());
        assert_eq!(block.read(), 9);
        GLOBAL.dealloc(block, small);
    }
}

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
    fn alarm(seconds: u32) -> u32;
    fn _exit(status: i32) -> !;
}

/// A child forked while other threads have the lock in turns could not take it, were it not for the fork's handlers.
#[test]
fn a_child_forked_among_busy_threads_allocates() {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::black_box(vec![1_u8; 777]);
                }
            });
        }
        let statuses: Vec<i32> = (0..100).map(|_| fork_and_allocate()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(statuses.iter().all(|&status| status == 0), "{statuses:?}");
    });
}

/// Forks a child that allocates, frees and checks; its wait status.
fn fork_and_allocate() -> i32 {
    // SAFETY: the child allocates, as it may here, and leaves without unwinding into the parent's frames.
    unsafe {
        let child = fork();
        if child == 0 {
            // A child that waits for the lock is ended, and that is seen.
            alarm(60);
            let map: BTreeMap<usize, String> = (0..50).map(|key| (key, key.to_string())).collect();
            _exit(i32::from(map[&49] != "49" || process::check().is_err()));
        }
        assert!(child > 0);
        let mut status = -1;
        assert_eq!(waitpid(child, &raw mut status, 0), child);
        status
    }
}

#[test]
fn a_snapshot_is_looked_at_while_allocating() {
    let marks: Vec<Box<[u8; 48]>> = (0..100).map(|_| Box::new([0; 48])).collect();
    let snapshot = process::snapshot().unwrap();
    let copied: Vec<_> =
        snapshot.iter().filter(|chunk| chunk.in_use).map(|chunk| chunk.address.addr()).collect();
    for mark in &marks {
        assert!(copied.binary_search(&std::ptr::NonNull::from(&**mark).addr()).is_ok());
    }
}

/// Bad frees end the program, so each is done by a child: this test binary, told by the environment which one to do.
#[test]
fn a_bad_free_ends_the_program_with_one_line() {
    let mut block = None;
    if let Ok(which) = std::env::var("BAD_FREE") {
        let layout = Layout::new::<[u8; 64]>();
        // SAFETY: each of these is a mistake, which is to be caught.
        unsafe {
            let ptr = *block.insert(GLOBAL.alloc(layout));
            match which.as_str() {
                "double" => {
                    GLOBAL.dealloc(ptr, layout);
                    GLOBAL.dealloc(ptr, layout);
                }
                "interior" => GLOBAL.dealloc(ptr.add(16), layout),
                "size" => GLOBAL.dealloc(ptr, Layout::new::<[u8; 100]>()),
                "realloc" => drop(GLOBAL.realloc((&raw mut block).cast(), layout, 100)),
                _ => {}
            }
        }
        return;
    }
    for (which, message) in [
        ("double", "memalloc: double free of 0x"),
        ("interior", ": no block starts at the address"),
        ("size", ": the block at the address has another size: 64 bytes"),
        ("realloc", ": the address is not of this heap"),
    ] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_bad_free_ends_the_program_with_one_line", "--nocapture"])
            .env("BAD_FREE", which)
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.signal(), Some(6), "{which}: {stderr}");
        let lines: Vec<_> = stderr.lines().filter(|line| line.contains("memalloc: ")).collect();
        assert!(lines.len() == 1 && lines[0].contains(message), "{which}: {stderr}");
    }
}
