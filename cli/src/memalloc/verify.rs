//! Verifying an allocator from outside: that blocks lie where they may, and keep what is written in them.
//!
//! Each block is filled with a pattern that depends on its id and size, and the pattern is looked for before the block
//! is reallocated or freed, and after a reallocation.

use std::collections::BTreeMap;
use std::fmt;
use std::ptr::NonNull;

use memalloc_core::GRANULE;

use super::replay::Block;
use super::subject::Subject;
use super::trace::{Kind, Operation};

/// Bytes of the pattern that are written and compared at once.
const WORD: usize = 8;

/// What is wrong with a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    id: u64,
    size: usize,
    address: usize,
    how: How,
}

#[derive(Debug, PartialEq, Eq)]
enum How {
    Misaligned,
    Outside,
    Overlaps(u64),
    Changed { offset: usize, written: u8, found: u8 },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the block of {}, {} bytes at {:#x}, ", self.id, self.size, self.address)?;
        match self.how {
            How::Misaligned => write!(f, "is not aligned to {GRANULE}"),
            How::Outside => f.write_str("is not inside the heap"),
            How::Overlaps(other) => write!(f, "overlaps the block of {other}"),
            How::Changed { offset, written, found } => {
                write!(f, "was changed: {found:#04x} instead of {written:#04x} at offset {offset}")
            }
        }
    }
}

/// Knows the blocks in use.
pub(crate) struct Verifier<'trace> {
    ids: &'trace [u64],
    /// Slot and end of the block at each address.
    live: BTreeMap<usize, (u32, usize)>,
}

impl<'trace> Verifier<'trace> {
    pub(crate) fn new(ids: &'trace [u64]) -> Self {
        Self { ids, live: BTreeMap::new() }
    }

    /// Looks at the block that an operation is about to change.
    pub(crate) fn before(&mut self, operation: Operation, block: Block) -> Result<(), Broken> {
        match (operation.kind, block.at) {
            (Kind::Free | Kind::Reallocate, Some(at)) => {
                self.live.remove(&at.addr().get());
                self.expect_pattern(operation.slot, at, block.size, block.size)
            }
            _ => Ok(()),
        }
    }

    /// Looks at the block that an operation has made, or left, and fills it.
    pub(crate) fn after(
        &mut self,
        operation: Operation,
        before: Block,
        now: Block,
        subject: &impl Subject,
    ) -> Result<(), Broken> {
        let Some(at) = now.at else { return Ok(()) };
        let slot = operation.slot;
        if operation.kind == Kind::FreeNull {
            return Ok(());
        }
        self.expect_place(slot, at, now.size, subject)?;
        let kept = before.at.map_or(0, |_| before.size.min(now.size));
        self.expect_pattern(slot, at, before.size, kept)?;
        for (index, offset) in (0..now.size).step_by(WORD).enumerate() {
            let word = self.pattern(slot, now.size, index);
            // SAFETY: the block is in use, lies in the heap and overlaps no other: its bytes are ours to write.
            unsafe { at.add(offset).copy_from(NonNull::from(&word).cast(), WORD.min(now.size - offset)) };
        }
        self.live.insert(at.addr().get(), (slot, end(at, now.size)));
        Ok(())
    }

    /// Looks at all blocks that are still in use.
    pub(crate) fn finish(&mut self, blocks: &[Block]) -> Result<(), Broken> {
        for (&address, &(slot, _)) in &self.live {
            let Block { at: Some(at), size } = blocks[slot as usize] else { continue };
            debug_assert_eq!(at.addr().get(), address, "a live block is where its id says");
            self.expect_pattern(slot, at, size, size)?;
        }
        Ok(())
    }

    fn expect_place(
        &self,
        slot: u32,
        at: NonNull<u8>,
        size: usize,
        subject: &impl Subject,
    ) -> Result<(), Broken> {
        let address = at.addr().get();
        if !address.is_multiple_of(GRANULE) {
            return Err(self.broken(slot, at, size, How::Misaligned));
        }
        if !subject.contains(address, size.max(1)) {
            return Err(self.broken(slot, at, size, How::Outside));
        }
        let below = self.live.range(..end(at, size)).next_back();
        match below {
            Some((_, &(other, its_end))) if its_end > address => {
                Err(self.broken(slot, at, size, How::Overlaps(self.ids[other as usize])))
            }
            _ => Ok(()),
        }
    }

    /// Expects the first `kept` bytes at `at` to be those of the pattern of a block of `size` bytes.
    fn expect_pattern(&self, slot: u32, at: NonNull<u8>, size: usize, kept: usize) -> Result<(), Broken> {
        for (index, offset) in (0..kept).step_by(WORD).enumerate() {
            let (written, mut found) = (self.pattern(slot, size, index), [0; WORD]);
            let bytes = WORD.min(kept - offset);
            // SAFETY: the block is in use and lies in the heap, as was seen when it was made; its bytes were written.
            unsafe { at.add(offset).copy_to(NonNull::from(&mut found).cast(), bytes) };
            if let Some(byte) = (0..bytes).find(|&byte| found[byte] != written[byte]) {
                let (offset, written, found) = (offset + byte, written[byte], found[byte]);
                return Err(self.broken(slot, at, size, How::Changed { offset, written, found }));
            }
        }
        Ok(())
    }

    /// The word that is written at an index of a block: it differs from those of other indices, ids and sizes.
    fn pattern(&self, slot: u32, size: usize, index: usize) -> [u8; WORD] {
        let word = (u64::from(slot) << 40) ^ ((size as u64) << 20) ^ (index as u64 + 1);
        let mixed = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 32).to_le_bytes()
    }

    fn broken(&self, slot: u32, at: NonNull<u8>, size: usize, how: How) -> Broken {
        Broken { id: self.ids[slot as usize], size, address: at.addr().get(), how }
    }
}

