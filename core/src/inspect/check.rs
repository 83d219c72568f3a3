//! The full check of a heap's invariants.

use core::fmt;
use core::ptr::NonNull;

use crate::chunk::FreeChunk;
use crate::granule::{Granule, Unit};
use crate::map::{Bits, Field, InUse, WORD_GRANULES, entries};
use crate::span::Span;
use crate::{Heap, Mode, PageSource};

/// What [`Heap::check`] found to be wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The address of the granule or bin concerned.
    pub address: usize,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The source does not know the block of a span.
    Block,
    /// A span's header is not what it was made with.
    Header,
    /// The map has a start where no chunk starts, or none where one does.
    Start,
    /// The map says of the chunk below what it is not.
    LowerFree,
    /// Two free chunks touch.
    NotCoalesced,
    /// A long chunk in use has its end noted wrongly in the map, or not, or there is a note where none belongs.
    Note,
    /// A free chunk's size is not what the map says.
    Size,
    /// A free chunk's footer is not its size.
    Footer,
    /// A free chunk's links do not lead there and back.
    Link,
    /// A free chunk is in no bin, or one in a bin is not free.
    Bin,
    /// A bin's bits do not agree with its list.
    Bits,
    /// A block that waits is in no quick list, or one in a list does not wait or has another size.
    Waiting,
    /// A block that was freed from elsewhere and has not come back is not in use in the map.
    Posted,
    /// A span's count of what holds it is not the sum.
    Held,
    /// The totals are not the sums.
    Totals,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:#x}", self.kind, self.address)
    }
}

impl core::error::Error for Fault {}

