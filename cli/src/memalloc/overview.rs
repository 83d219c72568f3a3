//! The whole heap on a few rows of cells, and the stretch that is worth enlarging.

use super::picture::{Chunk, Kind, Picture, Place};

/// What a cell mostly shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shade {
    /// Header, map, bins.
    Overhead,
    Free,
    /// In use: 1 for some of it, to [`Shade::FULL`] for all.
    Used(u8),
}

impl Shade {
    /// The darkest shade of use.
    pub(crate) const FULL: u8 = 4;
}

/// The cells of one span, up to the end of its last chunk in use.
pub(crate) struct Strip {
    pub(crate) span: usize,
    pub(crate) cells: Vec<Shade>,
    /// Granules behind the last cell: the end of the free chunk at the span's end.
    pub(crate) left_out: usize,
}

/// Cells for spans.
pub(crate) struct Overview {
    /// Granules in a cell.
    pub(crate) scale: usize,
    pub(crate) strips: Vec<Strip>,
    /// Spans that have no strip.
    pub(crate) left_out: usize,
}

impl Overview {
    /// An overview in rows of `columns` cells, at most `rows` of them; each span starts a row.
    pub(crate) fn of(picture: &Picture, columns: usize, rows: usize) -> Self {
        let shown = picture.spans.len().min(rows);
        let ends: Vec<usize> = (0..shown).map(|span| picture.used_end(span)).collect();
        let rows_at =
            |scale: usize| ends.iter().map(|end| end.div_ceil(scale * columns).max(1)).sum::<usize>();
        let mut scale = 1;
        while rows_at(scale) > rows && rows_at(2 * scale) < rows_at(scale) {
            scale *= 2;
        }
        let strips = ends.iter().enumerate().map(|(span, &end)| strip(picture, span, end, scale)).collect();
        Self { scale, strips, left_out: picture.spans.len() - shown }
    }
}

fn strip(picture: &Picture, span: usize, end: usize, scale: usize) -> Strip {
    let (granules, first) = (picture.spans[span].end, picture.spans[span].first);
    let cells = end.div_ceil(scale);
    let mut used = vec![0; cells];
    let from = picture.chunks.partition_point(|chunk| chunk.at.span < span);
    for chunk in picture.chunks[from..].iter().take_while(|chunk| chunk.at.span == span) {
        if !chunk.is_free() {
            add(&mut used, scale, chunk);
        }
    }
    let shade = |(cell, used): (usize, usize)| {
        if (cell + 1) * scale <= first || (used == 0 && cell * scale < first) {
            return Shade::Overhead;
        }
        let full = scale.min(granules - cell * scale);
        match (used * usize::from(Shade::FULL)).div_ceil(full) {
            0 => Shade::Free,
            // Only what is entirely in use gets the darkest shade.
            level if used < full => Shade::Used((level as u8).min(Shade::FULL - 1)),
            _ => Shade::Used(Shade::FULL),
        }
    };
    let left_out = granules.saturating_sub(cells * scale);
    Strip { span, cells: used.into_iter().enumerate().map(shade).collect(), left_out }
}

/// Counts the granules of a chunk in the cells that it lies in.
fn add(used: &mut [usize], scale: usize, chunk: &Chunk) {
    let mut at = chunk.at.granule;
    while at < chunk.end() {
        let end = ((at / scale + 1) * scale).min(chunk.end());
        used[at / scale] += end - at;
        at = end;
    }
}

/// The number of the first chunk of the stretch that says most: chunks in use of several sizes, free ones of one
/// granule and of more, and links between them, in as many chunks as fit into `room`, given what each takes.
pub(crate) fn stretch(picture: &Picture, room: usize, width: impl Fn(&Chunk) -> usize) -> usize {
    const MOST_TRIED: usize = 5_000;
    let chunks = &picture.chunks;
    let each = chunks.len().div_ceil(MOST_TRIED).max(1);
    let score = |&from: &usize| {
        let mut left = room;
        let seen = chunks[from..].iter().take_while(|chunk| {
            let fits = left.checked_sub(width(chunk));
            left = fits.unwrap_or(0);
            fits.is_some() && chunk.at.span == chunks[from].at.span
        });
        interest(&chunks[from..from + seen.count()])
    };
    // Of equals the first: `max_by_key` would take the last.
    (0..chunks.len()).step_by(each).rev().max_by_key(score).unwrap_or(0)
}

/// How much there is to see in a stretch.
fn interest(chunks: &[Chunk]) -> usize {
    let (Some(first), Some(last)) = (chunks.first(), chunks.last()) else { return 0 };
    let inside = |place: Place| first.at <= place && place <= last.at;
    let mut sizes: Vec<usize> =
        chunks.iter().filter(|chunk| !chunk.is_free()).map(|chunk| chunk.granules).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let (mut single, mut several, mut links) = (0, 0, 0);
    for chunk in chunks {
        if let Kind::Free { next, .. } = chunk.kind {
            *(if chunk.granules == 1 { &mut single } else { &mut several }) += 1;
            links += usize::from(next.is_some_and(inside));
        }
    }
    let long = chunks.iter().any(|chunk| chunk.note().is_some());
    2 * sizes.len().min(5)
        + 6 * usize::from(single > 0)
        + 6 * usize::from(several > 0)
        + 3 * single.min(2)
        + 2 * several.min(3)
        + 4 * links.min(4)
        + 2 * usize::from(long)
        + usize::from(!first.is_free())
}

#[cfg(test)]
mod tests {
    use super::super::picture::tests::{MIXED, picture};
    use super::*;

    #[test]
    fn at_a_granule_a_cell_the_strip_is_exact() {
        let picture = picture(MIXED);
        let overview = Overview::of(&picture, 64, 16);
        assert_eq!((overview.scale, overview.strips.len()), (1, 1));
        let first = picture.spans[0].first;
        let strip = &overview.strips[0];
        assert!(strip.cells[..first].iter().all(|&cell| cell == Shade::Overhead));
        let shown: String =
            strip.cells[first..].iter().map(|&cell| if cell == Shade::Free { '.' } else { '#' }).collect();
        assert_eq!(shown, format!("###.#..{}.#######", "#".repeat(38)));
        assert_eq!(strip.left_out + strip.cells.len(), picture.spans[0].granules);
    }

    #[test]
    fn cells_grow_until_the_rows_suffice() {
        let overview = Overview::of(&picture(MIXED), 10, 2);
        assert!(overview.scale >= 4, "{}", overview.scale);
        assert!(overview.strips[0].cells.len() <= 20);
        assert!(overview.strips[0].cells.contains(&Shade::Used(Shade::FULL)));
    }

    #[test]
    fn the_stretch_has_what_is_worth_seeing() {
        let plain: String = (20..60).map(|id| format!("a {id} 64\n")).collect();
        let operations = plain + MIXED;
        let picture = picture(&operations);
        let from = stretch(&picture, 12, |_| 1);
        let seen = &picture.chunks[from..(from + 12).min(picture.chunks.len())];
        assert!(seen.iter().any(|chunk| chunk.is_free() && chunk.granules == 1));
        assert!(seen.iter().any(|chunk| chunk.is_free() && chunk.granules == 2));
    }

    #[test]
    fn an_empty_heap_has_nothing_worth_seeing() {
        let mut picture = picture("a 1 1");
        picture.chunks.clear();
        assert_eq!(stretch(&picture, 10, |_| 1), 0);
    }
}
