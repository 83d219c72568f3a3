//! Heaps as `Allocator`s of allocator-api2, and of `core` where the compiler has that.
#![cfg(feature = "allocator-api2")]
#![cfg_attr(unstable_allocator, feature(allocator_api))]

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use allocator_api2::alloc::Allocator;
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use memalloc_core::{ArenaSource, CellHeap, Compact, FreeError, General, Heap, Mode, PageSource, RealTime};

fn arena(size: usize) -> ArenaSource {
    ArenaSource::new(std::vec![MaybeUninit::uninit(); size].leak())
}

fn cell<M: Mode>(size: usize) -> CellHeap<ArenaSource, M> {
    CellHeap::with_bad_free(Heap::with_mode(arena(size)), |error, ptr| panic!("{error}: {ptr:?}"))
}

fn used<S: PageSource, M: Mode>(heap: &CellHeap<S, M>) -> usize {
    let heap = heap.heap().expect("nobody has it");
    assert_eq!(heap.check(), Ok(()));
    heap.totals().used()
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).expect("a small layout")
}

/// Fills all bytes but the first `kept`, which are to be as they were filled before.
fn fill(block: NonNull<[u8]>, kept: usize) {
    let bytes = block.cast::<u8>().as_ptr();
    for at in 0..block.len() {
        // SAFETY: the byte is the block's, and was written if it is among those kept.
        unsafe {
            assert!(at >= kept || bytes.add(at).read() == at as u8);
            bytes.add(at).write(at as u8);
        }
    }
}

/// From each size and alignment to each other, in an arena of `size` bytes.
fn grows_and_shrinks<M: Mode>(size: usize) {
    let heap = cell::<M>(size);
    let sizes = [0, 1, 16, 17, 100, 1000, 5000];
    let layouts = || sizes.into_iter().flat_map(|size| [1, 8, 64, 512].map(|align| layout(size, align)));
    // So that not all can grow where they are.
    let between = || heap.allocate(layout(24, 8)).expect("there is room");
    for (old, new) in layouts().flat_map(|old| layouts().map(move |new| (old, new))) {
        let (block, other) = (heap.allocate(old).expect("there is room"), between());
        fill(block, 0);
        // SAFETY: the block is had with the layout, and given up for the other.
        let block = unsafe {
            match new.size() >= old.size() {
                true => heap.grow(block.cast(), old, new),
                false => heap.shrink(block.cast(), old, new),
            }
        };
        let block = block.expect("there is room");
        assert_eq!((block.len(), block.cast::<u8>().addr().get() % new.align()), (new.size(), 0));
        fill(block, old.size().min(new.size()));
        // SAFETY: nobody uses the blocks.
        unsafe {
            heap.deallocate(block.cast(), new);
            heap.deallocate(other.cast(), layout(24, 8));
        }
        assert_eq!(used(&heap), 0);
    }
}

#[test]
fn blocks_grow_and_shrink_to_any_size_and_alignment() {
    grows_and_shrinks::<General>(1 << 20);
    grows_and_shrinks::<RealTime>(1 << 20);
    // On 32 bits, a compact heap takes 64 KiB at most.
    grows_and_shrinks::<Compact>(48 << 10);
}

#[test]
fn what_is_allocated_zeroed_is_zero_and_what_grows_so_keeps_its_bytes() {
    let heap = cell::<General>(64 << 10);
    let (old, new) = (layout(100, 8), layout(1000, 8));
    for round in 0..2 {
        let zeroed = heap.allocate_zeroed(new).expect("there is room");
        // SAFETY: all its bytes are written.
        assert!(unsafe { zeroed.as_ref() }.iter().all(|&byte| byte == 0));
        fill(zeroed, 0);
        // SAFETY: nobody uses the block.
        unsafe { heap.deallocate(zeroed.cast(), new) };
        let block = heap.allocate(old).expect("there is room");
        fill(block, 0);
        // SAFETY: the block is had with the layout, and given up for the other.
        let block = unsafe { heap.grow_zeroed(block.cast(), old, new) }.expect("there is room");
        // SAFETY: all its bytes are written.
        let bytes = unsafe { block.as_ref() };
        assert!(bytes.iter().enumerate().all(|(at, &byte)| byte == if at < 100 { at as u8 } else { 0 }));
        fill(block, 100);
        assert!(round == 0 || used(&heap) >= 2000);
    }
}

#[test]
fn a_refused_request_leaves_all_as_it_was() {
    let heap = cell::<RealTime>(16 << 10);
    let mut numbers = Vec::new_in(&heap);
    numbers.extend(0..1000_u64);
    let before = used(&heap);
    assert!(numbers.try_reserve(2000).is_err());
    // SAFETY: the block of the vector is had with this layout, and stays if there is no other.
    unsafe {
        let block = NonNull::from(numbers.as_slice()).cast();
        let old = layout(numbers.capacity() * 8, 8);
        assert!(heap.grow(block, old, layout(old.size(), 16 << 10)).is_err());
    }
    assert_eq!((used(&heap), numbers.iter().sum::<u64>()), (before, 999 * 500));
}

