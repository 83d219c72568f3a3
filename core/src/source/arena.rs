//! A source of one fixed block.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::PageSource;
use crate::granule::{GRANULE, Granule, TwoWords, Within};

/// The largest block that is lent: so far do the links of a heap in one block reach.
const MOST: usize = <Within<ArenaSource, TwoWords>>::REACH;

/// Lends one fixed piece of memory, whole, to one heap at a time. On 64 bits, what a piece has above 16 GiB lies idle;
/// [`BlocksSource`](super::BlocksSource) lends more.
///
/// ```
/// use core::alloc::Layout;
/// use core::mem::MaybeUninit;
/// use memalloc_core::{ArenaSource, Heap};
///
/// let arena = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
/// let mut heap = Heap::new(ArenaSource::new(arena));
/// assert!(heap.allocate(Layout::new::<[u8; 1000]>()).is_some());
/// assert!(heap.allocate(Layout::new::<[u8; 4000]>()).is_none());
/// ```
#[derive(Debug)]
pub struct ArenaSource {
    /// Where it starts; once it was lent, where what is lent starts.
    memory: *mut u8,
    size: usize,
    lent_granules: usize,
}

// SAFETY: the arena belongs to this source alone, whichever thread holds it.
unsafe impl Send for ArenaSource {}

impl ArenaSource {
    /// A source of `arena`. Of an arena that is not aligned to a granule, the ends lie idle.
    pub const fn new(arena: &'static mut [MaybeUninit<u8>]) -> Self {
        // SAFETY: an exclusive reference for ever is valid, unshared memory.
        unsafe { Self::from_raw(arena.as_mut_ptr().cast(), arena.len()) }
    }

    /// A source of the `size` bytes at `memory`; usable in a `static`'s initialiser.
    ///
    /// # Safety
    /// The bytes are valid for reads and writes for as long as the source or its heap lives, and nobody else
    /// touches them.
    pub const unsafe fn from_raw(memory: *mut u8, size: usize) -> Self {
        Self::one_of_many(memory, if size < MOST { size } else { MOST })
    }

    /// A source of the `size` bytes at `memory`, however many; what [`from_raw`](Self::from_raw) asks for is promised where
    /// it comes to be used.
    pub(super) const fn one_of_many(memory: *mut u8, size: usize) -> Self {
        Self { memory, size, lent_granules: 0 }
    }

    /// The whole granules inside the arena: how far in they start, and their bytes.
    fn usable(&self) -> (usize, usize) {
        let skip = self.memory.addr().wrapping_neg() % GRANULE;
        (skip, self.size.saturating_sub(skip) / GRANULE * GRANULE)
    }

    /// Where what is lent starts.
    ///
    /// # Safety
    /// Something is.
    #[inline(always)]
    unsafe fn lent(&self) -> NonNull<u8> {
        // SAFETY: as the caller says; nothing is lent at address 0.
        unsafe { NonNull::new_unchecked(self.memory) }
    }
}

// SAFETY: `new` and `from_raw` give the source sole use of the arena; it is lent only while `lent_granules` is 0, from a
// granule's multiple on, and `block_of` and `granule_at` compare with exactly what is lent.
unsafe impl PageSource for ArenaSource {
    const ALIGN: usize = GRANULE;
    const ONE_BLOCK: bool = true;

    fn largest(&self) -> usize {
        self.usable().1
    }

    unsafe fn request(&mut self, min: usize) -> Option<NonNull<[u8]>> {
        if !self.can_lend(min) {
            return None;
        }
        let (skip, size) = self.usable();
        let start = NonNull::new(self.memory.wrapping_add(skip))?;
        (self.memory, self.size, self.lent_granules) = (start.as_ptr(), size, size / GRANULE);
        Some(NonNull::slice_from_raw_parts(start, size))
    }

    #[inline]
    fn can_lend(&self, min: usize) -> bool {
        self.lent_granules == 0 && self.usable().1 >= min.max(1)
    }

    unsafe fn release(&mut self, _block: NonNull<[u8]>) {
        self.lent_granules = 0;
    }

