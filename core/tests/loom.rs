//! What the remote frees do in every order of events that the memory model allows.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p memalloc-core --test loom`
#![cfg(loom)]

use core::ptr::NonNull;

use loom::sync::atomic::AtomicUsize;
use loom::sync::{Arc, Mutex};
use loom::thread;

use memalloc_core::map::Bits;
use memalloc_core::remote::{Batch, Chain, Inbox};

/// Memory of a few blocks, with room for what loom's cells are in it.
#[repr(align(64))]
struct Memory([[u64; 64]; 4]);

fn new_blocks() -> [usize; 4] {
    let memory = Box::leak(Box::new(Memory([[0; 64]; 4])));
    [0, 1, 2, 3].map(|number| memory.0[number].as_mut_ptr().expose_provenance())
}

fn at(address: usize) -> NonNull<u8> {
    NonNull::new(core::ptr::with_exposed_provenance_mut(address)).unwrap()
}

fn post(inbox: &Inbox, blocks: &[usize]) {
    let mut batch = Batch::new();
    for &block in blocks {
        // SAFETY: the block is the thread's own, and of the inbox's heap.
        unsafe { batch.add(at(block), 16) };
    }
    // SAFETY: as above.
    unsafe { inbox.post(&mut batch) };
}

fn take_all(chain: &mut Chain, seen: &mut Vec<usize>) {
    // SAFETY: the heap is the test's.
    while let Some((block, bytes)) = unsafe { chain.take() } {
        assert_eq!(bytes, 16);
        // What the sender wrote into the block came before: loom sees to that.
        seen.push(block.addr().get());
    }
}

#[test]
fn what_is_posted_arrives_once() {
    loom::model(|| {
        let (inbox, blocks) = (Arc::new(Inbox::new()), new_blocks());
        let threads = [&blocks[..2], &blocks[2..]].map(|mine| {
            let (inbox, mine) = (Arc::clone(&inbox), mine.to_vec());
            thread::spawn(move || post(&inbox, &mine))
        });
        let mut seen = Vec::new();
        take_all(&mut inbox.take(), &mut seen);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        take_all(&mut inbox.take(), &mut seen);
        seen.sort_unstable();
        assert_eq!(seen, blocks);
        assert!(inbox.is_empty());
    });
}

#[test]
fn of_two_remote_frees_one_is_let() {
    loom::model(|| {
        let (inbox, blocks) = (Arc::new(Inbox::new()), new_blocks());
        let words = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let threads = [(); 2].map(|()| {
            let (inbox, words) = (Arc::clone(&inbox), Arc::clone(&words));
            thread::spawn(move || {
                // SAFETY: there is a word.
                let is_mine = unsafe { Bits::at(NonNull::from(&*words).cast(), 1).set(5) };
                if is_mine {
                    post(&inbox, &blocks[..1]);
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let mut seen = Vec::new();
        take_all(&mut inbox.take(), &mut seen);
        assert_eq!(seen, blocks[..1]);
    });
}

/// A block comes back and is handed out again, while others of the same word are on their way.
#[test]
fn a_block_can_be_freed_again_once_it_is_handed_out_again() {
    loom::model(|| {
        let (inbox, blocks) = (Arc::new(Inbox::new()), new_blocks());
        let words = Arc::new([AtomicUsize::new(0)]);
        let bits = |words: &Arc<[AtomicUsize; 1]>| Bits::at(NonNull::from(&**words).cast(), 1);
        // SAFETY: there is a word.
        assert!(unsafe { bits(&words).set(0) });
        post(&inbox, &blocks[..1]);
        let other = {
            let (inbox, words) = (Arc::clone(&inbox), Arc::clone(&words));
            thread::spawn(move || {
                // SAFETY: there is a word.
                assert!(unsafe { bits(&words).set(1) });
                post(&inbox, &blocks[1..2]);
            })
        };
        let mut seen = Vec::new();
        take_all(&mut inbox.take(), &mut seen);
        assert!(seen.contains(&blocks[0]));
        for block in &seen {
            // SAFETY: there is a word.
            unsafe { bits(&words).clear(usize::from(*block == blocks[1])) };
        }
        let again = {
            let words = Arc::clone(&words);
            // SAFETY: there is a word.
            thread::spawn(move || unsafe { bits(&words).set(0) })
        };
        assert!(again.join().unwrap());
        other.join().unwrap();
        take_all(&mut inbox.take(), &mut seen);
        assert_eq!(seen.len(), 2);
    });
}

/// A thread ends and another takes its heap over, while a third posts.
#[test]
fn a_heap_is_handed_over_while_others_post() {
    loom::model(|| {
        let (inbox, blocks) = (Arc::new(Inbox::new()), new_blocks());
        let heap = Arc::new(Mutex::new((Chain::new(), Vec::new())));
        let own = |inbox: &Inbox, heap: &Mutex<(Chain, Vec<usize>)>| {
            let mut heap = heap.lock().unwrap();
            let (chain, seen) = &mut *heap;
            take_all(chain, seen);
            // Some of what has come is left for the next owner.
            *chain = inbox.take();
        };
        let poster = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || {
                post(&inbox, &blocks[..1]);
                post(&inbox, &blocks[1..3]);
            })
        };
        let next_owner = {
            let (inbox, heap) = (Arc::clone(&inbox), Arc::clone(&heap));
            thread::spawn(move || own(&inbox, &heap))
        };
        own(&inbox, &heap);
        poster.join().unwrap();
        next_owner.join().unwrap();
        own(&inbox, &heap);
        own(&inbox, &heap);
        let mut seen = core::mem::take(&mut heap.lock().unwrap().1);
        seen.sort_unstable();
        assert_eq!(seen, blocks[..3]);
    });
}

/// A block that was freed elsewhere is taken in while another thread frees it once more: that one sees it as posted, or as
/// waiting, or as free in the map, and never in use.
#[test]
fn a_second_free_is_told_while_the_first_is_taken_in() {
    loom::model(|| {
        let words = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(1)]);
        let bits = |words: &[AtomicUsize; 3], word: usize| Bits::at(NonNull::from(&words[word]).cast(), 1);
        let [waiting, posted, used] = [0, 1, 2];
        // SAFETY: there are words.
        unsafe {
            bits(&words, posted).set(0);
            let second = {
                let words = Arc::clone(&words);
                thread::spawn(move || {
                    bits(&words, posted).set(0)
                        && !bits(&words, waiting).is_set_now(0)
                        && bits(&words, used).is_set(0)
                })
            };
            // Taken in, it waits; and is coalesced.
            bits(&words, waiting).flip(0);
            bits(&words, posted).clear(0);
            bits(&words, used).flip(0);
            bits(&words, waiting).flip_last(0);
            assert!(!second.join().unwrap());
        }
    });
}
