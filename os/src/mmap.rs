//! A page source of anonymous mappings.

use core::fmt;
use core::ptr::NonNull;

use memalloc_core::PageSource;

use crate::mapping::{SLOT, give_back_pages, map_aligned, unmap};
use crate::table::{Owner, Table};

/// The most that one mapping can have: what the address space of a program has room for.
#[cfg(target_pointer_width = "64")]
const LARGEST: usize = 1 << 47;
#[cfg(target_pointer_width = "32")]
const LARGEST: usize = isize::MAX as usize / SLOT * SLOT;

/// The source itself, as the owner of all blocks in its table.
const OWNER: Owner = Owner::new(0).expect("there are owners");

/// Maps blocks of the system's memory: multiples of 4 MiB, at multiples of 4 MiB, each the smallest that holds the
/// request. A block that is released is unmapped. Nothing is reserved beyond the blocks, but for a table of 256 KiB for
/// each 256 GiB of address space that they lie in.
///
/// Dropped, it gives its table back; blocks that are still out stay mapped.
///
/// ```
/// use memalloc_core::PageSource;
/// use memalloc_os::MmapSource;
///
/// let mut source = MmapSource::new();
/// // SAFETY: no heap is given the source.
/// let block = unsafe { source.request(5_000_000) }.ok_or("no memory")?;
/// assert_eq!(block.len(), 8 << 20);
/// let start = block.cast::<u8>();
/// assert_eq!(source.block_of(start.addr().get() + 6_000_000), Some(start));
/// // SAFETY: the block is unused.
/// unsafe { source.release(block) };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MmapSource {
    table: Table,
    /// Where the next block should end: below the last one mapped, or where one has gone. Blocks side by side are one
    /// mapping to the kernel.
    next_end: usize,
}

impl MmapSource {
    /// A source that has mapped nothing yet.
    pub const fn new() -> Self {
        Self { table: Table::new(), next_end: 0 }
    }
}

impl Default for MmapSource {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MmapSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MmapSource").finish_non_exhaustive()
    }
}

// SAFETY: a block is a mapping of its own, readable and writable, at a multiple of `SLOT`; the table has exactly the
// blocks that are out, and none of them depends on where the source is.
unsafe impl PageSource for MmapSource {
    const ALIGN: usize = SLOT;
    const ZEROED: bool = true;

    fn largest(&self) -> usize {
        LARGEST
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        if min > LARGEST {
            return None;
        }
        let size = min.max(1).next_multiple_of(SLOT);
        let start = map_aligned(self.next_end.saturating_sub(size), size)?;
        if !self.table.insert(start, size, OWNER) {
            // SAFETY: the memory was just mapped, and is unused.
            unsafe { unmap(start, size) };
            return None;
        }
        self.next_end = start.addr().get();
        Some(NonNull::slice_from_raw_parts(start, size))
    }

    unsafe fn release(&mut self, block: NonNull<[u8]>) {
        let start = block.cast::<u8>();
        self.table.remove(start, block.len());
        self.next_end = start.addr().get() + block.len();
        // SAFETY: the caller hands back a whole block that is no longer used.
        unsafe { unmap(start, block.len()) };
    }

    unsafe fn discard(&mut self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: as the caller says.
        unsafe { give_back_pages(start, bytes) };
    }