/// Where a block ends; one of 0 bytes takes an address all the same.
fn end(at: NonNull<u8>, size: usize) -> usize {
    at.addr().get() + size.max(1)
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;

    use memalloc_core::inspect::Fault;
    use memalloc_core::{ArenaSource, FreeError, Heap};

    use super::super::replay::{Care, measure};
    use super::super::trace::Trace;
    use super::*;

    /// How a `Breaker` breaks what it hands out.
    #[derive(Clone, Copy, PartialEq)]
    enum Fracture {
        None,
        Misaligned,
        Outside,
        InTheMap,
        SameTwice,
        ScribblesOnFree,
        LosesOnReallocate,
        RefusesFree,
    }

    /// A heap that fails its user in one way.
    struct Breaker {
        heap: Heap<ArenaSource>,
        fracture: Fracture,
        first: Option<NonNull<u8>>,
    }

    impl Breaker {
        fn new(fracture: Fracture) -> Self {
            let arena = Box::leak(vec![MaybeUninit::uninit(); 65536].into_boxed_slice());
            Self { heap: Heap::new(ArenaSource::new(arena)), fracture, first: None }
        }
    }

    impl Subject for Breaker {
        fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
            let block = Subject::allocate(&mut self.heap, size)?;
            let first = *self.first.get_or_insert(block);
            Some(match self.fracture {
                Fracture::Misaligned => block.map_addr(|address| address.saturating_add(8)),
                Fracture::Outside => NonNull::from(Box::leak(Box::new([0_u128; 64]))).cast(),
                Fracture::InTheMap => self.heap.spans().next()?.block.cast(),
                Fracture::SameTwice => first,
                _ => block,
            })
        }

        unsafe fn reallocate(&mut self, at: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
            // SAFETY: the caller promises what is asked for here; the block made is at least `new` bytes long.
            unsafe {
                let block = Subject::reallocate(&mut self.heap, at, old, new)?;
                if self.fracture == Fracture::LosesOnReallocate {
                    block.add(old.min(new) - 1).write_bytes(0, 1);
                }
                Some(block)
            }
        }

        unsafe fn deallocate(&mut self, at: NonNull<u8>) -> Result<(), FreeError> {
            match self.fracture {
                Fracture::ScribblesOnFree => {
                    // SAFETY: the first block has a byte, which the test means to spoil.
                    unsafe { self.first.expect("one was allocated").write_bytes(0, 1) };
                }
                Fracture::RefusesFree => return Err(FreeError::NotAStart),
                _ => {}
            }
            // SAFETY: the caller promises what is asked for here.
            unsafe { Subject::deallocate(&mut self.heap, at) }
        }

        fn contains(&self, start: usize, bytes: usize) -> bool {
            Subject::contains(&self.heap, start, bytes)
        }

        fn check(&self) -> Result<(), Fault> {
            Subject::check(&self.heap)
        }

        fn held(&self) -> usize {
            self.heap.held()
        }

        fn lowest(&self) -> usize {
            self.heap.lowest()
        }
    }

    fn replay(fracture: Fracture) -> Result<(), String> {
        let text = "0\n10\n6\n1\na 7 100\na 8 50\nf 8\nr 7 300\na 9 40\nf 7\n";
        let trace = Trace::parse("t", text.as_bytes()).unwrap();
        let care = Care { verify: true, check: None };
        measure(&trace, &mut Breaker::new(fracture), care).map(|_| ()).map_err(|error| error.to_string())
    }

    /// The error without the address, which is another each time.
    fn error(fracture: Fracture) -> String {
        let error = replay(fracture).expect_err("the allocator is broken");
        let (before, after) = error.split_once("0x").expect("an address");
        format!("{before}{}", after.trim_start_matches(|char: char| char.is_ascii_hexdigit()))
    }

    #[test]
    fn an_allocator_that_works_passes() {
        assert_eq!(replay(Fracture::None), Ok(()));
    }

    #[test]
    fn a_block_in_the_wrong_place_is_named() {
        assert_eq!(error(Fracture::Misaligned), "t:5: the block of 7, 100 bytes at , is not aligned to 16");
        assert_eq!(error(Fracture::Outside), "t:5: the block of 7, 100 bytes at , is not inside the heap");
        assert_eq!(error(Fracture::InTheMap), "t:5: the block of 7, 100 bytes at , is not inside the heap");
        assert_eq!(error(Fracture::SameTwice), "t:6: the block of 8, 50 bytes at , overlaps the block of 7");
    }

    #[test]
    fn a_block_that_was_changed_is_named() {
        let scribbled = error(Fracture::ScribblesOnFree);
        assert!(scribbled.starts_with("t:8: the block of 7, 100 bytes at , was changed: 0x00 instead of 0x"));
        assert!(scribbled.ends_with(" at offset 0"), "{scribbled}");
        let lost = error(Fracture::LosesOnReallocate);
        assert!(lost.starts_with("t:8: the block of 7, 100 bytes at , was changed"), "{lost}");
        assert!(lost.ends_with(" at offset 99"), "{lost}");
    }

    #[test]
    fn a_free_that_is_refused_is_named() {
        let refused = "t:7: the free of 8 was refused: no block starts at the address";
        assert_eq!(replay(Fracture::RefusesFree), Err(refused.to_owned()));
    }
}
