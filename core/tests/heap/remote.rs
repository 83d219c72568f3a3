//! Heaps of several threads that free one another's blocks.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Barrier, Mutex};
use std::thread;

use memalloc_core::remote::{Inbox, RemoteSpan};
use memalloc_core::{ArenaSource, FreeError, GRANULE, LocalHeap, PageSource};

const THREADS: usize = 4;
const ROUNDS: usize = if cfg!(debug_assertions) { 20_000 } else { 200_000 };

/// A block in use, whose it is, and where its span is.
struct Block {
    owner: usize,
    ptr: NonNull<u8>,
    layout: Layout,
    span: NonNull<u8>,
}

// SAFETY: a block is used by whoever has it.
unsafe impl Send for Block {}

impl Block {
    fn fill(&self) {
        // SAFETY: the block is in use, and ours.
        unsafe { self.ptr.write_bytes(self.mark(), self.layout.size()) };
    }

    fn check(&self) {
        // SAFETY: the block is in use, and ours.
        let bytes = unsafe { core::slice::from_raw_parts(self.ptr.as_ptr(), self.layout.size()) };
        assert!(bytes.iter().all(|&byte| byte == self.mark()));
    }

    fn mark(&self) -> u8 {
        (self.ptr.addr().get() >> 4) as u8 ^ self.layout.size() as u8
    }
}

/// A thread's heap.
struct Own {
    number: usize,
    heap: LocalHeap<'static, ArenaSource>,
    inboxes: &'static [Inbox],
    state: u64,
}

impl Own {
    fn new(number: usize, inboxes: &'static [Inbox]) -> Self {
        let arena = Box::leak(vec![MaybeUninit::uninit(); 3 << 20].into_boxed_slice());
        let on_bad_free = |error, _| panic!("{error}");
        // SAFETY: the inbox is the heap's alone.
        let heap = unsafe { LocalHeap::new(ArenaSource::new(arena), &inboxes[number], on_bad_free) };
        Self { number, heap, inboxes, state: number as u64 + 1 }
    }

    fn random(&mut self) -> usize {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize
    }

    fn allocate(&mut self) -> Option<Block> {
        let size =
            if self.random().is_multiple_of(50) { 1 + self.random() % 9000 } else { 1 + self.random() % 300 };
        let layout = Layout::from_size_align(size, 1 << (self.random() % 6)).unwrap();
        let ptr = self.heap.allocate(layout)?;
        let span = self.heap.source().block_of(ptr.addr().get()).unwrap();
        let block = Block { owner: self.number, ptr, layout, span };
        block.fill();
        Some(block)
    }

    fn free(&mut self, block: Block) {
        block.check();
        if block.owner == self.number {
            self.free_own(&block);
        } else {
            self.free_elsewhere(&block);
        }
    }

    fn free_own(&mut self, block: &Block) {
        // SAFETY: the block is given up; what is freed twice is to be refused.
        unsafe {
            let freed = if self.random().is_multiple_of(2) {
                self.heap.deallocate(block.ptr)
            } else {
                self.heap.deallocate_sized(block.ptr, block.layout)
            };
            assert_eq!(freed, Ok(()));
            assert_eq!(self.heap.deallocate(block.ptr), Err(FreeError::AlreadyFree));
        }
    }

    fn free_elsewhere(&mut self, block: &Block) {
        let bytes = block.layout.size().next_multiple_of(GRANULE) * (self.random() % 2);
        // SAFETY: the block keeps its heap's span there; it is given up.
        unsafe {
            let (span, inbox) = (RemoteSpan::at(block.span), &self.inboxes[block.owner]);
            let size = span.usable_size(block.ptr).unwrap();
            assert_eq!(size, block.layout.size().next_multiple_of(GRANULE));
            assert_eq!(self.heap.deallocate(block.ptr), Err(FreeError::NotOurs));
            assert_eq!(span.free(block.ptr, size + GRANULE, inbox), Err(FreeError::WrongSize));
            assert_eq!(span.free(block.ptr, bytes, inbox), Ok(()));
        }
    }
}

fn new_inboxes() -> &'static [Inbox] {
    Box::leak((0..THREADS).map(|_| Inbox::new()).collect::<Vec<_>>().into_boxed_slice())
}

#[test]
fn threads_free_one_another_s_blocks() {
    let inboxes = new_inboxes();
    let places: Vec<Mutex<Option<Block>>> = (0..256).map(|_| Mutex::new(None)).collect();
    let all_sent = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (places, all_sent) = (&places, &all_sent);
            scope.spawn(move || {
                let mut own = Own::new(number, inboxes);
                for round in 0..ROUNDS {
                    let new = own.allocate();
                    let place = own.random() % places.len();
                    let old = core::mem::replace(&mut *places[place].lock().unwrap(), new);
                    if let Some(block) = old {
                        own.free(block);
                    }
                    if round.is_multiple_of(ROUNDS / 20) {
                        assert_eq!(own.heap.check(), Ok(()));
                    }
                }
                all_sent.wait();
                for place in places.iter().skip(number).step_by(THREADS) {
                    if let Some(block) = place.lock().unwrap().take() {
                        own.free(block);
                    }
                }
                all_sent.wait();
                own.heap.take_in();
                assert_eq!((own.heap.totals().used(), own.heap.check()), (0, Ok(())));
            });
        }
    });
}

