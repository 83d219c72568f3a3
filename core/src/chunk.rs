//! Floor 3: free chunks: what one keeps of itself, in itself.
//!
//! ```text
//!   two granules or more          word   one granule
//!   ┌───────────────────────┐            ┌───────────────────────┐
//!   │ next                  │      0     │ next                  │
//!   │ back                  │      1     │ back + 1              │  its footer too
//!   │ size, twice           │      2     └───────────────────────┘
//!   │ …                     │
//!   │ footer: size, twice   │   the last
//!   └───────────────────────┘
//! ```
//!
//! `next` is the next free chunk of the same bin; `back` is the place that holds the link to this one, the `next` of
//! another chunk or the bin's head. So a chunk leaves its bin in O(1), whichever bin that is. The **footer**, the last
//! word, tells the neighbour above where this chunk starts; it is odd only where it is `back + 1`, which says: one
//! granule. (Boundary tags: Knuth, The Art of Computer Programming, volume 1, section 2.5.)
//!
//! A chunk in use keeps nothing in itself: see [`map`](crate::map).

use core::ptr::NonNull;

use crate::granule::GRANULE;
use crate::raw::{WORD, after, before};

const NEXT: usize = 0;
const BACK: usize = WORD;
const SIZE: usize = 2 * WORD;

/// Added to `back` in a chunk of one granule.
const ONE_GRANULE: usize = 1;

/// A place that holds a link: a bin's head, or the `next` of a free chunk.
pub type Slot = NonNull<Option<FreeChunk>>;

/// A free chunk, by its address. It is written first and then linked into a bin, which tells one granule from more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct FreeChunk(NonNull<u8>);

/// # Safety of its methods
/// All are unsafe for one reason: the chunk must be free, written by [`FreeChunk::write`], and not written by others
/// since, and it must be in a bin.
impl FreeChunk {
    /// Makes the `size` granules at `at` a free chunk, in no bin yet.
    ///
    /// # Safety
    /// The granules are valid memory that nothing else uses; `size > 0`.
    #[inline(always)]
    pub unsafe fn write(at: NonNull<u8>, size: usize) -> Self {
        if size == 1 {
            // SAFETY: the granule has the word.
            unsafe { after::<usize>(at, BACK).write(ONE_GRANULE) };
        } else {
            // SAFETY: two granules or more have the words.
            unsafe {
                after::<usize>(at, SIZE).write(size << 1);
                before::<usize>(after(at, size * GRANULE), WORD).write(size << 1);
            }
        }
        Self(at)
    }

    /// The free chunk at an address.
    ///
    /// # Safety
    /// One is there.
    #[inline(always)]
    pub unsafe fn at(at: NonNull<u8>) -> Self {
        Self(at)
    }

    /// The free chunk that ends where `end` starts, found by its footer.
    ///
    /// # Safety
    /// One does.
    #[inline(always)]
    pub unsafe fn ending_at(end: NonNull<u8>) -> (Self, usize) {
        // SAFETY: the word below `end` is the footer of a free chunk, which says where it starts.
        unsafe {
            let size = Self::size_from(before::<usize>(end, WORD).read());
            (Self(before(end, size * GRANULE)), size)
        }
    }

    /// Its first byte.
    #[inline(always)]
    pub fn address(self) -> NonNull<u8> {
        self.0
    }

