//! What there is to draw of a heap, apart from how: spans, chunks, bins, and which stretch of them says most.

use std::collections::HashMap;

use memalloc_core::inspect::ChunkView;
use memalloc_core::map::{Field, WORD_GRANULES};
use memalloc_core::{GRANULE, Heap, Mode, PageSource, Totals};

use super::replay::Block;

/// A heap, as it stood.
pub(crate) struct Picture {
    pub(crate) totals: Totals,
    pub(crate) spans: Vec<Span>,
    /// All chunks, in address order.
    pub(crate) chunks: Vec<Chunk>,
    /// The bins that hold chunks.
    pub(crate) bins: Vec<Bin>,
}

/// A span. Sizes in bytes.
pub(crate) struct Span {
    pub(crate) granules: usize,
    /// The first granule that chunks are made of.
    pub(crate) first: usize,
    /// The granule that the last chunk ends before.
    pub(crate) end: usize,
    /// Header, with the padding before the first granule.
    pub(crate) header: usize,
    /// The map.
    pub(crate) map: usize,
    pub(crate) bins: usize,
}

/// A granule of a span; both count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) span: usize,
    pub(crate) granule: usize,
}

/// A chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) at: Place,
    pub(crate) granules: usize,
    pub(crate) kind: Kind,
}

/// What a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Used {
        lower_free: bool,
        /// The trace's id of the block in it.
        id: u64,
        /// Bytes that were asked for.
        asked: usize,
    },
    Free {
        bin: usize,
        next: Option<Place>,
        /// Whose `next` leads here; the bin itself if none's does.
        back: Option<Place>,
        /// Granules, by the footer.
        footer: usize,
    },
}

impl Chunk {
    /// The first granule behind it.
    pub(crate) fn end(&self) -> usize {
        self.at.granule + self.granules
    }

    pub(crate) fn is_free(&self) -> bool {
        matches!(self.kind, Kind::Free { .. })
    }

    /// The two bits of its first granule in the map, `used` and `lower`. Those of its others are 0.
    pub(crate) fn bits(&self) -> (bool, bool) {
        match self.kind {
            Kind::Used { lower_free, .. } => (true, lower_free),
            Kind::Free { .. } => (false, true),
        }
    }

    /// The map entry in which a long chunk in use has its end noted.
    pub(crate) fn note(&self) -> Option<usize> {
        let entry = self.at.granule / WORD_GRANULES + 1;
        (!self.is_free() && entry < self.end() / WORD_GRANULES).then_some(entry)
    }
}

/// A bin that holds chunks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bin {
    pub(crate) number: usize,
    pub(crate) chunks: usize,
    /// The smallest and largest chunk in it, in granules.
    pub(crate) smallest: usize,
    pub(crate) largest: usize,
    /// The first of its list.
    pub(crate) head: Option<Place>,
}

impl Picture {
    /// What there is to draw of a heap whose blocks in use are those of the trace's `ids`.
    pub(crate) fn of<S: PageSource, M: Mode>(heap: &Heap<S, M>, blocks: &[Block], ids: &[u64]) -> Self {
        let owners = blocks
            .iter()
            .zip(ids)
            .filter_map(|(block, &id)| Some((block.at?.addr().get(), (id, block.size))));
        let starts = heap.spans().map(|span| span.block.cast::<u8>().addr().get()).collect();
        let viewer = Viewer { starts, owners: owners.collect() };
        let chunks: Vec<Chunk> = heap.chunks().map(|view| viewer.chunk(&view)).collect();
        let spans = heap.spans().map(|view| Span {
            granules: view.block.len() / GRANULE,
            first: view.first,
            end: view.end,
            header: (view.first * GRANULE).saturating_sub(view.map + view.bins),
            map: view.map,
            bins: view.bins,
        });
        Self { totals: heap.totals(), spans: spans.collect(), bins: bins(&chunks), chunks }
    }

    /// The chunk that holds a granule, by its number among all.
    pub(crate) fn chunk_at(&self, place: Place) -> Option<usize> {
        let behind = self.chunks.partition_point(|chunk| chunk.at <= place);
        let index = behind.checked_sub(1)?;
        let chunk = self.chunks[index];
        (chunk.at.span == place.span && place.granule < chunk.end()).then_some(index)
    }

    /// Where the last chunk in use of a span ends, in granules; what lies behind is one free chunk.
    pub(crate) fn used_end(&self, span: usize) -> usize {
        let behind = self.chunks.partition_point(|chunk| chunk.at.span <= span);
        let last = self.chunks[..behind]
            .iter()
            .rev()
            .take(2)
            .find(|chunk| chunk.at.span == span && !chunk.is_free());
        last.map_or(self.spans[span].first, Chunk::end)
    }
}

/// Turns addresses into places.
struct Viewer {
    starts: Vec<usize>,
    /// Id and bytes of the block at each address.
    owners: HashMap<usize, (u64, usize)>,
}

impl Viewer {
    fn place(&self, address: usize) -> Place {
        let span = self.starts.partition_point(|&start| start <= address).saturating_sub(1);
        Place { span, granule: (address - self.starts[span]) / GRANULE }
    }

    fn chunk(&self, view: &ChunkView) -> Chunk {
        let address = view.address.addr().get();
        let place = |at: std::ptr::NonNull<u8>| self.place(at.addr().get());
        let kind = match (view.free, view.field) {
            (Some(free), _) => Kind::Free {
                bin: free.bin,
                next: free.next.map(place),
                back: free.previous.map(place),
                footer: free.footer / GRANULE,
            },
            (None, field) => {
                let (id, asked) = self.owners.get(&address).copied().unwrap_or_default();
                Kind::Used { lower_free: field == Field::Used { lower_free: true }, id, asked }
            }
        };
        Chunk { at: self.place(address), granules: view.size / GRANULE, kind }
    }
}

