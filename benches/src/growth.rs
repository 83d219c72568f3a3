//! How much memory a heap asks for in the long run, where there is always more.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;

use memalloc_core::remote::Inbox;
use memalloc_core::{Heap, LocalHeap, Mode, PageSource};

use crate::churn::one_of_200_large;
use crate::random::Random;

/// A block of the source.
const BLOCK: Layout = match Layout::from_size_align(4 << 20, 4 << 20) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};
/// Blocks that are live at a time: 24 MB.
const LIVE: usize = 20_000;

/// A source that lends as many blocks as it is asked for.
struct Endless(Rc<Cell<usize>>);

// SAFETY: the blocks are the system allocator's, each lent until it is released.
unsafe impl PageSource for Endless {
    const ALIGN: usize = BLOCK.align();
    const ZEROED: bool = true;

    fn largest(&self) -> usize {
        BLOCK.size()
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        if min > BLOCK.size() {
            return None;
        }
        // SAFETY: the layout has a size.
        let block = NonNull::new(unsafe { alloc_zeroed(BLOCK) })?;
        self.0.set(self.0.get() + 1);
        Some(NonNull::slice_from_raw_parts(block, BLOCK.size()))
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        self.0.set(self.0.get() - 1);
        // SAFETY: the block was lent.
        unsafe { dealloc(block.as_ptr().cast(), BLOCK) };
    }

    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        NonNull::new(std::ptr::with_exposed_provenance_mut(address & !(BLOCK.align() - 1)))
    }
}

/// What is asked of a heap.
trait Blocks {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>>;
    /// # Safety
    /// The block was allocated for the layout, and is used no more.
    unsafe fn free(&mut self, block: NonNull<u8>, layout: Layout) -> bool;
}

impl<M: Mode> Blocks for Heap<Endless, M> {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate(layout)
    }

    unsafe fn free(&mut self, block: NonNull<u8>, layout: Layout) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.deallocate_sized(block, layout) }.is_ok()
    }
}

impl Blocks for LocalHeap<'_, Endless> {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate(layout)
    }

    unsafe fn free(&mut self, block: NonNull<u8>, layout: Layout) -> bool {
        // SAFETY: as the caller says.
        unsafe { self.deallocate_sized(block, layout) }.is_ok()
    }
}

/// Bytes that a heap in a mode holds after each of so many requests, each for another block in place of one at random.
pub fn in_mode<M: Mode + 'static, const N: usize>(requests: [usize; N]) -> [usize; N] {
    held(&mut |source| Box::new(Heap::<_, M>::with_mode(source)), requests)
}

/// [`in_mode`], of a thread's or a processor's own heap.
pub fn of_one_of_many<const N: usize>(requests: [usize; N]) -> [usize; N] {
    let inbox = Box::leak(Box::new(Inbox::new()));
    let mut make = |source| -> Box<dyn Blocks> {
        // SAFETY: the inbox is the heap's alone.
        Box::new(unsafe { LocalHeap::new(source, inbox, |error, _| panic!("{error}")) })
    };
    held(&mut make, requests)
}

fn held<const N: usize>(
    make: &mut dyn FnMut(Endless) -> Box<dyn Blocks>,
    requests: [usize; N],
) -> [usize; N] {
    let lent = Rc::new(Cell::new(0));
    let (mut heap, mut random, mut made) = (make(Endless(lent.clone())), Random(1), 0);
    let mut live = Vec::with_capacity(LIVE);
    requests.map(|count| {
        while made < count {
            let layout = one_of_200_large(&mut random);
            let block = heap.allocate(layout).expect("there is always more");
            if live.len() < LIVE {
                live.push((block, layout));
                continue;
            }
            let (old, old_layout) = std::mem::replace(&mut live[random.below(LIVE)], (block, layout));
            // SAFETY: the block was live, and is forgotten.
            assert!(unsafe { heap.free(old, old_layout) });
            made += 1;
        }
        lent.get() * BLOCK.size()
    })
}