/// What a walk adds up.
#[derive(Default)]
struct Sums {
    used: usize,
    used_chunks: usize,
    free_chunks: usize,
    waiting: usize,
    waiting_chunks: usize,
    capacity: usize,
    spans: usize,
    source: usize,
}

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// Checks every invariant of every floor: map, chunks, bins, spans, totals. O(heap).
    ///
    /// # Errors
    /// The first [`Fault`] found: the heap is corrupt.
    pub fn check(&self) -> Result<(), Fault> {
        let listed = self.check_lists()?;
        let mut sums = Sums::default();
        let mut above = 0;
        while let Some(span) = self.span_from(above) {
            // SAFETY: the span is one of the heap's.
            unsafe { self.check_span(span, &mut sums)? };
            above = span.start().addr().get() + 1;
        }
        self.check_bins(sums.free_chunks)?;
        let waiting = sums.waiting_chunks;
        let are_listed = if self.quick().has_unlisted() { listed < waiting } else { listed == waiting };
        if !are_listed {
            return Err(Fault { kind: FaultKind::Waiting, address: 0 });
        }
        self.check_totals(&sums)
    }

    /// # Safety
    /// The span is one of the heap's.
    unsafe fn check_span(&self, span: Span<Unit<S, M>>, sums: &mut Sums) -> Result<(), Fault> {
        let base = span.start();
        // SAFETY: the span has a header, a map, and granules up to its end.
        unsafe {
            let (first, end, granules) = (span.first(), span.end(), span.granules());
            ensure(self.source().block_of(base.addr().get()) == Some(base), FaultKind::Block, base)?;
            ensure(span.is_sound(), FaultKind::Header, base)?;
            sums.spans += 1;
            sums.source += span.block().len();
            sums.capacity += span.capacity_bytes();
            self.check_no_start(span, 0, first)?;
            let (used_before, waiting_before) = (sums.used_chunks, sums.waiting_chunks);
            let (mut at, mut lower_free) = (first, false);
            while at < end {
                let above = self.check_chunk(span, at, lower_free, sums)?;
                lower_free = span.map().field_above(at, lower_free) == Field::Free;
                at = above;
            }
            if M::REMOTE {
                let bits = span.live().count(granules);
                ensure(bits == sums.used_chunks - used_before, FaultKind::Waiting, base)?;
                check_posted(span)?;
            }
            if self.has_marks() {
                let bits = span.marks().count(granules);
                ensure(bits == sums.waiting_chunks - waiting_before, FaultKind::Waiting, base)?;
            }
            if Self::COUNTS_HELD {
                let held = sums.used_chunks - used_before + usize::from(self.is_home(span));
                ensure(span.held() == held, FaultKind::Held, base)?;
            }
            let lasting = Field::Used { lower_free };
            ensure(at == end && span.map().field(at) == lasting, FaultKind::Start, span.address(end))?;
            let behind = entries(granules) * WORD_GRANULES;
            self.check_no_start(span, end + 1, behind)
        }
    }

    /// Checks the chunk that should start at granule `at`. Returns its end, as the map's fields alone tell it.
    ///
    /// # Safety
    /// The span is one of the heap's, and the granule one of it.
    unsafe fn check_chunk(
        &self,
        span: Span<Unit<S, M>>,
        at: usize,
        lower_free: bool,
        sums: &mut Sums,
    ) -> Result<usize, Fault> {
        // SAFETY: the granules asked about are the span's.
        unsafe {
            let (map, address) = (span.map(), span.address(at));
            let end = map.scan(at + 1, span.end());
            match map.field_above(at, lower_free) {
                Field::Interior => ensure(false, FaultKind::Start, address)?,
                Field::Free => {
                    sums.free_chunks += 1;
                    ensure(!lower_free, FaultKind::NotCoalesced, address)?;
                    check_note(span, at, end, false)?;
                    self.check_free(span, at, end)?;
                }
                Field::Used { lower_free: says } => {
                    let bytes = (end - at) * Self::GRANULE;
                    if self.waits(span, at) {
                        sums.waiting_chunks += 1;
                        sums.waiting += bytes;
                    } else {
                        sums.used_chunks += 1;
                        sums.used += bytes;
                    }
                    ensure(says == lower_free, FaultKind::LowerFree, address)?;
                    check_note(span, at, end, true)?;
                    let upper_free = map.is_free(end);
                    let InUse { end: says, neighbours } = map.extent(at);
                    let right = says == end
                        && neighbours.lower_free() == lower_free
                        && neighbours.upper_free() == upper_free;
                    ensure(right, FaultKind::Note, address)?;
                }
            }
            Ok(end)
        }
    }

    /// # Safety
    /// The span is one of the heap's, and the map has a free chunk there.
    unsafe fn check_free(&self, span: Span<Unit<S, M>>, at: usize, end: usize) -> Result<(), Fault> {
        // SAFETY: the chunk's words lie in it. Links are followed only to where chunks of ours start.
        unsafe {
            let (chunk, address) = (span.free_at(at), span.address(at));
            let (base, size) = (self.base(), end - at);
            ensure(chunk.size(base) == size, FaultKind::Size, address)?;
            ensure(chunk.footer(base, size) == size, FaultKind::Footer, address)?;
            let leads_there = chunk.back(base).is_some_and(|back| {
                let by_head = self.bins().is_head(self.bin_of(chunk.position(), size), back);
                (by_head || self.is_free_chunk(back.address(base)))
                    && FreeChunk::first_at(base, back) == Some(chunk)
            });
            ensure(leads_there, FaultKind::Link, address)?;
            let is_ours = |next: FreeChunk<_>| self.is_free_chunk(next.position().address(base));
            let next_is_ours = chunk.next(base).is_none_or(is_ours);
            ensure(next_is_ours, FaultKind::Link, address)
        }
    }

    /// Whether a free chunk of ours starts at an address.
    fn is_free_chunk(&self, address: NonNull<u8>) -> bool {
        let Some(block) = self.source().block_of(address.addr().get()) else { return false };
        // SAFETY: each block of the source holds a span of ours.
        unsafe {
            let span = Span::<Unit<S, M>>::at(block);
            let g = span.granule_of(address);
            span.address(g) == address && span.map().field(g) == Field::Free
        }
    }

    /// Checks that the bins hold each free chunk once, in the bin of its size, and nothing else.
    fn check_bins(&self, free_chunks: usize) -> Result<(), Fault> {
        let mut listed = 0;
        for bin in self.bins().all() {
            // SAFETY: where there are bins, there is a span, and these are they; a free chunk of ours starts where it is said.
            unsafe {
                let base = self.base();
                let first = self.bins().first(base, bin);
                let mut link = first.map_err(|bin| Fault { kind: FaultKind::Bits, address: bin })?;
                while let Some(chunk) = link {
                    let address = chunk.position().address(base);
                    ensure(self.is_free_chunk(address) && listed < free_chunks, FaultKind::Bin, address)?;
                    let expected = self.bin_of(chunk.position(), chunk.size(base));
                    ensure(bin == expected, FaultKind::Bin, address)?;
                    listed += 1;
                    link = chunk.next(base);
                }
            }
        }
        let fault = Fault { kind: FaultKind::Bin, address: 0 };
        if listed == free_chunks { Ok(()) } else { Err(fault) }
    }

    /// Checks that the quick lists hold blocks that may wait, each in the list of its size, or long ones in places. How many.
    fn check_lists(&self) -> Result<usize, Fault> {
        let (mut listed, most) = (0, self.totals_so_far().used_chunks());
        for bytes in self.quick().sizes() {
            let mut link = self.quick().first(bytes);
            while let Some(block) = link {
                let is_one_more = listed < most && self.waiting_size(block) == Some(bytes);
                ensure(is_one_more, FaultKind::Waiting, block)?;
                listed += 1;
                // SAFETY: a block that waits starts there, with its link.
                link = unsafe { block.cast::<Option<NonNull<u8>>>().read() };
            }
        }
        for (block, bytes) in self.quick().long_blocks() {
            ensure(self.waiting_size(block) == Some(bytes), FaultKind::Waiting, block)?;
            listed += 1;
        }
        Ok(listed)
    }

    /// The bytes of the block at an address that may wait, by the bit that says so, if one does.
    fn waiting_size(&self, address: NonNull<u8>) -> Option<usize> {
        let block = self.source().block_of(address.addr().get())?;
        // SAFETY: each block of the source holds a span of ours.
        unsafe {
            let span = Span::<Unit<S, M>>::at(block);
            let g = span.granule_of(address);
            let is_ours = span.address(g) == address && matches!(span.map().field(g), Field::Used { .. });
            (is_ours && self.waits(span, g)).then(|| (span.map().scan(g + 1, span.end()) - g) * Self::GRANULE)
        }
    }

    fn check_totals(&self, sums: &Sums) -> Result<(), Fault> {
        let totals = self.totals();
        let agree = totals.used == sums.used
            && totals.used_chunks == sums.used_chunks
            && totals.waiting == sums.waiting
            && totals.waiting_chunks == sums.waiting_chunks
            && totals.capacity == sums.capacity
            && totals.spans == sums.spans
            && totals.source == sums.source;
        if agree { Ok(()) } else { Err(Fault { kind: FaultKind::Totals, address: 0 }) }
    }

    /// # Safety
    /// The span is one of the heap's, and its map has the fields `[from, to)`.
    unsafe fn check_no_start(&self, span: Span<Unit<S, M>>, from: usize, to: usize) -> Result<(), Fault> {
        // SAFETY: the caller gives fields of the map.
        let start = unsafe { span.map().scan(from, to) };
        ensure(start == to, FaultKind::Start, span.start())
    }
}

