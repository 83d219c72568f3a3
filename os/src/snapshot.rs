//! The chunks of a heap at one moment.

use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;

use memalloc_core::inspect::ChunkView;
use memalloc_core::{Heap, Mode, PageSource};

use crate::mapping::{map, unmap};

/// One chunk, as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Its first byte: what was handed out, if it is in use. It may be gone by now.
    pub address: NonNull<u8>,
    /// Its bytes.
    pub size: usize,
    /// Whether it was in use.
    pub in_use: bool,
}

impl From<ChunkView> for Chunk {
    fn from(chunk: ChunkView) -> Self {
        Self { address: chunk.address, size: chunk.size, in_use: chunk.is_in_use() }
    }
}

/// The chunks of a heap at one moment, in address order. They lie in a mapping of their own, so that whoever looks at
/// them may allocate and free.
pub struct Snapshot {
    memory: Option<NonNull<Chunk>>,
    capacity: usize,
    count: usize,
}

// SAFETY: the mapping is the snapshot's alone, and its chunks are no more than numbers.
unsafe impl Send for Snapshot {}
// SAFETY: shared, it is only read.
unsafe impl Sync for Snapshot {}

impl Snapshot {
    /// The chunks of `heaps`, and of `blocks`, which are in use, or `None` if there is no memory for them.
    pub(crate) fn take<'heap, S: PageSource + 'heap, M: Mode + 'heap, H, B>(
        heaps: impl Fn() -> H,
        blocks: impl Fn() -> B,
    ) -> Option<Self>
    where
        H: Iterator<Item = &'heap Heap<S, M>>,
        B: Iterator<Item = (NonNull<u8>, usize)>,
    {
        // Blocks may be freed and made by other threads between this and the other look.
        let most = heaps().map(most_chunks).sum::<usize>() + 2 * blocks().count();
        let mut snapshot = Self::with_capacity(most)?;
        heaps().flat_map(Heap::chunks).for_each(|chunk| snapshot.push(chunk.into()));
        blocks().for_each(|(address, size)| snapshot.push(Chunk { address, size, in_use: true }));
        snapshot.sort();
        Some(snapshot)
    }

    fn sort(&mut self) {
        if let Some(memory) = self.memory {
            // SAFETY: so many chunks are written, and the snapshot's alone.
            let chunks = unsafe { core::slice::from_raw_parts_mut(memory.as_ptr(), self.count) };
            chunks.sort_unstable_by_key(|chunk| chunk.address);
        }
    }

    fn with_capacity(capacity: usize) -> Option<Self> {
        if capacity == 0 {
            return Some(Self { memory: None, capacity, count: 0 });
        }
        let memory = map(0, capacity.checked_mul(size_of::<Chunk>())?)?;
        Some(Self { memory: Some(memory.cast()), capacity, count: 0 })
    }

    /// Adds a chunk, if there is room for it.
    fn push(&mut self, chunk: Chunk) {
        if let Some(memory) = self.memory
            && self.count < self.capacity
        {
            // SAFETY: the mapping has room for `capacity` chunks.
            unsafe { memory.add(self.count).write(chunk) };
            self.count += 1;
        }
    }
}

/// No two free chunks of a span touch, so that there is at most one to each chunk in use or waiting, and one more to each span.
fn most_chunks<S: PageSource, M: Mode>(heap: &Heap<S, M>) -> usize {
    let totals = heap.totals();
    2 * (totals.used_chunks() + totals.waiting_chunks()) + totals.spans()
}

impl Deref for Snapshot {
    type Target = [Chunk];

    fn deref(&self) -> &[Chunk] {
        // SAFETY: the first `count` chunks are written.
        self.memory.map_or(&[], |memory| unsafe { core::slice::from_raw_parts(memory.as_ptr(), self.count) })
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some(memory) = self.memory {
            // SAFETY: the mapping was made with this size.
            unsafe { unmap(memory.cast(), self.capacity * size_of::<Chunk>()) };
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MmapSource;
    use core::alloc::Layout;

    fn take(heap: &Heap<MmapSource>) -> Snapshot {
        Snapshot::take(|| core::iter::once(heap), core::iter::empty).unwrap()
    }

    #[test]
    fn it_has_every_chunk_in_order() {
        let mut heap = Heap::new(MmapSource::new());
        assert_eq!(take(&heap).len(), 0);
        let layout = Layout::new::<[u8; 3000]>();
        let blocks: std::vec::Vec<_> = (0..3000).map(|_| heap.allocate(layout).unwrap()).collect();
        for &block in blocks.iter().step_by(2) {
            // SAFETY: the block is unused.
            unsafe { heap.deallocate(block).unwrap() };
        }
        let snapshot = take(&heap);
        assert_eq!(snapshot.len(), heap.chunks().count());
        assert!(snapshot.is_sorted_by_key(|chunk| chunk.address));
        let used = snapshot.iter().filter(|chunk| chunk.in_use);
        assert_eq!(used.clone().map(|chunk| chunk.size).sum::<usize>(), heap.totals().used());
        assert!(used.map(|chunk| chunk.address).all(|address| blocks.contains(&address)));
        let free = snapshot.iter().filter(|chunk| !chunk.in_use);
        assert_eq!(free.map(|chunk| chunk.size).sum::<usize>(), heap.totals().free());
    }
}
