//! A shadow model of a heap: what is live, where, and with what bytes. Every operation runs on both; the heap is
//! checked in full after each. The fuzz targets run the same bodies.

pub mod operations;
pub mod source;
pub mod zeros;

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::BTreeMap;

use memalloc_core::bins::class::{covering, holding};
use memalloc_core::inspect::ChunkView;
use memalloc_core::{FreeError, Granule, Heap, Mode, PageSource};

/// A block that the heap handed out.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub ptr: NonNull<u8>,
    pub layout: Layout,
    /// Its bytes: whole granules.
    pub size: usize,
    seed: u8,
}

impl Block {
    fn fill(&self, from: usize) {
        for at in from..self.layout.size() {
            // SAFETY: the byte lies in a live block.
            unsafe { self.ptr.add(at).write(self.byte(at)) };
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.seed.wrapping_add((at as u8).wrapping_mul(31))
    }

    fn check_bytes(&self, up_to: usize) {
        for at in 0..up_to.min(self.layout.size()) {
            // SAFETY: the byte lies in a live block.
            let byte = unsafe { self.ptr.add(at).read() };
            assert_eq!(byte, self.byte(at), "byte {at} of {self:?}");
        }
    }
}

/// A heap and its shadow.
pub struct Model<S: PageSource, M: Mode> {
    pub heap: Heap<S, M>,
    live: BTreeMap<usize, Block>,
    order: Vec<usize>,
    used: usize,
    next_seed: u8,
}

impl<S: PageSource, M: Mode> Model<S, M> {
    /// Bytes in a granule of the heap.
    pub const GRANULE: usize = M::Granule::BYTES;

    /// The bytes of a block of `size` bytes.
    pub fn whole(size: usize) -> usize {
        size.div_ceil(Self::GRANULE).max(1) * Self::GRANULE
    }

    pub fn new(heap: Heap<S, M>) -> Self {
        Self { heap, live: BTreeMap::new(), order: Vec::new(), used: 0, next_seed: 1 }
    }

    /// The live block that `choice` picks.
    pub fn pick(&self, choice: usize) -> Option<Block> {
        let index = choice.checked_rem(self.order.len())?;
        Some(self.live[&self.order[index]])
    }

    /// The live block that starts at an address.
    pub fn live_at(&self, address: usize) -> Option<Block> {
        self.live.get(&address).copied()
    }

    pub fn allocate(&mut self, layout: Layout) -> Option<Block> {
        let Some(ptr) = self.heap.allocate(layout) else {
            assert!(!self.has_room(layout), "{layout:?} was refused");
            return None;
        };
        Some(self.add_filled(ptr, layout))
    }

    /// [`allocate`](Self::allocate), all zero.
    pub fn allocate_zeroed(&mut self, layout: Layout) -> Option<Block> {
        let Some(ptr) = self.heap.allocate_zeroed(layout) else {
            assert!(!self.has_room(layout), "{layout:?} was refused");
            return None;
        };
        // SAFETY: the block was just allocated, and is all written to.
        let bytes = unsafe { core::slice::from_raw_parts(ptr.as_ptr(), layout.size()) };
        assert!(bytes.iter().all(|&byte| byte == 0), "{ptr:?} for {layout:?} is not zero");
        Some(self.add_filled(ptr, layout))
    }

    fn add_filled(&mut self, ptr: NonNull<u8>, layout: Layout) -> Block {
        let block = self.add(ptr, layout);
        block.fill(0);
        block
    }

    /// Asks ahead: where the heap says yes, the allocation succeeds.
    pub fn reserve(&mut self, layout: Layout) {
        if self.heap.reserve(layout) {
            let block = self.allocate(layout).expect("it was reserved");
            self.deallocate(block, true);
        } else {
            assert!(!self.has_room(layout), "{layout:?} was not reserved");
        }
    }

    /// Whether the heap has a free chunk that it promises to find for `layout`, nothing waiting: one in a bin all of whose
    /// chunks hold it, or, in a heap with few free chunks, any that holds it as it lies.
    pub fn has_room(&self, layout: Layout) -> bool {
        let bytes = Self::whole(layout.size());
        let skipped = layout.align().saturating_sub(Self::GRANULE);
        let free: Vec<_> = self.heap.chunks().filter(|chunk| chunk.free.is_some()).collect();
        assert_eq!(self.heap.totals().waiting(), 0, "a request is refused only when nothing waits");
        let sure_bin = covering::<M::Granule>((bytes + skipped) / Self::GRANULE);
        let sure = free.iter().any(|chunk| holding::<M::Granule>(chunk.size / Self::GRANULE) >= sure_bin);
        let fits = free.iter().any(|chunk| {
            let start = chunk.address.addr().get();
            start.next_multiple_of(layout.align().max(Self::GRANULE)) - start + bytes <= chunk.size
        });
        sure || fits && free.len() <= 8
    }

    pub fn deallocate(&mut self, block: Block, sized: bool) {
        block.check_bytes(usize::MAX);
        // SAFETY: the model forgets the block.
        let freed = unsafe {
            if sized {
                self.heap.deallocate_sized(block.ptr, block.layout)
            } else {
                self.heap.deallocate(block.ptr)
            }
        };
        assert_eq!(freed, Ok(()), "{block:?}");
        self.remove(block);
    }

    pub fn reallocate(&mut self, block: Block, new_size: usize) {
        let Ok(new_layout) = Layout::from_size_align(new_size, block.layout.align()) else { return };
        let Some(ptr) = (
            // SAFETY: the model forgets the block where it was.
            unsafe { self.heap.reallocate(block.ptr, block.layout, new_size) }
        ) else {
            return block.check_bytes(usize::MAX);
        };
        self.remove(block);
        let kept = Block { ptr, layout: new_layout, size: Self::whole(new_size), seed: block.seed };
        kept.check_bytes(block.layout.size());
        let moved = self.add(ptr, new_layout);
        moved.fill(0);
    }