#[test]
fn what_is_written_to_after_it_was_freed_is_noticed() {
    // So long that it does not wait: what waits as a long block has nothing in it.
    let mut own = Own::new(0, new_inboxes());
    let layout = Layout::from_size_align(40_000, 8).unwrap();
    let [block, _kept] = [(); 2].map(|()| own.heap.allocate(layout).unwrap());
    // SAFETY: nobody uses the block; what is written to is the heap's, which is not used any more.
    unsafe {
        assert_eq!((own.heap.deallocate(block), own.heap.check()), (Ok(()), Ok(())));
        block.write_bytes(0xa5, 40_000);
    }
    assert!(own.heap.check().is_err());
}

/// Of several threads that free a block at the same moment, one is let.
#[test]
fn of_two_frees_at_once_one_is_let() {
    let inboxes = new_inboxes();
    let mut own = Own::new(0, inboxes);
    for round in 0..if cfg!(debug_assertions) { 300 } else { 3000 } {
        let block = own.allocate().unwrap();
        let start = Barrier::new(THREADS - 1);
        let freed = thread::scope(|scope| {
            let threads: Vec<_> = (1..THREADS)
                .map(|_| {
                    let (ptr, span, start) = (block.ptr.addr(), block.span.addr(), &start);
                    scope.spawn(move || {
                        let at =
                            |address| NonNull::new(core::ptr::with_exposed_provenance_mut(address)).unwrap();
                        start.wait();
                        // SAFETY: the block keeps its heap's span there, and is used no more.
                        unsafe { RemoteSpan::at(at(span.get())).free(at(ptr.get()), 0, &inboxes[0]) }.is_ok()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum::<usize>()
        });
        assert_eq!((freed, own.heap.take_in()), (1, 1), "round {round}");
    }
}

/// While its heap takes a block in, a second free is told, whenever it comes: to who frees, or, at the very same time, to the
/// heap.
#[test]
fn a_second_free_is_told_while_the_first_is_taken_in() {
    static INBOX: Inbox = Inbox::new();
    static BAD: AtomicUsize = AtomicUsize::new(0);
    // What may wait, and what is coalesced at once.
    for size in [48, 3000, 40_000] {
        let arena = Box::leak(vec![MaybeUninit::uninit(); 3 << 20].into_boxed_slice());
        let on_bad_free = |_, _| {
            BAD.fetch_add(1, Release);
        };
        // SAFETY: the heap before it is dropped.
        let mut heap = unsafe { LocalHeap::new(ArenaSource::new(arena), &INBOX, on_bad_free) };
        let layout = Layout::from_size_align(size, 1).unwrap();
        // So that the span stays.
        let _kept = heap.allocate(layout).unwrap();
        let [posted, taken_in, looked] = [(); 3].map(|()| AtomicUsize::new(0));
        let block = Mutex::new(None);
        BAD.store(0, Release);
        let twice = thread::scope(|scope| {
            let other = scope.spawn(|| {
                let mut twice = 0;
                for round in 1..=ROUNDS {
                    let Block { ptr, span, .. } = wait_for(|| block.lock().unwrap().take());
                    // SAFETY: the heap is there for as long as the test, and the block is used no more.
                    let free = || unsafe { RemoteSpan::at(span).free(ptr, 0, &INBOX) };
                    assert_eq!(free(), Ok(()));
                    posted.store(round, Release);
                    while taken_in.load(Acquire) < round {
                        match free() {
                            Ok(()) => twice += 1,
                            Err(error) => assert_eq!(error, FreeError::AlreadyFree),
                        }
                    }
                    looked.store(round, Release);
                }
                twice
            });
            for round in 1..=ROUNDS {
                let ptr = heap.allocate(layout).unwrap();
                let span = heap.source().block_of(ptr.addr().get()).unwrap();
                *block.lock().unwrap() = Some(Block { owner: 0, ptr, layout, span });
                wait_for(|| (posted.load(Acquire) == round).then_some(()));
                heap.take_in();
                match round % 64 {
                    0 => _ = heap.trim(),
                    32 => heap.tidy(),
                    _ => {}
                }
                taken_in.store(round, Release);
                wait_for(|| (looked.load(Acquire) == round).then_some(()));
                heap.take_in();
            }
            other.join().unwrap()
        });
        assert_eq!((twice, heap.check()), (BAD.load(Acquire), Ok(())), "frees of {size} bytes");
    }
}

fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(value) = ready() {
            return value;
        }
        thread::yield_now();
    }
}
