//! Heaps of all modes over the sources of the core.

use core::alloc::Layout;
use core::hint::black_box;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use memalloc_core::inspect::ChunkView;
use memalloc_core::{ArenaSource, BlocksSource, Compact, General, Heap, Local, Mode, PageSource, RealTime};

const ARENA: usize = 256 << 10;

static mut MEMORY: [MaybeUninit<u8>; ARENA] = [MaybeUninit::uninit(); ARENA];

/// An arena over all of the memory: heaps use it one after the other.
pub fn arena() -> ArenaSource {
    // SAFETY: there is one heap at a time, on one thread.
    unsafe { ArenaSource::from_raw((&raw mut MEMORY).cast(), black_box(ARENA)) }
}

fn blocks() -> BlocksSource<4> {
    let mut source = BlocksSource::default();
    let memory: *mut u8 = (&raw mut MEMORY).cast();
    for block in 0..black_box(5) {
        // SAFETY: the pieces do not overlap; the fifth is not taken.
        let _ = black_box(unsafe { source.add_raw(memory.wrapping_add(block * (ARENA / 5)), ARENA / 5) });
    }
    source
}

/// A layout that the compiler knows nothing of.
fn layout() -> Layout {
    black_box(Layout::from_size_align(black_box(100), black_box(16))).unwrap_or(Layout::new::<u8>())
}

pub fn use_all() {
    use_modes(arena);
    use_modes(blocks);
    use_heap(&mut Heap::<_, Compact>::with_mode(arena()));
}

fn use_modes<S: PageSource>(source: fn() -> S) {
    use_heap(&mut Heap::<S, General>::with_mode(source()));
    use_heap(&mut Heap::<S, RealTime>::with_mode(source()));
    use_heap(&mut Heap::<S, Local>::with_mode(source()));
}

fn use_heap<S: PageSource, M: Mode>(heap: &mut Heap<S, M>) {
    black_box(heap.reserve(layout()));
    for _ in 0..black_box(100) {
        let Some(block) = black_box(heap.allocate(layout())) else { continue };
        black_box(heap.usable_size(block).is_ok());
        // SAFETY: nobody uses the block.
        unsafe {
            let moved = black_box(heap.reallocate(block, layout(), black_box(300))).unwrap_or(block);
            let moved = black_box(heap.resize(moved, black_box(50))).ok().flatten().unwrap_or(moved);
            black_box(heap.deallocate(moved).is_ok());
        }
        if let Some(other) = heap.allocate(layout()) {
            // SAFETY: as above.
            black_box(unsafe { heap.deallocate_sized(other, layout()) }.is_ok());
        }
        bad_frees(heap, block);
    }
    heap.flush();
    black_box(heap.trim());
    look_at(heap);
}

fn bad_frees<S: PageSource, M: Mode>(heap: &mut Heap<S, M>, block: NonNull<u8>) {
    // SAFETY: no block that is used starts there.
    unsafe {
        black_box(heap.deallocate(black_box(block)).is_ok());
        black_box(heap.deallocate(black_box(NonNull::dangling())).is_ok());
        black_box(heap.deallocate_sized(black_box(block), layout()).is_ok());
    }
}

fn look_at<S: PageSource, M: Mode>(heap: &Heap<S, M>) {
    black_box(heap.check().is_ok());
    black_box(heap.totals());
    let each = |chunk: ChunkView| black_box(chunk.is_in_use());
    black_box(heap.chunks().filter(|&chunk| each(chunk)).count());
    black_box(heap.spans().count());
    black_box(heap.source().largest());
}