    /// Its size in granules.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn size(self) -> usize {
        // SAFETY: a chunk of one granule has no word for its size, and says so in `back`.
        unsafe {
            if after::<usize>(self.0, BACK).read() & ONE_GRANULE != 0 {
                1
            } else {
                after::<usize>(self.0, SIZE).read() >> 1
            }
        }
    }

    /// What a size word or a footer says.
    #[inline(always)]
    fn size_from(footer: usize) -> usize {
        if footer & ONE_GRANULE != 0 { 1 } else { footer >> 1 }
    }

    /// The next chunk of its bin.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn next(self) -> Option<FreeChunk> {
        // SAFETY: a chunk in a bin has the link.
        unsafe { self.slot().read() }
    }

    /// The place of its `next`.
    #[inline(always)]
    pub(crate) fn slot(self) -> Slot {
        // SAFETY: a chunk has at least two words.
        unsafe { after(self.0, NEXT) }
    }

    /// The place that holds the link to it.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn back(self) -> Slot {
        // SAFETY: a chunk in a bin has the link, which is not null, odd or not.
        unsafe {
            let back = after::<*mut Option<FreeChunk>>(self.0, BACK).read();
            NonNull::new_unchecked(back.map_addr(|address| address & !ONE_GRANULE))
        }
    }

    /// Puts it between `slot` and `next`, which `slot` held. `size` is its own, in granules.
    ///
    /// # Safety
    /// As for the type; the chunks that `slot` leads to are of one granule if and only if this one is.
    #[inline(always)]
    pub(crate) unsafe fn link(self, slot: Slot, next: Option<FreeChunk>, size: usize) {
        let tag = usize::from(size == 1);
        // SAFETY: the chunk's and its neighbours' links are ours to write.
        unsafe {
            self.slot().write(next);
            self.set_back(slot.as_ptr().map_addr(|address| address | tag));
            slot.write(Some(self));
            if let Some(next) = next {
                next.set_back(self.slot().as_ptr().map_addr(|address| address | tag));
            }
        }
    }

    /// Takes it out of its bin. What the place that held the link to it holds now, and the place.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn unlink(self) -> (Slot, Option<FreeChunk>) {
        // SAFETY: a chunk in a bin has links, and so have its neighbours. Chunks of a bin agree on the tag.
        unsafe {
            let tagged = after::<*mut Option<FreeChunk>>(self.0, BACK).read();
            let (slot, next) = (self.back(), self.next());
            slot.write(next);
            if let Some(next) = next {
                next.set_back(tagged);
            }
            (slot, next)
        }
    }

    #[inline(always)]
    unsafe fn set_back(self, back: *mut Option<FreeChunk>) {
        // SAFETY: the chunk has the word.
        unsafe { after::<*mut Option<FreeChunk>>(self.0, BACK).write(back) }
    }

    /// The words it keeps of itself: size and footer, in granules, as written. For the full check and for pictures.
    ///
    /// # Safety
    /// As for the type; `size` granules from its address on are valid memory.
    pub(crate) unsafe fn kept(self, size: usize) -> (usize, usize) {
        // SAFETY: the words lie in the chunk.
        unsafe {
            let footer = before::<usize>(after(self.0, size * GRANULE), WORD).read();
            (self.size(), Self::size_from(footer))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(16))]
    struct Memory([u8; 64 * GRANULE]);

    fn granule(memory: &mut Memory, g: usize) -> NonNull<u8> {
        NonNull::from(&mut memory.0).cast::<u8>().map_addr(|base| base.checked_add(g * GRANULE).unwrap())
    }

    #[test]
    fn a_chunk_knows_its_size_from_both_ends() {
        let mut memory = Memory([0xff; 64 * GRANULE]);
        let mut head = None;
        for size in 1..=32 {
            let at = granule(&mut memory, 3);
            let end = granule(&mut memory, 3 + size);
            // SAFETY: the granules are the test's own.
            unsafe {
                let chunk = FreeChunk::write(at, size);
                chunk.link(NonNull::from(&mut head), None, size);
                assert_eq!((chunk.address(), chunk.size(), chunk.kept(size)), (at, size, (size, size)));
                assert_eq!(FreeChunk::ending_at(end), (chunk, size));
            }
        }
    }

    #[test]
    fn a_chunk_writes_nothing_outside_itself() {
        for size in 1..=4 {
            let mut memory = Memory([0xa5; 64 * GRANULE]);
            let mut head = None;
            let at = granule(&mut memory, 2);
            // SAFETY: the granules are the test's own.
            unsafe {
                let chunk = FreeChunk::write(at, size);
                chunk.link(NonNull::from(&mut head), None, size);
            }
            assert!(memory.0[..2 * GRANULE].iter().all(|&byte| byte == 0xa5));
            assert!(memory.0[(2 + size) * GRANULE..].iter().all(|&byte| byte == 0xa5));
        }
    }

    #[test]
    fn chunks_leave_a_list_from_anywhere() {
        for size in [1, 2, 5] {
            for leaver in 0..3 {
                let mut memory = Memory([0; 64 * GRANULE]);
                let mut head = None;
                // SAFETY: the granules are the test's own, and the head outlives the list.
                unsafe {
                    let slot = NonNull::from(&mut head);
                    let chunks = [0, 10, 20].map(|g| FreeChunk::write(granule(&mut memory, g), size));
                    for chunk in chunks {
                        chunk.link(slot, slot.read(), size);
                    }
                    let mut expected = std::vec![chunks[2], chunks[1], chunks[0]];
                    let (place, next) = chunks[leaver].unlink();
                    expected.retain(|&chunk| chunk != chunks[leaver]);
                    assert_eq!(place.read(), next);
                    let (mut seen, mut at) = (std::vec![], slot);
                    while let Some(chunk) = at.read() {
                        assert_eq!((chunk.back(), chunk.size()), (at, size));
                        seen.push(chunk);
                        at = chunk.slot();
                    }
                    assert_eq!(seen, expected);
                }
            }
        }
    }
}
