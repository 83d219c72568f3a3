//! A stretch of chunks, granule by granule.

use super::super::draw::Scene;
use super::super::picture::{Chunk, Kind, Place};
use super::super::report::grouped;
use super::super::terminal::count;
use super::arrows::{self, End};
use super::canvas::{Canvas, Text};
use super::guide::bit;
use super::{MARGIN, heading};
use memalloc_core::GRANULE;

const LABEL: f64 = 62.0;
/// Granules in a row.
const COLUMNS: usize = 11;
const ROWS: usize = 5;
pub(super) const CELL: f64 = 114.0;
const WORD: f64 = CELL / 2.0;
/// Chunks in use of more granules are drawn as the first, a gap and the last; free ones, whose first two granules have
/// words to show, as these, a gap and the last.
const MOST_USED: usize = 3;
const MOST_FREE: usize = 4;
const BOX: f64 = 46.0;
/// From the top of a row's boxes to the end of its bits.
const BELOW: f64 = BOX + 48.0;

/// Chunks in rows.
pub(super) struct Layout<'scene> {
    rows: Vec<&'scene [Chunk]>,
}

impl Layout<'_> {
    /// The first granule shown, and the one behind the last.
    pub(super) fn range(&self) -> Option<(Place, usize)> {
        let (first, last) = (self.rows.first()?.first()?, self.rows.last()?.last()?);
        Some((first.at, last.end()))
    }
}

/// Chooses what to enlarge. Chunks are not broken across rows, and all are of one span.
pub(super) fn layout(scene: &Scene) -> Layout<'_> {
    let from = scene.enlarge_from(ROWS * COLUMNS - ROWS, cells);
    let Some(mut rest) = scene.picture.chunks.get(from..) else { return Layout { rows: Vec::new() } };
    let mut rows = Vec::new();
    while let Some(first) = rest.first().filter(|_| rows.len() < ROWS) {
        let mut left = COLUMNS;
        let fitting = rest.iter().take_while(|chunk| {
            let fits = left.checked_sub(cells(chunk));
            left = fits.unwrap_or(0);
            fits.is_some() && chunk.at.span == first.at.span
        });
        let (row, others) = rest.split_at(fitting.count());
        rows.push(row);
        rest = if others.first().is_some_and(|next| next.at.span == first.at.span) { others } else { &[] };
    }
    Layout { rows }
}

/// The cells that a chunk takes.
fn cells(chunk: &Chunk) -> usize {
    chunk.granules.min(if chunk.is_free() { MOST_FREE } else { MOST_USED })
}

/// The cell that stands for the granules of a chunk that have none of their own, and how many these are.
fn gap(chunk: &Chunk) -> Option<(usize, usize)> {
    let cells = cells(chunk);
    (chunk.granules > cells).then(|| (cells - 2, chunk.granules - (cells - 1)))
}

/// Draws it; where it ends.
pub(super) fn draw(canvas: &mut Canvas, scene: &Scene, layout: &Layout<'_>, y: f64) -> f64 {
    let Some((from, end)) = layout.range() else { return y };
    let last = Place { granule: end - 1, ..from };
    let text = format!("Enlarged: granules {} to {} (framed above)", scene.name(from), scene.name(last));
    let mut y = heading(canvas, MARGIN, y, &text);
    canvas.text(MARGIN, y + 10.0, "Arrows lead from a chunk's next to the next chunk of its bin, where that is in the picture. Links are shown by the granule they lead to.", Text::SMALL);
    y += 18.0;
    let arrows = arrows::plan(&links(layout), layout.rows.len());
    for (number, row) in layout.rows.iter().enumerate() {
        y += arrows.gutter(number);
        arrows.put(number, y);
        labels(canvas, y);
        let mut column = 0;
        for chunk in *row {
            self::chunk(canvas, scene, chunk, left(column), y);
            column += cells(chunk);
        }
        y += BELOW;
    }
    arrows.draw(canvas);
    y
}

/// The left edge of a column.
fn left(column: usize) -> f64 {
    MARGIN + LABEL + column as f64 * CELL
}

/// The links from one chunk of the layout to another.
fn links(layout: &Layout<'_>) -> Vec<(End, End)> {
    let mut places = Vec::new();
    for (row, chunks) in layout.rows.iter().enumerate() {
        let mut column = 0;
        for chunk in *chunks {
            places.push((chunk, End { row, x: left(column) }));
            column += cells(chunk);
        }
    }
    let find = |place: Place| places.iter().find(|(chunk, _)| chunk.at == place).map(|&(_, end)| end);
    let link = |&(chunk, from): &(&Chunk, End)| match chunk.kind {
        Kind::Free { next: Some(next), .. } => Some((from, find(next)?)),
        _ => None,
    };
    places.iter().filter_map(link).collect()
}

