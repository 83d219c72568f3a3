//! What the remote frees do in every order of events that the memory model allows.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p memalloc-core --test loom`
#![cfg(loom)]

use core::ptr::NonNull;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use loom::sync::atomic::AtomicUsize;
use loom::sync::{Arc, Mutex};
use loom::thread;

use memalloc_core::map::{Bits, WORD_GRANULES};
use memalloc_core::remote::{Arrivals, Inbox, Section};

/// Entries of a map: two of a section's first word, one of its second, one of the next section.
const ENTRIES: [usize; 4] = [0, 1, WORD_GRANULES, Section::ENTRIES];

/// What a heap and those who free its blocks have together: the parts of one span that matter.
struct Span {
    inbox: Inbox,
    sections: [Section; 2],
    posted: [AtomicUsize; 4],
    /// Whether the span went back to the source: then nobody may touch it.
    is_gone: AtomicBool,
}

// SAFETY: all of it is atomic.
unsafe impl Send for Span {}
// SAFETY: all of it is atomic.
unsafe impl Sync for Span {}

impl Span {
    fn new() -> Arc<Self> {
        let sections = [0, 1].map(|index| {
            let noted = Box::leak(Box::new([0, 0].map(AtomicUsize::new)));
            Section::new(NonNull::dangling(), index, NonNull::from(noted).cast())
        });
        let posted = [0; 4].map(AtomicUsize::new);
        Arc::new(Self { inbox: Inbox::new(), sections, posted, is_gone: AtomicBool::new(false) })
    }

    fn posted(&self) -> Bits {
        Bits::at(NonNull::from(&self.posted).cast(), 1)
    }

    /// Frees a block from elsewhere. Whether nobody has.
    fn post(&self, (word, bit): (usize, usize)) -> bool {
        assert!(!self.is_gone.load(SeqCst));
        // SAFETY: there is a word for each entry.
        let before = unsafe { self.posted().set(word * WORD_GRANULES + bit) };
        if before >> bit & 1 != 0 {
            return false;
        }
        if before == 0 {
            assert!(!self.is_gone.load(SeqCst));
            let section = &self.sections[ENTRIES[word] / Section::ENTRIES];
            // SAFETY: the section has the entry.
            if unsafe { section.note(ENTRIES[word]) } {
                assert!(!self.is_gone.load(SeqCst));
                // SAFETY: the section has to go there.
                unsafe { self.inbox.push(section) };
            }
        }
        true
    }

    /// Takes in the blocks of one entry, if some have come back.
    fn take_in_entry(&self, arrivals: &mut Arrivals, seen: &mut Vec<(usize, usize)>) -> bool {
        // SAFETY: the heap is the caller's.
        let Some((_, entry)) = (unsafe { arrivals.next(&self.inbox) }) else { return false };
        let word = ENTRIES.iter().position(|&known| known == entry).expect("blocks were posted there");
        // SAFETY: there is a word for each entry.
        let mut posted = unsafe { self.posted().word_now(word) };
        while posted != 0 {
            seen.extend((0..WORD_GRANULES).filter(|bit| posted >> bit & 1 != 0).map(|bit| (word, bit)));
            // SAFETY: as above.
            posted = unsafe { self.posted().clear(word, posted) };
        }
        true
    }

    fn take_in(&self, arrivals: &mut Arrivals, seen: &mut Vec<(usize, usize)>) {
        while self.take_in_entry(arrivals, seen) {}
    }
}

