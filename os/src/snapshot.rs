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
    /// No chunks.
    pub(crate) const fn new() -> Self {
        Self { memory: None, capacity: 0, count: 0 }
    }

    /// Adds the chunks of a heap. `None` when there is no memory for them.
    pub(crate) fn add_heap<S: PageSource, M: Mode>(&mut self, heap: &Heap<S, M>) -> Option<()> {
        heap.chunks().try_for_each(|chunk| self.add(chunk.into()))
    }

    /// Adds a chunk. `None` when there is no memory for it.
    pub(crate) fn add(&mut self, chunk: Chunk) -> Option<()> {
        if self.count == self.capacity {
            self.grow()?;
        }
        // SAFETY: the mapping has room for one more chunk.
        unsafe { self.memory?.add(self.count).write(chunk) };
        self.count += 1;
        Some(())
    }

    /// In address order.
    pub(crate) fn sorted(self) -> Self {
        if let Some(memory) = self.memory {
            // SAFETY: so many chunks are written, and the snapshot's alone.
            let chunks = unsafe { core::slice::from_raw_parts_mut(memory.as_ptr(), self.count) };
            chunks.sort_unstable_by_key(|chunk| chunk.address);
        }
        self
    }

    /// Moves to a mapping of twice the size.
    fn grow(&mut self) -> Option<()> {
        let capacity = (2 * self.capacity).max(1000);
        let memory = map(0, capacity.checked_mul(size_of::<Chunk>())?)?.cast::<Chunk>();
        if let Some(old) = self.memory {
            // SAFETY: both mappings have room for the chunks; the old one was made with this size, and is not used again.
            unsafe {
                memory.copy_from_nonoverlapping(old, self.count);
                unmap(old.cast(), self.capacity * size_of::<Chunk>());
            }
        }
        (self.memory, self.capacity) = (Some(memory), capacity);
        Some(())
    }
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
        let mut snapshot = Snapshot::new();
        snapshot.add_heap(heap).unwrap();
        snapshot.sorted()
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