fn labels(canvas: &mut Canvas, y: f64) {
    let right = MARGIN + LABEL - 10.0;
    for (text, below) in [("memory", 27.0), ("used", BOX + 18.0), ("lower", BOX + 37.0)] {
        canvas.text(right, y + below, text, Text::SMALL.right());
    }
}

fn chunk(canvas: &mut Canvas, scene: &Scene, chunk: &Chunk, x: f64, y: f64) {
    let width = cells(chunk) as f64 * CELL;
    // Above the second word: the space above the first belongs to arrows.
    canvas.text(x + WORD + 2.0, y - 5.0, &scene.name(chunk.at), Text::CODE);
    match chunk.kind {
        Kind::Used { id, asked, .. } => used(canvas, chunk, (x, y, width), id, asked),
        Kind::Free { bin, next, back, footer } => {
            let name = |place: Place| scene.name(place);
            let next = next.map_or("none".to_owned(), name);
            let back = back.map_or(format!("bin {bin}"), name);
            free(canvas, chunk, (x, y), &next, &back, footer);
        }
    }
    canvas.rect(x + 1.0, y, width - 4.0, BOX, "edge");
    bits(canvas, chunk, x, y + BOX + 5.0);
}

fn used(canvas: &mut Canvas, chunk: &Chunk, (x, y, width): (f64, f64, f64), id: u64, asked: usize) {
    canvas.rect(x + 1.0, y, width - 4.0, BOX, "taken");
    for cell in 1..cells(chunk) {
        let edge = x - 0.5 + cell as f64 * CELL;
        canvas.line((edge, y + 1.0), (edge, y + 6.0), "tick");
        canvas.line((edge, y + BOX - 6.0), (edge, y + BOX - 1.0), "tick");
    }
    let middle = x + width / 2.0 - 1.0;
    canvas.text(middle, y + 20.0, &format!("id {id}"), Text::ON_DARK.centred());
    let bytes = grouped(chunk.granules * GRANULE);
    let asked = match chunk.granules {
        1 => format!("{asked} of {bytes} B"),
        _ => format!("{} asked, {bytes} taken", count(asked, "byte")),
    };
    canvas.text(middle, y + 37.0, &asked, Text::ON_DARK.centred());
}

fn free(canvas: &mut Canvas, chunk: &Chunk, (x, y): (f64, f64), next: &str, back: &str, footer: usize) {
    let size = chunk.granules.to_string();
    let mut word = |index: usize, name: &str, value: &str| {
        let at = x + 1.0 + WORD * index as f64;
        let last = index + 1 == 2 * cells(chunk);
        canvas.rect(
            at,
            y,
            WORD - if last { 4.0 } else { 0.0 },
            BOX,
            if name.is_empty() { "blank" } else { "word" },
        );
        canvas.text(at + WORD / 2.0 - 1.5, y + 18.0, name, Text::SMALL.centred());
        canvas.text(
            at + WORD / 2.0 - 1.5,
            y + 35.0,
            value,
            if value.len() > 8 { Text::TINY } else { Text::CODE }.centred(),
        );
    };
    word(0, "next", next);
    if chunk.granules == 1 {
        return word(1, "back", back);
    }
    word(1, "size", &size);
    word(2, "back", back);
    let last = 2 * cells(chunk) - 1;
    for index in 3..last {
        word(index, "", "");
    }
    word(last, "footer", &footer.to_string());
    if let Some((cell, left_out)) = gap(chunk) {
        let left = x + 1.0 + cell as f64 * CELL;
        canvas.rect(left, y, CELL, BOX, "blank");
        canvas.text(left + CELL / 2.0, y + 20.0, &grouped(left_out), Text::BODY.centred());
        canvas.text(left + CELL / 2.0, y + 36.0, "granules more", Text::SMALL.centred());
    }
}

/// The map's bits for each granule drawn.
fn bits(canvas: &mut Canvas, chunk: &Chunk, x: f64, y: f64) {
    let (used, lower) = chunk.bits();
    for cell in 0..cells(chunk) {
        let middle = x + (cell as f64 + 0.5) * CELL - 1.0;
        if let Some((_, left_out)) = gap(chunk).filter(|gap| gap.0 == cell) {
            canvas.text(
                middle,
                y + 13.0,
                &format!("{} times 0, 0", grouped(left_out)),
                Text::SMALL.centred(),
            );
            if let Some(entry) = chunk.note() {
                let text = format!("entry {}: end {}", grouped(entry), chunk.end());
                canvas.text(middle, y + 31.0, &text, Text::SMALL.centred());
            }
            continue;
        }
        bit(canvas, middle, y, used && cell == 0);
        bit(canvas, middle, y + 19.0, lower && cell == 0);
    }
}
