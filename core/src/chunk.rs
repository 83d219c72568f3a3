//! Floor 3: free chunks: what one keeps of itself, in itself.
//!
//! ```text
//!   two granules or more          word   one granule
//!   ┌───────────────────────┐            ┌───────────────────────┐
//!   │ next                  │      0     │ next                  │
//!   │ size + 1              │      1     │ back                  │
//!   │ back                  │      2     └───────────────────────┘
//!   │ …                     │
//!   │ footer: size + 1      │   the last
//!   └───────────────────────┘
//! ```
//!
//! `next` is the next free chunk of the same bin; `back` is the place that holds the link to this one, the `next` of
//! another chunk or the bin's head. So a chunk leaves its bin in O(1), whichever bin that is. The **footer**, the last
//! word, tells the neighbour above where this chunk starts. Sizes are in bytes, so that a size word is odd; `back` is
//! even. So the second word and the last tell one granule from more. (Boundary tags: Knuth, The Art of Computer
//! Programming, volume 1, section 2.5.)
//!
//! A chunk in use keeps nothing in itself: see [`map`](crate::map).

use core::ptr::NonNull;

use crate::granule::GRANULE;
use crate::raw::{WORD, after, before};

const NEXT: usize = 0;
const SIZE: usize = WORD;

/// Where a chunk of one granule keeps `back`.
pub(crate) const BACK_OF_ONE: usize = WORD;
/// Where a chunk of more keeps `back`.
pub(crate) const BACK_OF_MORE: usize = 2 * WORD;

/// Added to sizes as they are kept.
const IS_SIZE: usize = 1;

/// A place that holds a link: a bin's head, or the `next` of a free chunk.
pub type Slot = NonNull<Option<FreeChunk>>;

/// A free chunk, by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct FreeChunk(NonNull<u8>);

/// # Safety of its methods
/// All are unsafe for one reason: the chunk must be free, with its size written, and not written by others since, and
/// it must be in a bin. Where `BACK` is a parameter, it says whether the chunk, and with it all of its bin, is of one
/// granule or of more.
impl FreeChunk {
    /// The free chunk at an address.
    ///
    /// # Safety
    /// One is there, or the granules are valid memory that nothing else uses, and it is about to be written.
    #[inline(always)]
    pub unsafe fn at(at: NonNull<u8>) -> Self {
        Self(at)
    }

    /// Its first byte.
    #[inline(always)]
    pub fn address(self) -> NonNull<u8> {
        self.0
    }

    /// Writes the size of a chunk of `bytes` bytes, two granules or more, at both ends.
    ///
    /// # Safety
    /// The chunk's memory is valid, and nothing else uses it.
    #[inline(always)]
    pub(crate) unsafe fn write_size(self, bytes: usize) {
        // SAFETY: two granules or more have the words.
        unsafe {
            after::<usize>(self.0, SIZE).write(bytes + IS_SIZE);
            before::<usize>(after(self.0, bytes), WORD).write(bytes + IS_SIZE);
        }
    }