    #[inline(always)]
    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        self.table.block_of(address).map(|(start, _)| start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::alloc::Layout;
    use memalloc_core::Heap;
    use std::vec::Vec;

    /// Whether the first page at `address` is mapped, by the kernel's word.
    fn is_mapped(address: usize) -> bool {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().any(|line| {
            let (start, rest) = line.split_once('-').unwrap();
            let end = rest.split_once(' ').unwrap().0;
            let number = |hex| usize::from_str_radix(hex, 16).unwrap();
            (number(start)..number(end)).contains(&address)
        })
    }

    fn start(block: NonNull<[u8]>) -> usize {
        block.cast::<u8>().addr().get()
    }

    fn request(source: &mut MmapSource, min: usize) -> Option<NonNull<[u8]>> {
        // SAFETY: no heap is given the source.
        unsafe { source.request(min) }
    }

    #[test]
    fn blocks_are_the_smallest_multiples_of_4_mib_that_hold_the_request() {
        let mut source = MmapSource::new();
        for (min, slots) in
            [(0, 1), (1, 1), (SLOT - 1, 1), (SLOT, 1), (SLOT + 1, 2), (5_000_000, 2), (9 * SLOT, 9)]
        {
            let block = request(&mut source, min).unwrap();
            assert_eq!((block.len(), start(block) % SLOT), (slots * SLOT, 0));
            // SAFETY: the block is unused.
            unsafe { source.release(block) };
        }
    }

    #[test]
    fn every_slot_of_a_block_leads_to_its_start() {
        let mut source = MmapSource::new();
        let blocks: Vec<_> =
            [7, 1, 3].iter().map(|slots| request(&mut source, slots * SLOT).unwrap()).collect();
        for &block in &blocks {
            for address in (start(block)..start(block) + block.len()).step_by(SLOT / 2 + 4096) {
                assert_eq!(source.block_of(address), Some(block.cast()));
            }
            assert_eq!(source.block_of(start(block) + block.len() - 1), Some(block.cast()));
        }
        for block in blocks {
            // SAFETY: the block is unused.
            unsafe { source.release(block) };
            assert_eq!(source.block_of(start(block)), None);
            assert_eq!(source.block_of(start(block) + block.len() - 1), None);
        }
    }

    #[test]
    fn blocks_are_zero_and_writable_to_their_ends() {
        let mut source = MmapSource::new();
        for _ in 0..2 {
            let block = request(&mut source, 2 * SLOT).unwrap();
            for offset in [0, SLOT, 2 * SLOT - 1] {
                // SAFETY: the block is ours.
                unsafe {
                    let byte = block.cast::<u8>().add(offset);
                    assert_eq!(byte.read(), 0);
                    byte.write(1);
                }
            }
            // SAFETY: the block is no longer used.
            unsafe { source.release(block) };
        }
    }

    #[test]
    fn a_released_block_is_unmapped() {
        // So large that no other test's mapping comes to lie at its end while this one looks.
        let mut source = MmapSource::new();
        let block = request(&mut source, 1 << 30).unwrap();
        let last = start(block) + block.len() - 4096;
        assert!(is_mapped(start(block)) && is_mapped(last));
        // SAFETY: the block is unused.
        unsafe { source.release(block) };
        assert!(!is_mapped(start(block) + (512 << 20)));
    }

    #[test]
    fn two_sources_do_not_claim_one_another_s_blocks() {
        let (mut one, mut other) = (MmapSource::new(), MmapSource::new());
        let (mine, theirs) = (request(&mut one, SLOT).unwrap(), request(&mut other, SLOT).unwrap());
        assert_eq!(one.block_of(start(theirs)), None);
        assert_eq!(other.block_of(start(mine)), None);
        // SAFETY: the blocks are unused.
        unsafe {
            one.release(mine);
            other.release(theirs);
        }
    }

    #[test]
    fn a_moved_source_knows_its_blocks() {
        let mut source = MmapSource::new();
        let block = request(&mut source, SLOT).unwrap();
        let mut moved = std::boxed::Box::new(source);
        assert_eq!(moved.block_of(start(block)), Some(block.cast()));
        // SAFETY: the block is unused.
        unsafe { moved.release(block) };
    }

    #[test]
    fn what_no_address_space_holds_is_refused_and_the_source_goes_on() {
        let mut source = MmapSource::new();
        for min in [usize::MAX, isize::MAX as usize, LARGEST + 1, LARGEST] {
            assert_eq!(request(&mut source, min), None);
        }
        let block = request(&mut source, 1).unwrap();
        // SAFETY: the block is unused.
        unsafe { source.release(block) };
    }

    #[test]
    fn a_heap_grows_over_mappings_and_gives_them_back() {
        let mut heap = Heap::new(MmapSource::new());
        let layout = Layout::new::<[u8; 1_000_000]>();
        let blocks: Vec<_> = (0..40).map(|_| heap.allocate(layout).unwrap()).collect();
        assert_eq!(heap.totals().source(), 10 * SLOT);
        for block in blocks {
            // SAFETY: the block is unused.
            unsafe { heap.deallocate_sized(block, layout).unwrap() };
        }
        assert_eq!(heap.check(), Ok(()));
        heap.trim();
        assert_eq!(heap.totals().source(), 0);
        assert!(heap.allocate(Layout::from_size_align(isize::MAX as usize - 4095, 4096).unwrap()).is_none());
        assert!(heap.allocate(layout).is_some());
    }
}
