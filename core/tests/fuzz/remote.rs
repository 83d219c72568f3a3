//! Two heaps of two processors, each of which frees what the other has handed out, twice if it can.

use core::alloc::Layout;
use core::cell::Cell;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::collections::BTreeMap;

use memalloc_core::remote::{Inbox, Outbox, RemoteSpan};
use memalloc_core::{ArenaSource, FreeError, GRANULE, LocalHeap, PageSource};

use super::model::operations::Choices;
use super::{Input, parts};

const ARENA: usize = 96 << 10;

/// The bytes of a block of `size` bytes.
fn rounded(size: usize) -> usize {
    size.div_ceil(GRANULE).max(1) * GRANULE
}

/// Mostly small.
fn size(how: usize, a: usize) -> usize {
    if how < 230 { a % 700 } else { a % (ARENA / 2) }
}

thread_local! {
    /// Blocks that came back with a wrong size.
    static WRONG: Cell<usize> = const { Cell::new(0) };
}

/// A block: of which heap, how long, and whether somebody has freed it.
#[derive(Clone, Copy)]
struct Block {
    owner: usize,
    size: usize,
    /// How it was freed elsewhere, if it was: by its right size, or not.
    posted: Option<bool>,
}

struct Machine<'memory> {
    heaps: [LocalHeap<'memory, ArenaSource>; 2],
    inboxes: &'memory [Inbox; 2],
    /// Of what each processor frees of the other's.
    outboxes: [Outbox; 2],
    blocks: BTreeMap<usize, Block>,
    /// Blocks with a wrong size that are on their way.
    wrong: usize,
}

/// Runs an input.
pub fn run(input: &[u8]) -> usize {
    let mut memory = [(); 2].map(|()| vec![MaybeUninit::<u8>::new(0xc5); ARENA]);
    let inboxes = [Inbox::new(), Inbox::new()];
    let [first, second] = &mut memory;
    // SAFETY: the memory is the heap's alone, and outlives it.
    let arena = |memory: &mut Vec<MaybeUninit<u8>>| unsafe {
        ArenaSource::from_raw(memory.as_mut_ptr().cast(), memory.len())
    };
    let on_bad_free = |error, _| {
        assert_eq!(error, FreeError::WrongSize);
        WRONG.set(WRONG.get() + 1);
    };
    WRONG.set(0);
    let heaps = [
        LocalHeap::new(arena(first), &inboxes[0], on_bad_free),
        LocalHeap::new(arena(second), &inboxes[1], on_bad_free),
    ];
    let outboxes = [Outbox::new(), Outbox::new()];
    let mut machine = Machine { heaps, inboxes: &inboxes, outboxes, blocks: BTreeMap::new(), wrong: 0 };
    let (mut input, mut count) = (Input(input), 0);
    while let Some(choice) = input.next() {
        machine.step(parts(choice));
        machine.check();
        count += 1;
    }
    machine.finish();
    count
}