    #[inline(always)]
    fn block_of(&self, address: usize) -> Option<NonNull<u8>> {
        let granule = address.wrapping_sub(self.memory.addr()) / GRANULE;
        // SAFETY: only where something is lent are granules below their number.
        (granule < self.lent_granules).then(|| unsafe { self.lent() })
    }

    #[inline(always)]
    fn granule_at<G: Granule>(&self, address: usize) -> Option<(NonNull<u8>, usize)> {
        // What is no granule's multiple comes out with high bits set, above any granule.
        let granule = address.wrapping_sub(self.memory.addr()).rotate_right(G::BYTES.ilog2());
        // SAFETY: as in `block_of`.
        (granule < self.lent_granules * (GRANULE / G::BYTES)).then(|| (unsafe { self.lent() }, granule))
    }

    #[inline(always)]
    unsafe fn block_of_own(&self, _address: usize) -> NonNull<u8> {
        // SAFETY: the caller says that what is lent holds the address.
        unsafe { self.lent() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::granule::OneWord;

    fn leak(size: usize) -> &'static mut [MaybeUninit<u8>] {
        std::boxed::Box::leak(std::vec![MaybeUninit::uninit(); size].into_boxed_slice())
    }

    fn request(source: &mut ArenaSource, min: usize) -> Option<NonNull<[u8]>> {
        // SAFETY: no heap is given the source.
        unsafe { source.request(min) }
    }

    #[test]
    fn lends_the_arena_once_until_it_comes_back() {
        let mut source = ArenaSource::new(leak(4096));
        let block = request(&mut source, 4000).unwrap();
        assert!(request(&mut source, 1).is_none());
        // SAFETY: the block was just requested and is unused.
        unsafe { source.release(block) };
        assert_eq!(request(&mut source, 1), Some(block));
    }

    #[test]
    fn refuses_more_than_it_has() {
        let mut source = ArenaSource::new(leak(4096));
        assert!(request(&mut source, 4097).is_none());
        assert!(request(&mut source, usize::MAX).is_none());
        assert!(request(&mut ArenaSource::new(leak(0)), 0).is_none());
        assert!(request(&mut ArenaSource::new(leak(7)), 0).is_none());
    }

    #[test]
    fn trims_both_ends_to_granules() {
        for skip in 0..GRANULE {
            let mut source = ArenaSource::new(&mut leak(1024)[skip..1000 - skip]);
            assert!(source.largest() > 1000 - 2 * skip - 2 * GRANULE);
            let block = request(&mut source, 0).unwrap();
            assert_eq!(block.cast::<u8>().addr().get() % GRANULE, 0);
            assert_eq!(block.len(), source.largest());
            assert_eq!(block.len() % GRANULE, 0);
        }
    }

    #[test]
    fn finds_exactly_the_addresses_it_lent() {
        let mut source = ArenaSource::new(leak(4096));
        let inside = source.memory.addr() + 64;
        assert_eq!((source.block_of(inside), source.granule_at::<TwoWords>(inside)), (None, None));
        let block = request(&mut source, 0).unwrap();
        let start = block.cast::<u8>();
        assert_eq!(source.block_of(start.addr().get()), Some(start));
        assert_eq!(source.block_of(start.addr().get() + block.len() - 1), Some(start));
        assert_eq!(source.block_of(start.addr().get() - 1), None);
        assert_eq!(source.block_of(start.addr().get() + block.len()), None);
        assert_eq!(source.block_of(0), None);
        assert_eq!(source.block_of(usize::MAX), None);
    }

    #[test]
    fn granules_start_at_their_multiples_alone() {
        start_at_their_multiples::<TwoWords>();
        start_at_their_multiples::<OneWord>();
    }

    fn start_at_their_multiples<G: Granule>() {
        let mut source = ArenaSource::new(leak(1024));
        let block = request(&mut source, 0).unwrap();
        let (start, base) = (block.cast::<u8>(), block.cast::<u8>().addr().get());
        for address in base - 100..base + block.len() + 100 {
            let inside = (base..base + block.len()).contains(&address);
            let starts = inside && (address - base).is_multiple_of(G::BYTES);
            let expected = starts.then(|| (start, (address - base) / G::BYTES));
            assert_eq!(source.granule_at::<G>(address), expected);
        }
    }
}