/// Two threads free blocks while their owner takes them in; once it has all, it gives the span back.
fn arrives_once(frees: [&'static [(usize, usize)]; 2]) {
    loom::model(move || {
        let span = Span::new();
        let threads = frees.map(|mine| {
            let span = Arc::clone(&span);
            thread::spawn(move || assert!(mine.iter().all(|&block| span.post(block))))
        });
        let (mut arrivals, mut seen) = (Arrivals::new(), Vec::new());
        let mut all = frees.concat();
        for _ in 0..2 {
            span.take_in(&mut arrivals, &mut seen);
            if seen.len() == all.len() {
                span.is_gone.store(true, SeqCst);
            }
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        span.take_in(&mut arrivals, &mut seen);
        seen.sort_unstable();
        all.sort_unstable();
        assert_eq!(seen, all);
        assert!(span.inbox.is_empty() && arrivals.is_empty());
    });
}

#[test]
fn blocks_of_one_entry_arrive_once() {
    arrives_once([&[(0, 1)], &[(0, 2)]]);
}

#[test]
fn blocks_of_two_entries_arrive_once() {
    arrives_once([&[(0, 1)], &[(1, 1)]]);
}

#[test]
fn blocks_of_two_words_of_entries_arrive_once() {
    arrives_once([&[(0, 1)], &[(2, 1)]]);
}

#[test]
fn blocks_of_two_sections_arrive_once() {
    arrives_once([&[(0, 1)], &[(3, 1)]]);
}

#[test]
fn blocks_of_two_sections_arrive_once_though_one_comes_again() {
    arrives_once([&[(3, 1)], &[(0, 1), (0, 2)]]);
}

#[test]
fn several_blocks_arrive_once() {
    arrives_once([&[(0, 1), (1, 5)], &[(0, 2)]]);
}

#[test]
fn of_two_remote_frees_one_is_let() {
    loom::model(|| {
        let span = Span::new();
        let threads = [(); 2].map(|()| {
            let span = Arc::clone(&span);
            thread::spawn(move || span.post((0, 5)))
        });
        let let_through = threads.map(|thread| thread.join().unwrap());
        assert!(let_through[0] != let_through[1]);
        let mut seen = Vec::new();
        span.take_in(&mut Arrivals::new(), &mut seen);
        assert_eq!(seen, [(0, 5)]);
    });
}

/// A block comes back and is handed out again, while others of the same word are on their way.
#[test]
fn a_block_can_be_freed_again_once_it_is_handed_out_again() {
    loom::model(|| {
        let span = Span::new();
        assert!(span.post((0, 0)));
        let other = {
            let span = Arc::clone(&span);
            thread::spawn(move || assert!(span.post((0, 1))))
        };
        let (mut arrivals, mut seen) = (Arrivals::new(), Vec::new());
        span.take_in(&mut arrivals, &mut seen);
        assert!(seen.contains(&(0, 0)));
        let again = {
            let span = Arc::clone(&span);
            thread::spawn(move || assert!(span.post((0, 0))))
        };
        again.join().unwrap();
        other.join().unwrap();
        span.take_in(&mut arrivals, &mut seen);
        seen.sort_unstable();
        assert_eq!(seen, [(0, 0), (0, 0), (0, 1)]);
    });
}

/// A thread ends and another takes its heap over, while a third frees.
#[test]
fn a_heap_is_handed_over_while_others_free() {
    loom::model(|| {
        let span = Span::new();
        let heap = Arc::new(Mutex::new((Arrivals::new(), Vec::new())));
        // Some of what has come is left for the next owner.
        let own = |span: &Span, heap: &Mutex<(Arrivals, Vec<_>)>| {
            let (arrivals, seen) = &mut *heap.lock().unwrap();
            span.take_in_entry(arrivals, seen)
        };
        assert!(span.post((0, 0)));
        let poster = {
            let span = Arc::clone(&span);
            thread::spawn(move || assert!(span.post((1, 1)) && span.post((0, 1))))
        };
        let next_owner = {
            let (span, heap) = (Arc::clone(&span), Arc::clone(&heap));
            thread::spawn(move || own(&span, &heap))
        };
        own(&span, &heap);
        poster.join().unwrap();
        next_owner.join().unwrap();
        while own(&span, &heap) {}
        let mut seen = core::mem::take(&mut heap.lock().unwrap().1);
        seen.sort_unstable();
        assert_eq!(seen, [(0, 0), (0, 1), (1, 1)]);
    });
}

/// A block that was freed elsewhere is taken in while another thread frees it once more: that one sees it as posted, or not
/// live any more; or its heap is told.
#[test]
fn a_second_free_is_told_while_the_first_is_taken_in() {
    loom::model(|| {
        let words = Arc::new([AtomicUsize::new(0), AtomicUsize::new(1)]);
        let bits = |words: &[AtomicUsize; 2], word: usize| Bits::at(NonNull::from(&words[word]).cast(), 1);
        let [posted, live] = [0, 1];
        // SAFETY: there are words.
        unsafe {
            bits(&words, posted).set(0);
            let second = {
                let words = Arc::clone(&words);
                thread::spawn(move || bits(&words, live).is_set(0) && bits(&words, posted).set(0) == 0)
            };
            // Taken in, it waits.
            bits(&words, live).flip(0);
            let left = bits(&words, posted).clear(0, 1);
            assert_eq!((left, second.join().unwrap()), (0, bits(&words, posted).is_set(0)));
        }
    });
}

/// What a look at a block tells while it is taken in: no freed block ever seems to be in use.
#[test]
fn no_block_that_was_freed_seems_to_be_in_use() {
    loom::model(|| {
        let words = Arc::new([AtomicUsize::new(1), AtomicUsize::new(1)]);
        let bits = |words: &[AtomicUsize; 2], word: usize| Bits::at(NonNull::from(&words[word]).cast(), 1);
        let [posted, live] = [0, 1];
        // SAFETY: there are words.
        unsafe {
            let other = {
                let words = Arc::clone(&words);
                thread::spawn(move || !bits(&words, posted).is_set_now(0) && bits(&words, live).is_set_now(0))
            };
            bits(&words, live).flip(0);
            bits(&words, posted).clear(0, 1);
            assert!(!other.join().unwrap());
        }
    });
}