    /// Its size in bytes, if it has more than one granule.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn size_of_more(self) -> Option<usize> {
        // SAFETY: a free chunk has the word.
        size_from(unsafe { after::<usize>(self.0, SIZE).read() })
    }

    /// The size in bytes of the free chunk that ends where `end` starts, if it has more than one granule.
    ///
    /// # Safety
    /// One does.
    #[inline(always)]
    pub(crate) unsafe fn size_of_more_below(end: NonNull<u8>) -> Option<usize> {
        // SAFETY: the word below `end` is the footer of a free chunk.
        size_from(unsafe { before::<usize>(end, WORD).read() })
    }

    /// Its size in bytes.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub unsafe fn size(self) -> usize {
        // SAFETY: as for the type.
        unsafe { self.size_of_more() }.unwrap_or(GRANULE)
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
    pub(crate) unsafe fn back(self) -> Slot {
        // SAFETY: a chunk in a bin has the link, where its size says.
        unsafe {
            let back = if self.size_of_more().is_some() { BACK_OF_MORE } else { BACK_OF_ONE };
            after::<Slot>(self.0, back).read()
        }
    }

    /// Makes `slot` the place that holds the link to it.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn set_back<const BACK: usize>(self, slot: Slot) {
        // SAFETY: the chunk has the word.
        unsafe { after::<Slot>(self.0, BACK).write(slot) }
    }

    /// Puts it at the head of the bin at `head`. Whether the bin was empty.
    ///
    /// # Safety
    /// As for the type, but that it is in no bin yet.
    #[inline(always)]
    pub(crate) unsafe fn link<const BACK: usize>(self, head: Slot) -> bool {
        // SAFETY: the chunk's and its neighbours' links are ours to write.
        unsafe {
            let next = head.read();
            self.slot().write(next);
            self.set_back::<BACK>(head);
            head.write(Some(self));
            if let Some(next) = next {
                next.set_back::<BACK>(self.slot());
            }
            next.is_none()
        }
    }

    /// Takes it out of its bin. The place that held the link to it, if that is at the end of the bin now.
    ///
    /// # Safety
    /// As for the type.
    #[inline(always)]
    pub(crate) unsafe fn unlink<const BACK: usize>(self) -> Option<Slot> {
        // SAFETY: a chunk in a bin has links, and so have its neighbours.
        unsafe {
            let (slot, next) = (after::<Slot>(self.0, BACK).read(), self.next());
            slot.write(next);
            match next {
                Some(next) => {
                    next.set_back::<BACK>(slot);
                    None
                }
                None => Some(slot),
            }
        }
    }

    /// Its footer: its size in bytes. For the full check and for pictures.
    ///
    /// # Safety
    /// As for the type; `bytes` bytes from its address on are valid memory.
    pub(crate) unsafe fn footer(self, bytes: usize) -> usize {
        // SAFETY: the word lies in the chunk.
        unsafe { Self::size_of_more_below(after(self.0, bytes)) }.unwrap_or(GRANULE)
    }
}

/// What a word says, if it is a size's.
#[inline(always)]
const fn size_from(word: usize) -> Option<usize> {
    if word & IS_SIZE != 0 { Some(word - IS_SIZE) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(16))]
    struct Memory([u8; 64 * GRANULE]);

    fn granule(memory: &mut Memory, g: usize) -> NonNull<u8> {
        NonNull::from(&mut memory.0).cast::<u8>().map_addr(|base| base.checked_add(g * GRANULE).unwrap())
    }

    /// Makes `size` granules a free chunk in the bin at `head`.
    unsafe fn put(at: NonNull<u8>, size: usize, head: Slot) -> FreeChunk {
        // SAFETY: the granules are the test's own.
        unsafe {
            let chunk = FreeChunk::at(at);
            if size == 1 {
                chunk.link::<BACK_OF_ONE>(head);
            } else {
                chunk.write_size(size * GRANULE);
                chunk.link::<BACK_OF_MORE>(head);
            }
            chunk
        }
    }

    #[test]
    fn a_chunk_knows_its_size_from_both_ends() {
        let mut memory = Memory([0xff; 64 * GRANULE]);
        let mut head = None;
        for size in 1..=32 {
            let (at, end) = (granule(&mut memory, 3), granule(&mut memory, 3 + size));
            // SAFETY: the granules are the test's own.
            unsafe {
                let chunk = put(at, size, NonNull::from(&mut head));
                let bytes = size * GRANULE;
                assert_eq!((chunk.address(), chunk.size(), chunk.footer(bytes)), (at, bytes, bytes));
                assert_eq!(FreeChunk::size_of_more_below(end), (size > 1).then_some(bytes));
            }
            head = None;
        }
    }

    #[test]
    fn a_chunk_writes_nothing_outside_itself() {
        for size in 1..=4 {
            let mut memory = Memory([0xa5; 64 * GRANULE]);
            let mut head = None;
            let at = granule(&mut memory, 2);
            // SAFETY: the granules are the test's own.
            unsafe { put(at, size, NonNull::from(&mut head)) };
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
                    let chunks = [0, 10, 20].map(|g| put(granule(&mut memory, g), size, slot));
                    let place = chunks[leaver].back();
                    let end = if size == 1 {
                        chunks[leaver].unlink::<BACK_OF_ONE>()
                    } else {
                        chunks[leaver].unlink::<BACK_OF_MORE>()
                    };
                    assert_eq!(end, (leaver == 0).then_some(place));
                    let mut expected = std::vec![chunks[2], chunks[1], chunks[0]];
                    expected.retain(|&chunk| chunk != chunks[leaver]);
                    let (mut seen, mut at) = (std::vec![], slot);
                    while let Some(chunk) = at.read() {
                        assert_eq!((chunk.back(), chunk.size()), (at, size * GRANULE));
                        seen.push(chunk);
                        at = chunk.slot();
                    }
                    assert_eq!(seen, expected);
                }
            }
        }
    }
}