    /// Frees that must all be answered with an error, around a block: `offset` bytes into it, and of a wrong size.
    pub fn misuse(&mut self, block: Block, offset: usize, wrong_size: usize) {
        let inside = offset % block.size;
        // SAFETY: the pointer stays in the block.
        let interior = unsafe { block.ptr.add(inside) };
        if inside != 0 {
            self.expect(interior, FreeError::NotAStart);
        }
        let wrong = Layout::from_size_align(wrong_size, 1).unwrap();
        if Self::whole(wrong_size) != block.size {
            // SAFETY: the heap is to refuse.
            let answer = unsafe { self.heap.deallocate_sized(block.ptr, wrong) };
            assert_eq!(answer, Err(FreeError::WrongSize), "{block:?} as {wrong:?}");
            // SAFETY: as above.
            assert_eq!(unsafe { self.heap.reallocate(block.ptr, wrong, 1) }, None);
        }
    }

    /// A free of any address at all: right if the model has a block there, and otherwise an error.
    pub fn free_anything(&mut self, address: usize) {
        match (self.live_at(address), NonNull::new(core::ptr::without_provenance_mut(address))) {
            (Some(block), _) => self.deallocate(block, false),
            (None, Some(ptr)) => {
                // SAFETY: the heap is to refuse.
                let answer = unsafe { self.heap.deallocate(ptr) };
                let error = answer.expect_err("no block is live there");
                let within = self
                    .live
                    .range(..=address)
                    .next_back()
                    .is_some_and(|(&start, block)| address < start + block.size);
                match error {
                    FreeError::NotOurs => assert_eq!(self.heap.source().block_of(address), None),
                    FreeError::NotAStart => {
                        assert!(within || !address.is_multiple_of(Self::GRANULE) || !self.is_free(address))
                    }
                    FreeError::AlreadyFree => assert!(!within && self.is_free(address)),
                    FreeError::WrongSize => panic!("no size was given"),
                }
                assert_eq!(self.heap.usable_size(ptr), Err(error));
            }
            _ => {}
        }
    }

    /// Whether a free chunk holds the address.
    fn is_free(&self, address: usize) -> bool {
        self.heap.chunks().filter(|chunk| !chunk.is_in_use()).any(|chunk| {
            let start = chunk.address.addr().get();
            (start..start + chunk.size).contains(&address)
        })
    }

    fn expect(&mut self, ptr: NonNull<u8>, error: FreeError) {
        // SAFETY: the heap is to refuse.
        assert_eq!(unsafe { self.heap.deallocate(ptr) }, Err(error), "{ptr:?}");
    }

    /// Everything that must hold between operations.
    pub fn check(&self) {
        if let Err(fault) = self.heap.check() {
            panic!("{fault}");
        }
        let totals = self.heap.totals();
        assert_eq!((totals.used(), totals.used_chunks()), (self.used, self.live.len()));
        assert_eq!(totals.source(), totals.used() + totals.free() + totals.overhead());
        // The first span stays, and one that is kept against coming and going.
        let spans: Vec<_> = self
            .heap
            .spans()
            .map(|span| {
                let start = span.block.cast::<u8>().addr().get() + span.first * Self::GRANULE;
                (start, (span.end - span.first) * Self::GRANULE)
            })
            .collect();
        let whole = |chunk: &ChunkView| spans.contains(&(chunk.address.addr().get(), chunk.size));
        let free_spans = self.heap.chunks().filter(|chunk| chunk.free.is_some() && whole(chunk));
        assert!(free_spans.count() <= 2, "memory goes back");
        let mut live = self.live.values();
        for chunk in self.heap.chunks().filter(|chunk| chunk.is_in_use()) {
            let block = live.next().expect("no more chunks than blocks");
            assert_eq!((chunk.address, chunk.size), (block.ptr, block.size));
        }
        assert!(live.next().is_none());
    }

    /// Checks every byte, frees every block, and looks at what remains: nothing.
    pub fn finish(mut self) {
        while let Some(&address) = self.order.last() {
            self.deallocate(self.live[&address], self.order.len().is_multiple_of(2));
        }
        self.check();
        self.heap.trim();
        let totals = self.heap.totals();
        assert_eq!((totals.used(), totals.spans(), totals.source()), (0, 0, 0));
        self.check();
    }

    fn add(&mut self, ptr: NonNull<u8>, layout: Layout) -> Block {
        let block = Block { ptr, layout, size: Self::whole(layout.size()), seed: self.next_seed };
        self.next_seed = self.next_seed.wrapping_add(1);
        let address = ptr.addr().get();
        assert!(address.is_multiple_of(layout.align().max(Self::GRANULE)), "{block:?}");
        assert_eq!(self.heap.usable_size(ptr), Ok(block.size));
        let below = self.live.range(..=address).next_back().map(|(&start, block)| start + block.size);
        assert!(below.is_none_or(|end| end <= address), "{block:?} overlaps the block below");
        let above = self.live.range(address..).next().map(|(&start, _)| start);
        assert!(above.is_none_or(|start| address + block.size <= start), "{block:?} overlaps the one above");
        self.live.insert(address, block);
        self.order.push(address);
        self.used += block.size;
        block
    }

    fn remove(&mut self, block: Block) {
        let address = block.ptr.addr().get();
        self.live.remove(&address).expect("the block is live");
        let place = self.order.iter().rposition(|&there| there == address).expect("the block is live");
        self.order.swap_remove(place);
        self.used -= block.size;
    }
}
