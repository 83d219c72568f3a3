//! Every span and every chunk, in address order.

use core::ptr::NonNull;

use crate::granule::Unit;
use crate::map::Field;
use crate::span::Span;
use crate::{Heap, Mode, PageSource};

/// One chunk, as [`Heap::chunks`] sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkView {
    /// Its first byte: what was handed out, if it is in use.
    pub address: NonNull<u8>,
    /// Its bytes.
    pub size: usize,
    /// Its first granule, counted from the start of its span's block.
    pub granule: usize,
    /// What the map says of it.
    pub field: Field,
    /// What it keeps in itself, if it is free.
    pub free: Option<FreeView>,
    /// Whether it is a freed block that waits in a quick list, or was freed from elsewhere and is on its way back. Then the
    /// map has it in use.
    pub waiting: bool,
}

impl ChunkView {
    /// Whether it is a block in use.
    pub fn is_in_use(&self) -> bool {
        self.free.is_none() && !self.waiting
    }
}

/// What a free chunk keeps in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeView {
    /// The bin it is in.
    pub bin: usize,
    /// The next free chunk of the bin.
    pub next: Option<NonNull<u8>>,
    /// The free chunk whose `next` leads to this one; `None` if the bin's head does.
    pub previous: Option<NonNull<u8>>,
    /// Bytes, by the footer.
    pub footer: usize,
}

/// One span, as [`Heap::spans`] sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanView {
    /// The block of the source that it lies in.
    pub block: NonNull<[u8]>,
    /// The first granule that chunks are made of: what lies below, in granules, is header, map and bins.
    pub first: usize,
    /// Bytes of map and sections.
    pub map: usize,
    /// Bytes of bins: 0 but in the heap's first span.
    pub bins: usize,
    /// The granule that the last chunk ends before: what lies above, in granules, are marks of blocks that wait, and, in the
    /// heap's first span, quick lists.
    pub end: usize,
}

impl<S: PageSource, M: Mode> Heap<S, M> {
    /// The spans, in address order. O(spans) each.
    pub fn spans(&self) -> Spans<'_, S, M> {
        Spans { heap: self, above: 0 }
    }

    /// The chunks of all spans, in address order. O(1) each, and O(spans) at the end of a span.
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use core::mem::MaybeUninit;
    /// # use memalloc_core::{ArenaSource, Heap};
    /// let mut heap = Heap::new(ArenaSource::new(Box::leak(Box::new([MaybeUninit::uninit(); 4096]))));
    /// let block = heap.allocate(Layout::new::<[u8; 100]>()).unwrap();
    /// let sizes: Vec<usize> = heap.chunks().filter(|chunk| chunk.free.is_none()).map(|chunk| chunk.size).collect();
    /// assert_eq!(sizes, [112]);
    /// ```
    pub fn chunks(&self) -> Chunks<'_, S, M> {
        Chunks { heap: self, span: None, at: 0, lower_free: false, above: 0 }
    }

    /// The lowest span whose block starts at `address` or above.
    pub(crate) fn span_from(&self, address: usize) -> Option<Span<Unit<S, M>>> {
        let mut lowest: Option<Span<Unit<S, M>>> = None;
        let mut next = self.spans_head();
        while let Some(span) = next {
            let start = span.start().addr().get();
            if start >= address && lowest.is_none_or(|lowest| start < lowest.start().addr().get()) {
                lowest = Some(span);
            }
            // SAFETY: the span is one of the heap's.
            next = unsafe { span.next() };
        }
        lowest
    }

    /// What can be seen of the chunk at granule `at` of `span`, above one that is free or not.
    ///
    /// # Safety
    /// The span is the heap's, and a chunk starts there.
    unsafe fn view(&self, span: Span<Unit<S, M>>, at: usize, lower_free: bool) -> ChunkView {
        // SAFETY: a chunk starts there, in use or free as the map says; a free one is in a bin.
        unsafe {
            let (field, address) = (span.map().field_above(at, lower_free), span.address(at));
            if let Field::Used { .. } = field {
                let end = span.map().extent(at).end;
                return ChunkView {
                    address,
                    size: (end - at) * Self::GRANULE,
                    granule: at,
                    field,
                    free: None,
                    waiting: self.is_freed(span, at),
                };
            }
            let (chunk, base) = (span.free_at(at), self.base());
            let size = chunk.size(base);
            let bin = self.bin_of(span.position(at), size);
            let free = FreeView {
                bin,
                next: chunk.next(base).map(|next| next.position().address(base)),
                previous: chunk
                    .back(base)
                    .filter(|&back| !self.bins().is_head(bin, back))
                    .map(|back| back.address(base)),
                footer: chunk.footer(base, size) * Self::GRANULE,
            };
            ChunkView {
                address,
                size: size * Self::GRANULE,
                granule: at,
                field,
                free: Some(free),
                waiting: false,
            }
        }
    }
}

/// The spans of a heap. See [`Heap::spans`].
#[derive(Debug)]
pub struct Spans<'heap, S: PageSource, M: Mode> {
    heap: &'heap Heap<S, M>,
    above: usize,
}

impl<S: PageSource, M: Mode> Iterator for Spans<'_, S, M> {
    type Item = SpanView;

    fn next(&mut self) -> Option<SpanView> {
        let span = self.heap.span_from(self.above)?;
        self.above = span.start().addr().get() + 1;
        // SAFETY: the span is one of the heap's.
        unsafe {
            Some(SpanView {
                block: span.block(),
                first: span.first(),
                map: span.map_bytes(),
                bins: self.heap.bins_bytes(span),
                end: span.end(),
            })
        }
    }
}

/// The chunks of a heap. See [`Heap::chunks`].
#[derive(Debug)]
pub struct Chunks<'heap, S: PageSource, M: Mode> {
    heap: &'heap Heap<S, M>,
    span: Option<Span<Unit<S, M>>>,
    at: usize,
    /// Whether the chunk below that is free.
    lower_free: bool,
    above: usize,
}

impl<S: PageSource, M: Mode> Iterator for Chunks<'_, S, M> {
    type Item = ChunkView;

    fn next(&mut self) -> Option<ChunkView> {
        // SAFETY: the span is one of the heap's; chunk follows chunk from its first granule to its end.
        unsafe {
            if self.span.is_none_or(|span| self.at == span.end()) {
                let span = self.heap.span_from(self.above)?;
                self.above = span.start().addr().get() + 1;
                (self.span, self.at, self.lower_free) = (Some(span), span.first(), false);
            }
            let chunk = self.heap.view(self.span?, self.at, self.lower_free);
            self.lower_free = chunk.free.is_some();
            self.at += chunk.size / Heap::<S, M>::GRANULE;
            Some(chunk)
        }
    }
}
