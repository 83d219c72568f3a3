//! The chunks of a heap at one moment.

use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;

use memalloc_core::inspect::ChunkView;
use memalloc_core::{Heap, PageSource};

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
    /// The chunks of `heap`, or `None` if there is no memory for them.
    pub(crate) fn take<S: PageSource>(heap: &Heap<S>) -> Option<Self> {
        let mut snapshot = Self::with_capacity(most_chunks(heap))?;
        for chunk in heap.chunks() {
            snapshot.push(chunk.into());
        }
        Some(snapshot)
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
fn most_chunks<S: PageSource>(heap: &Heap<S>) -> usize {
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

    #[test]
    fn it_has_every_chunk_in_order() {
        let mut heap = Heap::new(MmapSource::new());
        assert_eq!(Snapshot::take(&heap).unwrap().len(), 0);
        let layout = Layout::new::<[u8; 3000]>();
        let blocks: std::vec::Vec<_> = (0..3000).map(|_| heap.allocate(layout).unwrap()).collect();
        for &block in blocks.iter().step_by(2) {
            // SAFETY: the block is unused.
            unsafe { heap.deallocate(block).unwrap() };
        }
        let snapshot = Snapshot::take(&heap).unwrap();
        assert_eq!(snapshot.len(), heap.chunks().count());
        assert!(snapshot.is_sorted_by_key(|chunk| chunk.address));
        let used = snapshot.iter().filter(|chunk| chunk.in_use);
        assert_eq!(used.clone().map(|chunk| chunk.size).sum::<usize>(), heap.totals().used());
        assert!(used.map(|chunk| chunk.address).all(|address| blocks.contains(&address)));
        let free = snapshot.iter().filter(|chunk| !chunk.in_use);
        assert_eq!(free.map(|chunk| chunk.size).sum::<usize>(), heap.totals().free());
    }
}
