//! Two heaps of two processors, each of which frees what the other has handed out, twice if it can.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::collections::BTreeMap;

use memalloc_core::remote::{Inbox, RemoteSpan};
use memalloc_core::{ArenaSource, FreeError, GRANULE, GranuleAt, LocalHeap, LongWait, PageSource};

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

/// A block: of which heap, how long, and whether somebody has freed it.
#[derive(Clone, Copy)]
struct Block {
    owner: usize,
    size: usize,
    /// Whether it was freed elsewhere.
    posted: bool,
}

struct Machine<'memory> {
    heaps: [LocalHeap<'memory, ArenaSource>; 2],
    inboxes: &'memory [Inbox; 2],
    blocks: BTreeMap<usize, Block>,
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
    let on_bad_free = |error, ptr| panic!("{ptr:?}: {error}");
    // SAFETY: each has an inbox of its own.
    let heaps = unsafe {
        [
            LocalHeap::new(arena(first), &inboxes[0], on_bad_free),
            LocalHeap::new(arena(second), &inboxes[1], on_bad_free),
        ]
    };
    let mut machine = Machine { heaps, inboxes: &inboxes, blocks: BTreeMap::new() };
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
            230..242 => {
                self.heaps[by].take_in();
            }
            242..250 => self.heaps[by].tidy(),
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
        if let Some(old) = self.blocks.insert(address, Block { owner, size, posted: false }) {
            assert!(old.posted, "it was handed out twice");
        }
        let above = self.blocks.range(address + 1..).next();
        let is_apart = |(&start, other): (&usize, &Block)| address + rounded(size) <= start || other.posted;
        assert!(above.is_none_or(is_apart), "blocks overlap");
        // SAFETY: the block was just handed out.
        unsafe { ptr.write_bytes(0xee, size) };
    }

    /// The owner makes a block longer or shorter, in one of the ways that there are.
    fn resize(&mut self, address: usize, how: usize, size: usize) {
        let block = self.blocks[&address];
        let (ptr, start) = (self.pointer(block.owner, address), self.start_of(block.owner, address));
        let at = GranuleAt { block: start, granule: (address - start.addr().get()) / GRANULE, ptr };
        let heap = &mut self.heaps[block.owner];
        let layout = Layout::from_size_align(block.size, 1).expect("a small layout");
        // SAFETY: the block is not used where it was any more, or the heap is to refuse.
        let (is_said, resized) = unsafe {
            match how >> 1 & 3 {
                0 => (true, heap.reallocate(ptr, layout, size).ok_or(FreeError::AlreadyFree).map(Some)),
                1 => (false, heap.resize(ptr, size)),
                2 => {
                    let is_said = how & 1 == 0;
                    let block = heap.live_block(at);
                    match block.and_then(|block| heap.resize_soon(block, is_said, size)) {
                        Some(now) => (is_said, Ok(Some(now))),
                        None => (false, heap.resize(ptr, size)),
                    }
                }
                _ => (true, heap.resize_in_place(ptr, size).map(|done| done.then_some(ptr))),
            }
        };
        match (block.posted, resized) {
            (false, Ok(Some(now))) => {
                let has = heap.usable_size(now).expect("it is in use");
                let most = if is_said { 0 } else { rounded(block.size) / 8 };
                assert!((0..=most).contains(&(has - rounded(size))), "{has} bytes for {size}");
                self.blocks.remove(&address);
                self.add(block.owner, now, if is_said { size } else { has });
            }
            // There was no room.
            (false, Ok(None)) => {}
            (false, Err(_)) => assert_eq!(how >> 1 & 3, 0, "the block is in use"),
            (true, resized) => assert_eq!(resized, Err(FreeError::AlreadyFree)),
        }
    }

    /// Somebody else frees what is no start, or asks how long it is.
    fn free_inside(&mut self, address: usize, a: usize) {
        let block = self.blocks[&address];
        let inside = 1 + a % (rounded(block.size) - 1);
        let (ptr, start) = (self.pointer(block.owner, address + inside), self.start_of(block.owner, address));
        // SAFETY: the owner's heap has a span there, and keeps it.
        let span = unsafe { RemoteSpan::at(start) };
        let is_freed = block.posted && inside.is_multiple_of(GRANULE);
        let error = if is_freed { FreeError::AlreadyFree } else { FreeError::NotAStart };
        // SAFETY: the heap is to refuse; the span's block holds both pointers.
        let (freed, no_size, size) = unsafe {
            let freed = span.free(ptr, 0, &self.inboxes[block.owner]);
            (freed, span.usable_size(ptr), span.usable_size(self.pointer(block.owner, address)))
        };
        assert_eq!((freed, no_size), (Err(error), Err(error)));
        let known = if block.posted { Err(FreeError::AlreadyFree) } else { Ok(rounded(block.size)) };
        assert_eq!(size, known);
    }

    fn free(&mut self, by: usize, address: usize, how: usize, a: usize) {
        let block = self.blocks[&address];
        let ptr = self.pointer(block.owner, address);
        let known = if how & 2 == 0 { 0 } else { rounded(block.size) };
        if by == block.owner {
            let freed = self.free_own(by, ptr, block, known, how >> 3 & 3);
            assert_eq!(freed, if block.posted { Err(FreeError::AlreadyFree) } else { Ok(()) });
            if !block.posted {
                self.blocks.remove(&address);
            }
            return;
        }
        let start = self.start_of(block.owner, address);
        let is_wrong = how & 28 == 28;
        let bytes = if is_wrong { rounded(block.size) + GRANULE * (1 + a % 3) } else { known };
        // SAFETY: the owner's heap has a span there, and keeps it; the block is given up, or the heap is to refuse.
        let freed = unsafe { RemoteSpan::at(start).free(ptr, bytes, &self.inboxes[block.owner]) };
        let expected = match (block.posted, is_wrong) {
            (true, _) => Err(FreeError::AlreadyFree),
            (false, true) => Err(FreeError::WrongSize),
            (false, false) => Ok(()),
        };
        assert_eq!(freed, expected);
        if freed.is_ok() {
            self.blocks.insert(address, Block { posted: true, ..block });
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
        let offset = ptr.addr().get() - start.addr().get();
        let way = if offset.is_multiple_of(GRANULE) { way } else { 0 };
        let at = GranuleAt { block: start, granule: offset / GRANULE, ptr };
        let heap = &mut self.heaps[by];
        // SAFETY: the block is given up, or the heap is to refuse; the source's block starts there.
        unsafe {
            let is_done = match way {
                0 => false,
                1 => return heap.deallocate_in(start, ptr, known),
                2 => heap.let_wait(at, size),
                _ => match heap.let_wait_long(at, size) {
                    LongWait::No => false,
                    LongWait::Yes => true,
                    LongWait::InPlaceOf(displaced, bytes) => {
                        heap.coalesce(displaced, bytes);
                        true
                    }
                    LongWait::MayNot(bytes) => {
                        assert_eq!(heap.usable_size(ptr), Ok(bytes));
                        heap.deallocate_known(at, bytes);
                        true
                    }
                },
            };
            if is_done {
                return Ok(());
            }
            if known == 0 { heap.deallocate(ptr) } else { heap.deallocate_sized(ptr, layout) }
        }
    }

    /// Blocks that were posted and are not in use any more are nobody's; what starts there now may be another that waits.
    fn forget_what_has_arrived(&mut self) {
        let heaps = &self.heaps;
        self.blocks.retain(|&address, block| {
            !block.posted || {
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
        for (&address, block) in self.blocks.iter().filter(|block| !block.1.posted) {
            let ptr = self.pointer(block.owner, address);
            assert_eq!(self.heaps[block.owner].usable_size(ptr), Ok(rounded(block.size)));
        }
    }

    /// All comes back.
    fn finish(&mut self) {
        for heap in &mut self.heaps {
            heap.take_in();
        }
        self.forget_what_has_arrived();
        for (address, block) in core::mem::take(&mut self.blocks) {
            let ptr = self.pointer(block.owner, address);
            // SAFETY: the block is given up; what waits is to be refused.
            let freed = unsafe { self.heaps[block.owner].deallocate(ptr) };
            let expected = if block.posted { Err(FreeError::AlreadyFree) } else { Ok(()) };
            assert_eq!(freed, expected);
        }
        for heap in &mut self.heaps {
            heap.trim();
            assert_eq!((heap.totals().used(), heap.totals().spans(), heap.check()), (0, 0, Ok(())));
        }
    }
}