#[test]
fn bad_frees_are_counted_and_told() {
    let heap = CellHeap::with_bad_free(Heap::<_, General>::with_mode(arena(16 << 10)), |error, _| {
        assert!(matches!(error, FreeError::AlreadyFree | FreeError::WrongSize));
    });
    let block = heap.allocate(layout(100, 8)).expect("there is room");
    // SAFETY: the heap is to refuse all frees but the second.
    unsafe {
        heap.deallocate(block.cast(), layout(1000, 8));
        assert!(heap.grow(block.cast(), layout(1000, 8), layout(2000, 8)).is_err());
        assert!(heap.grow(block.cast(), layout(1000, 8), layout(2000, 512)).is_err());
        assert!(heap.grow(block.cast(), layout(100, 8), layout(32 << 10, 8)).is_err());
        assert_eq!(heap.bad_frees(), 3);
        heap.deallocate(block.cast(), layout(100, 8));
        heap.deallocate(block.cast(), layout(100, 8));
        assert!(heap.grow(block.cast(), layout(100, 8), layout(200, 8)).is_err());
        assert!(heap.shrink(block.cast(), layout(100, 8), layout(20, 8)).is_err());
        assert!(heap.grow(block.cast(), layout(100, 8), layout(200, 512)).is_err());
    }
    assert_eq!((heap.bad_frees(), used(&heap)), (7, 0));
}

#[test]
fn while_it_is_looked_at_requests_are_refused() {
    let heap = cell::<General>(16 << 10);
    let boxed = Box::new_in(7, &heap);
    let looked_at = heap.heap().expect("nobody has it");
    assert!(Box::try_new_in(8, &heap).is_err());
    assert_eq!(heap.trim(), 0);
    drop(boxed);
    assert_eq!(looked_at.totals().used_chunks(), 1);
    drop(looked_at);
    assert!(Box::try_new_in(8, &heap).is_ok());
}

#[test]
fn an_arena_of_which_nothing_is_in_use_goes_back() {
    let heap = cell::<General>(16 << 10);
    let boxed = Box::new_in(7, &heap);
    assert_eq!(heap.trim(), 0);
    drop(boxed);
    assert!(heap.trim() > 0);
    assert!(Box::try_new_in(8, &heap).is_ok());
}

/// Collections over several arenas at once, and one that owns its heap.
#[test]
fn collections_take_a_heap() {
    let (one, other) = (cell::<General>(256 << 10), cell::<Compact>(16 << 10));
    let mut squares = hashbrown::HashMap::with_hasher_in(State, &one);
    let mut roots = Vec::new_in(&other);
    for number in 0..1000_u32 {
        squares.insert(number, Box::new_in(number * number, &one));
        roots.push(number);
    }
    assert!(roots.iter().all(|root| *squares[root] == root * root));
    assert!(used(&one) > 16_000 && used(&other) >= 4000);
    drop((squares, roots));
    assert_eq!((used(&one), used(&other)), (0, 0));
    let mut owner = Vec::new_in(cell::<General>(64 << 10));
    owner.extend(0..1000);
    let moved = std::boxed::Box::new(owner);
    assert_eq!((moved.iter().sum::<i32>(), used(moved.allocator())), (499_500, 4000));
}

/// Hashes of small numbers.
#[derive(Clone, Copy)]
struct State;

impl core::hash::BuildHasher for State {
    type Hasher = Number;

    fn build_hasher(&self) -> Number {
        Number(0)
    }
}

struct Number(u64);

impl core::hash::Hasher for Number {
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0 << 8 | u64::from(byte));
    }
}

#[cfg(feature = "lock_api")]
#[test]
fn threads_share_a_locked_heap() {
    use memalloc_core::LockedHeap;
    let heap: LockedHeap<spin::Mutex<()>, _> = LockedHeap::new(Heap::new(arena(1 << 20)));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let heap = &heap;
            scope.spawn(move || {
                for round in 0..1000 {
                    let mut numbers = Vec::new_in(heap);
                    numbers.extend(0..round);
                    assert_eq!(*Box::new_in(thread, heap), thread);
                    assert_eq!(numbers.iter().sum::<i32>(), round * (round - 1) / 2);
                }
            });
        }
    });
    let locked = heap.lock();
    assert_eq!((locked.totals().used(), heap.bad_frees(), locked.check()), (0, 0, Ok(())));
}

#[cfg(unstable_allocator)]
#[test]
fn standard_collections_take_a_heap() {
    let heap = cell::<General>(256 << 10);
    let mut numbers = std::vec::Vec::new_in(&heap);
    let mut squares = std::collections::VecDeque::new_in(&heap);
    for number in 0..1000_u32 {
        numbers.push(number);
        squares.push_back(std::boxed::Box::new_in(number * number, &heap));
    }
    assert!(numbers.iter().all(|number| *squares[*number as usize] == number * number));
    assert!(used(&heap) > 16_000);
    drop((numbers, squares));
    assert_eq!(used(&heap), 0);
}