/// The bins that the free ones among the chunks are in.
fn bins(chunks: &[Chunk]) -> Vec<Bin> {
    let mut bins = std::collections::BTreeMap::new();
    for chunk in chunks {
        let Kind::Free { bin: number, back, .. } = chunk.kind else { continue };
        let size = chunk.granules;
        let bin = bins.entry(number).or_insert(Bin {
            number,
            chunks: 0,
            smallest: size,
            largest: size,
            head: None,
        });
        bin.chunks += 1;
        bin.smallest = bin.smallest.min(size);
        bin.largest = bin.largest.max(size);
        if back.is_none() {
            bin.head = Some(chunk.at);
        }
    }
    bins.into_values().collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use memalloc_core::RealTime;

    use super::super::replay::Replayer;
    use super::super::supply::{Arena, Supply as _};
    use super::super::trace::Trace;
    use super::*;

    /// The picture of an arena of 16 KiB after some operations.
    pub(crate) fn picture(operations: &str) -> Picture {
        let text = format!("0\n99\n{}\n1\n{operations}", operations.lines().count());
        let trace = Trace::parse("t", text.as_bytes()).expect("the test's trace is one");
        let mut arena = Arena::new(16384).unwrap();
        let mut heap = arena.heap::<RealTime>();
        let mut replayer = Replayer::new(&trace, &mut heap);
        for &operation in &trace.operations {
            assert_eq!(replayer.step(operation), Ok(true));
        }
        let blocks = replayer.blocks;
        Picture::of(&heap, &blocks, &trace.ids)
    }

    /// Used, one free granule, used, two free granules, used, one free granule, used, the rest free.
    pub(crate) const MIXED: &str = "a 1 40\na 2 16\na 3 10\na 4 32\na 5 600\na 6 8\na 7 100\nf 2\nf 4\nf 6";

    #[test]
    fn chunks_are_what_the_trace_made_of_them() {
        let picture = picture(MIXED);
        let first = picture.spans[0].first;
        let at = |granules| Place { span: 0, granule: first + granules };
        let used = |granules, size, lower_free, id, asked| Chunk {
            at: at(granules),
            granules: size,
            kind: Kind::Used { lower_free, id, asked },
        };
        let free = |granules, size, bin, next, back| Chunk {
            at: at(granules),
            granules: size,
            kind: Kind::Free { bin, next, back, footer: size },
        };
        let rest = picture.spans[0].granules - first - 53;
        let last_bin = picture.bins[2].number;
        assert_eq!(
            picture.chunks,
            [
                used(0, 3, false, 1, 40),
                free(3, 1, 1, Some(at(45)), None),
                used(4, 1, true, 3, 10),
                free(5, 2, 2, None, None),
                used(7, 38, true, 5, 600),
                free(45, 1, 1, None, Some(at(3))),
                used(46, 7, true, 7, 100),
                free(53, rest, last_bin, None, None),
            ]
        );
        assert_eq!(picture.bins[0], Bin { number: 1, chunks: 2, smallest: 1, largest: 1, head: Some(at(3)) });
        assert_eq!(picture.used_end(0), first + 53);
    }

    #[test]
    fn what_lies_below_the_first_granule_adds_up() {
        let picture = picture("a 1 1");
        let span = &picture.spans[0];
        assert_eq!(span.header + span.map + span.bins, span.first * GRANULE);
        assert!(span.header >= 40 && span.header < 40 + GRANULE, "{}", span.header);
        assert_eq!(span.granules * GRANULE, 16384);
    }

    #[test]
    fn a_granule_is_found_in_its_chunk() {
        let picture = picture(MIXED);
        let first = picture.spans[0].first;
        let at = |granule| picture.chunk_at(Place { span: 0, granule });
        assert_eq!(at(first), Some(0));
        assert_eq!(at(first + 2), Some(0));
        assert_eq!(at(first + 3), Some(1));
        assert_eq!(at(1023), Some(7));
        assert_eq!(at(1024), None);
        assert_eq!(at(first - 1), None);
        assert_eq!(picture.chunk_at(Place { span: 1, granule: first }), None);
    }

    #[test]
    fn a_long_chunk_has_its_end_noted_in_the_first_entry_that_is_its_own() {
        let chunk = |granule, granules| {
            let kind = Kind::Used { lower_free: false, id: 0, asked: 0 };
            Chunk { at: Place { span: 0, granule }, granules, kind }.note()
        };
        assert_eq!(chunk(80, 111), None);
        assert_eq!(chunk(80, 112), Some(2));
        assert_eq!(chunk(64, 200), Some(2));
        assert_eq!(chunk(63, 65), Some(1));
    }

    #[test]
    fn the_picture_and_the_totals_agree() {
        let picture = picture(MIXED);
        let used: usize =
            picture.chunks.iter().filter(|chunk| !chunk.is_free()).map(|chunk| chunk.granules).sum();
        assert_eq!(used * GRANULE, picture.totals.used());
        let free: usize =
            picture.chunks.iter().filter(|chunk| chunk.is_free()).map(|chunk| chunk.granules).sum();
        assert_eq!(free * GRANULE, picture.totals.free());
    }
}