/// Checks that blocks on their way back count as in use. Others may post more meanwhile.
///
/// # Safety
/// The span is laid, with posted bits.
unsafe fn check_posted<G: Granule>(span: Span<G>) -> Result<(), Fault> {
    // SAFETY: a word of bits and a map entry are for the same granules.
    unsafe {
        for index in 0..Bits::words(span.granules()) {
            let stray = span.posted().word_at(index) & !span.map().used_at(index);
            ensure(stray == 0, FaultKind::Posted, span.address(index * WORD_GRANULES))?;
        }
    }
    Ok(())
}

/// Checks the map entries that the chunk `[at, end)` covers whole: the first notes its end if it is in use; all others
/// are clear.
///
/// # Safety
/// The span is laid, and the granules are its own.
unsafe fn check_note<G: Granule>(span: Span<G>, at: usize, end: usize, used: bool) -> Result<(), Fault> {
    let first = at / WORD_GRANULES + 1;
    for index in first..end / WORD_GRANULES {
        // SAFETY: the entries lie between a chunk's first and last.
        unsafe {
            let noted = span.map().noted(index);
            let expected = (used && index == first).then_some(end);
            let good = noted == expected && (noted.is_some() || span.map().is_clear(index));
            ensure(good, FaultKind::Note, span.address(index * WORD_GRANULES))?;
        }
    }
    Ok(())
}

fn ensure(holds: bool, kind: FaultKind, at: NonNull<u8>) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault { kind, address: at.addr().get() }) }
}
