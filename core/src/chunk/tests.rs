use super::*;
use crate::ArenaSource;
use crate::granule::{OneWord, TwoWords, Within};
use crate::raw::after;

type Roomy = Within<ArenaSource, TwoWords>;

/// The base, with room for the end, a bin's head, and granules behind it.
#[repr(align(16))]
struct Memory([u8; Self::BYTES]);

impl Memory {
    const HEAD: usize = 32;
    const FIRST: usize = 48;
    const BYTES: usize = Self::FIRST + 64 * crate::GRANULE;

    fn filled(byte: u8) -> Self {
        let mut memory = Self([byte; Self::BYTES]);
        memory.0[..Self::FIRST].fill(0);
        memory
    }

    fn base(&mut self) -> NonNull<u8> {
        NonNull::from(&mut self.0).cast()
    }

    fn position<G: Granule>(&mut self, offset: usize) -> Position<G> {
        let base = self.base();
        // SAFETY: the tests ask about offsets in the memory.
        unsafe { Position::new(base, after(base, offset)) }
    }

    fn granule<G: Granule>(&mut self, g: usize) -> Position<G> {
        self.position(Self::FIRST + g * G::BYTES)
    }
}

/// Makes `size` granules a free chunk in the bin at `head`.
unsafe fn put<G: Granule>(
    base: NonNull<u8>,
    head: Position<G>,
    at: Position<G>,
    size: usize,
) -> FreeChunk<G> {
    // SAFETY: the granules are the test's own.
    unsafe {
        let chunk = FreeChunk::at(at);
        if FreeChunk::first_at(base, head).is_none() {
            head.set_link(base, Position::sentinel(base));
        }
        if size == 1 && !G::ROOMY {
            chunk.link::<false>(base, head);
        } else {
            chunk.write_size(base, size);
            chunk.link::<true>(base, head);
        }
        chunk
    }
}

#[test]
fn a_chunk_knows_its_size_from_both_ends() {
    knows_its_size::<TwoWords>();
    knows_its_size::<Roomy>();
    knows_its_size::<OneWord>();
}

fn knows_its_size<G: Granule>() {
    for size in 1..=32 {
        let mut memory = Memory::filled(0xff);
        let (base, head) = (memory.base(), memory.position(Memory::HEAD));
        let (at, end) = (memory.granule::<G>(3), memory.granule::<G>(3 + size));
        // SAFETY: the granules are the test's own.
        unsafe {
            let chunk = put::<G>(base, head, at, size);
            assert_eq!((chunk.position(), chunk.size(base), chunk.footer(base, size)), (at, size, size));
            let below = FreeChunk::<G>::size_of_more_below(base, end);
            assert_eq!(below, (size > 1 || G::ROOMY).then_some(size));
        }
    }
}

#[test]
fn a_chunk_writes_nothing_outside_itself() {
    writes_nothing_outside::<TwoWords>();
    writes_nothing_outside::<Roomy>();
    writes_nothing_outside::<OneWord>();
}

fn writes_nothing_outside<G: Granule>() {
    for size in 1..=4 {
        let mut memory = Memory::filled(0xa5);
        let (base, head, at) = (memory.base(), memory.position(Memory::HEAD), memory.granule::<G>(2));
        // SAFETY: the granules are the test's own.
        unsafe { put::<G>(base, head, at, size) };
        let (start, end) = (Memory::FIRST + 2 * G::BYTES, Memory::FIRST + (2 + size) * G::BYTES);
        assert!(memory.0[Memory::FIRST..start].iter().all(|&byte| byte == 0xa5));
        assert!(memory.0[end..].iter().all(|&byte| byte == 0xa5));
        // The way back from the end.
        let end = if size == 1 && !G::ROOMY { 1 } else { 2 } * G::CELL;
        assert!(memory.0[..end].iter().all(|&byte| byte == 0));
        assert!(memory.0[end + G::CELL..Memory::HEAD].iter().all(|&byte| byte == 0));
    }
}

#[test]
fn chunks_leave_a_list_from_anywhere() {
    leave_from_anywhere::<TwoWords>();
    leave_from_anywhere::<Roomy>();
    leave_from_anywhere::<OneWord>();
}

fn leave_from_anywhere<G: Granule>() {
    for size in [1, 2, 5] {
        for leaver in 0..3 {
            let mut memory = Memory::filled(0);
            let (base, head) = (memory.base(), memory.position(Memory::HEAD));
            // SAFETY: the granules are the test's own, and the head stands below them.
            unsafe {
                let chunks = [0, 10, 20].map(|g| put::<G>(base, head, memory.granule(g), size));
                let position = chunks[leaver].back(base).unwrap();
                let (slot, is_last) = if size == 1 && !G::ROOMY {
                    chunks[leaver].unlink::<false>(base)
                } else {
                    chunks[leaver].unlink::<true>(base)
                };
                assert_eq!((slot, is_last), (position, leaver == 0));
                let mut expected = std::vec![chunks[2], chunks[1], chunks[0]];
                expected.retain(|&chunk| chunk != chunks[leaver]);
                let (mut seen, mut at) = (std::vec![], head);
                while let Some(chunk) = FreeChunk::<G>::first_at(base, at) {
                    assert_eq!((chunk.back(base), chunk.size(base)), (Some(at), size));
                    seen.push(chunk);
                    at = chunk.position();
                }
                assert_eq!(seen, expected);
            }
        }
    }
}