impl Machine<'_> {
    fn step(&mut self, [kind, how, a, b]: [usize; 4]) {
        let by = how % 2;
        match kind {
            0..100 => self.allocate(by, size(how, a), how),
            100..230 => {
                let Some(index) = b.checked_rem(self.blocks.len()) else { return };
                let address = *self.blocks.keys().nth(index).expect("the index is below the length");
                match kind {
                    100..195 => self.free(by, address, how, a),
                    195..215 => self.resize(address, how, size(how, a)),
                    _ => self.free_inside(address, a),
                }
            }
            230..240 => self.outboxes[by].flush(),
            240..250 => {
                self.heaps[by].take_in();
            }
            _ => {
                self.heaps[by].trim();
            }
        }
        self.forget_what_has_arrived();
    }

    fn allocate(&mut self, by: usize, size: usize, how: usize) {
        let align = if how % 16 < 14 { 8 } else { 64 };
        let layout = Layout::from_size_align(size, align).expect("a small layout");
        let Some(ptr) = self.heaps[by].allocate(layout) else { return };
        assert!(ptr.addr().get().is_multiple_of(align.max(GRANULE)));
        self.add(by, ptr, size);
    }

    /// Notes a block that was just handed out.
    fn add(&mut self, owner: usize, ptr: NonNull<u8>, size: usize) {
        let address = ptr.addr().get();
        // What is handed out anew had come back.
        if let Some(old) = self.blocks.insert(address, Block { owner, size, posted: None }) {
            assert_eq!(old.posted, Some(true), "it was handed out twice");
        }
        let above = self.blocks.range(address + 1..).next();
        let is_apart =
            |(&start, other): (&usize, &Block)| address + rounded(size) <= start || other.posted.is_some();
        assert!(above.is_none_or(is_apart), "blocks overlap");
        // SAFETY: the block was just handed out.
        unsafe { ptr.write_bytes(0xee, size) };
    }

    /// The owner makes a block longer or shorter, in one of three ways.
    fn resize(&mut self, address: usize, how: usize, size: usize) {
        let block = self.blocks[&address];
        if block.posted == Some(false) {
            return;
        }
        let (ptr, heap) = (self.pointer(block.owner, address), &mut self.heaps[block.owner]);
        let layout = Layout::from_size_align(block.size, 1).expect("a small layout");
        // SAFETY: the block is not used where it was any more, or the heap is to refuse.
        let resized = unsafe {
            match how % 3 {
                0 => heap.reallocate(ptr, layout, size).ok_or(FreeError::AlreadyFree).map(Some),
                1 => heap.resize(ptr, size),
                _ => heap.resize_in_place(ptr, size).map(|done| done.then_some(ptr)),
            }
        };
        match (block.posted, resized) {
            (None, Ok(Some(now))) => {
                self.blocks.remove(&address);
                self.add(block.owner, now, size);
            }
            // There was no room.
            (None, Ok(None)) => {}
            (None, Err(_)) => assert_eq!(how % 3, 0, "the block is in use"),
            (Some(_), resized) => assert_eq!(resized, Err(FreeError::AlreadyFree)),
        }
    }

    /// Somebody else frees what is no start, or asks how long it is.
    fn free_inside(&mut self, address: usize, a: usize) {
        let block = self.blocks[&address];
        let inside = 1 + a % (rounded(block.size) - 1);
        let (ptr, start) = (self.pointer(block.owner, address + inside), self.start_of(block.owner, address));
        // SAFETY: the owner's heap has a span there, and keeps it.
        let span = unsafe { RemoteSpan::at(start) };
        let error = match block.posted {
            Some(false) => return,
            Some(true) if inside.is_multiple_of(GRANULE) => FreeError::AlreadyFree,
            _ => FreeError::NotAStart,
        };
        assert_eq!((span.mark(ptr), span.usable_size(ptr)), (Err(error), Err(error)));
        let size = span.usable_size(self.pointer(block.owner, address));
        let known =
            if block.posted.is_none() { Ok(rounded(block.size)) } else { Err(FreeError::AlreadyFree) };
        assert_eq!(size, known);
    }

    fn free(&mut self, by: usize, address: usize, how: usize, a: usize) {
        let block = self.blocks[&address];
        let ptr = self.pointer(block.owner, address);
        let known = if how & 2 == 0 { 0 } else { rounded(block.size) };
        if by == block.owner {
            let freed = self.free_own(by, ptr, block, known, how >> 3 & 3);
            // A wrong size is found out at any time, and the block then is in use again.
            if block.posted == Some(false) {
                self.settle(address, freed);
            } else if block.posted.is_some() {
                assert_eq!(freed, Err(FreeError::AlreadyFree));
            } else {
                assert_eq!(freed, Ok(()));
                self.blocks.remove(&address);
            }
            return;
        }
        let start = self.start_of(block.owner, address);
        // SAFETY: the owner's heap has a span there, and keeps it.
        let marked = unsafe { RemoteSpan::at(start) }.mark(ptr);
        match (block.posted, marked) {
            (None, Ok(_)) => {
                let wrong = how & 28 == 28;
                let bytes = if wrong { rounded(block.size) + GRANULE * (1 + a % 3) } else { known };
                self.wrong += usize::from(wrong);
                self.blocks.insert(address, Block { posted: Some(!wrong), ..block });
                // SAFETY: the block was just marked, and is of the inbox's heap.
                unsafe {
                    self.outboxes[by].put(
                        NonNull::from(&self.inboxes[block.owner]),
                        ptr,
                        bytes,
                        how & 64 != 0,
                    )
                };
            }
            (Some(false), Ok(_)) => {
                // It had come back and been refused; now it is freed with no size.
                self.blocks.insert(address, Block { posted: Some(true), ..block });
                // SAFETY: as above.
                unsafe { self.outboxes[by].put(NonNull::from(&self.inboxes[block.owner]), ptr, 0, true) };
            }
            (Some(_), Err(error)) => assert_eq!(error, FreeError::AlreadyFree),
            (posted, marked) => panic!("{posted:?} but {marked:?}"),
        }
    }

    /// The owner frees a block, by its size if it is known (not 0), in one of the ways that there are.
    fn free_own(
        &mut self,
        by: usize,
        ptr: NonNull<u8>,
        block: Block,
        known: usize,
        way: usize,
    ) -> Result<(), FreeError> {
        let start = self.start_of(by, ptr.addr().get());
        let layout = Layout::from_size_align(block.size, 1).expect("a small layout");
        let size = (known > 0).then_some(block.size);
        let heap = &mut self.heaps[by];
        // SAFETY: the block is given up, or the heap is to refuse; the source's block starts there.
        unsafe {
            let is_done = match way {
                0 => false,
                1 => return heap.deallocate_in(start, ptr, known),
                2 => heap.let_wait(start, ptr, size),
                _ => heap.free_over_edge(start, ptr, size),
            };
            if is_done {
                return Ok(());
            }
            if known == 0 { heap.deallocate(ptr) } else { heap.deallocate_sized(ptr, layout) }
        }
    }

    /// The owner freed a block that went away with a wrong size: it is refused as long as that is on its way.
    fn settle(&mut self, address: usize, freed: Result<(), FreeError>) {
        match freed {
            Ok(()) => {
                self.blocks.remove(&address);
            }
            Err(error) => assert_eq!(error, FreeError::AlreadyFree),
        }
    }

    /// Blocks that were posted and are not in use any more are nobody's; what starts there now may be another that waits.
    fn forget_what_has_arrived(&mut self) {
        let heaps = &self.heaps;
        self.blocks.retain(|&address, block| {
            block.posted != Some(true) || {
                let heap = heaps[block.owner].heap();
                heap.chunks().any(|chunk| {
                    let is_there = chunk.address.addr().get() == address && chunk.free.is_none();
                    is_there && chunk.size == rounded(block.size)
                })
            }
        });
    }

    /// The start of the arena that holds an address.
    fn start_of(&self, owner: usize, address: usize) -> NonNull<u8> {
        self.heaps[owner].source().block_of(address).expect("the arena holds it")
    }

    fn pointer(&self, owner: usize, address: usize) -> NonNull<u8> {
        let start = self.start_of(owner, address);
        // SAFETY: the address lies in the arena.
        unsafe { start.add(address - start.addr().get()) }
    }

    fn check(&self) {
        for (number, heap) in self.heaps.iter().enumerate() {
            if let Err(fault) = heap.check() {
                panic!("heap {number}: {fault}");
            }
            let in_use = heap.heap().chunks().filter(|chunk| chunk.is_in_use());
            for chunk in in_use {
                let block = self.blocks.get(&chunk.address.addr().get()).expect("a block is there");
                assert_eq!((block.owner, rounded(block.size)), (number, chunk.size));
            }
        }
        for (&address, block) in self.blocks.iter().filter(|block| block.1.posted.is_none()) {
            let ptr = self.pointer(block.owner, address);
            assert_eq!(self.heaps[block.owner].usable_size(ptr), Ok(rounded(block.size)));
        }
        assert!(WRONG.get() <= self.wrong);
    }

    /// All comes back.
    fn finish(&mut self) {
        self.outboxes.iter_mut().for_each(Outbox::flush);
        for heap in &mut self.heaps {
            heap.take_in();
        }
        assert_eq!(WRONG.get(), self.wrong, "each wrong size is told");
        self.forget_what_has_arrived();
        for (address, block) in core::mem::take(&mut self.blocks) {
            let ptr = self.pointer(block.owner, address);
            // SAFETY: the block is given up; what waits is to be refused.
            let freed = unsafe { self.heaps[block.owner].deallocate(ptr) };
            let expected = if block.posted == Some(true) { Err(FreeError::AlreadyFree) } else { Ok(()) };
            assert_eq!(freed, expected);
        }
        for heap in &mut self.heaps {
            heap.trim();
            assert_eq!((heap.totals().used(), heap.totals().spans(), heap.check()), (0, 0, Ok(())));
        }
    }
}
