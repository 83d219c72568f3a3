//! The whole heap: a span's parts, all cells, and the bins.

use memalloc_core::GRANULE;

use super::super::draw::Scene;
use super::super::overview::{Overview, Shade};
use super::super::picture::{Bin, Place};
use super::super::report::grouped;
use super::super::terminal::count;
use super::canvas::{Canvas, Text};
use super::enlarged::Layout;
use super::{INNER, MARGIN, heading};

/// The span that holds the bins, and its parts, not to scale.
pub(super) fn span(canvas: &mut Canvas, scene: &Scene, y: f64) -> f64 {
    let spans = &scene.picture.spans;
    let home = spans.iter().position(|span| span.bins > 0).unwrap_or(0);
    let span = &spans[home];
    let which = match spans.len() {
        1 => "The span".to_owned(),
        all => format!("Span {} of {all}, which holds the bins", home + 1),
    };
    let length = grouped(span.granules * GRANULE);
    let mut y =
        heading(canvas, MARGIN, y, &format!("{which}: {length} bytes, what lies where (not to scale)"));
    let parts = [
        (150.0, "header", "overhead", span.header),
        (200.0, "map, 2 bits a granule", "overhead", span.map),
        (150.0, "bins", "overhead", span.bins),
    ];
    let mut x = MARGIN;
    for (width, name, class, bytes) in parts.into_iter().filter(|part| part.3 > 0) {
        part(canvas, (x, y, width), name, &format!("{} bytes", grouped(bytes)), class);
        x += width;
    }
    let bytes = |granules| format!("{} bytes", grouped(granules * GRANULE));
    let lists = span.granules - span.end;
    let right = MARGIN + INNER - if lists > 0 { 150.0 } else { 0.0 };
    let chunks = format!("chunks: granules g{} to g{}", grouped(span.first), grouped(span.end - 1));
    part(canvas, (x, y, right - x), &chunks, &bytes(span.end - span.first), "off");
    if lists > 0 {
        part(canvas, (right, y, MARGIN + INNER - right), "marks, quick lists", &bytes(lists), "overhead");
    }
    y += 44.0;
    y
}

fn part(canvas: &mut Canvas, (x, y, width): (f64, f64, f64), name: &str, size: &str, class: &str) {
    canvas.rect(x, y, width - 3.0, 44.0, class);
    canvas.text(x + width / 2.0 - 1.5, y + 19.0, name, Text::BODY.centred());
    canvas.text(x + width / 2.0 - 1.5, y + 35.0, size, Text::SMALL.centred());
}

const COLUMNS: usize = 80;
const ROWS: usize = 22;
const CELL: (f64, f64) = (10.0, 16.0);
const LABEL: f64 = 96.0;
const BINS_X: f64 = MARGIN + LABEL + COLUMNS as f64 * CELL.0 + 40.0;
const BIN_ROWS: usize = 20;

/// All cells, with a frame around those that are enlarged, and the bins at the side.
pub(super) fn overview(canvas: &mut Canvas, scene: &Scene, shown: &Layout<'_>, y: f64) -> f64 {
    let overview = Overview::of(&scene.picture, COLUMNS, ROWS);
    let cell = match overview.scale {
        1 => format!("a granule, {GRANULE} bytes"),
        scale => format!("{} granules, {} bytes", grouped(scale), grouped(scale * GRANULE)),
    };
    let top = heading(canvas, MARGIN, y, &format!("All of it: a cell is {cell}"));
    let bins = bins(canvas, scene, y);
    let mut y = top;
    for strip in &overview.strips {
        for (row, cells) in strip.cells.chunks(COLUMNS).enumerate() {
            let granule = row * COLUMNS * overview.scale;
            let place = Place { span: strip.span, granule };
            canvas.text(MARGIN + LABEL - 8.0, y + 12.0, &scene.name(place), Text::CODE.right());
            self::cells(canvas, cells, y);
            frame(canvas, shown, place, cells.len(), overview.scale, y);
            y += CELL.1 + 3.0;
        }
        if strip.left_out > 0 {
            let (granules, bytes) = (grouped(strip.left_out), grouped(strip.left_out * GRANULE));
            let text =
                format!("and {granules} granules more, {bytes} bytes, all free, to the end of the span");
            canvas.text(MARGIN + LABEL, y + 12.0, &text, Text::SMALL);
            y += CELL.1 + 3.0;
        }
    }
    if overview.left_out > 0 {
        canvas.text(
            MARGIN + LABEL,
            y + 12.0,
            &format!("and {} more", count(overview.left_out, "span")),
            Text::SMALL,
        );
        y += CELL.1;
    }
    y.max(bins)
}

/// A row of cells: neighbours alike are one rectangle.
fn cells(canvas: &mut Canvas, cells: &[Shade], y: f64) {
    let mut at = 0;
    for run in cells.chunk_by(|one, other| one == other) {
        let class = match run[0] {
            Shade::Overhead => "overhead".to_owned(),
            Shade::Free => "free".to_owned(),
            Shade::Used(level) => format!("used{level}"),
        };
        canvas.rect(left(at), y, run.len() as f64 * CELL.0, CELL.1, &class);
        at += run.len();
    }
}

/// The frame around what of a row is enlarged.
fn frame(canvas: &mut Canvas, shown: &Layout<'_>, row: Place, cells: usize, scale: usize, y: f64) {
    let Some((from, to)) = shown.range() else { return };
    if from.span != row.span {
        return;
    }
    let cell_of = |granule: usize| granule.saturating_sub(row.granule) / scale;
    let (start, end) = (cell_of(from.granule), cell_of(to - 1) + 1);
    if start < cells && to > row.granule {
        let end = end.min(cells);
        canvas.rect(left(start) - 1.0, y - 1.0, (end - start) as f64 * CELL.0 + 2.0, CELL.1 + 2.0, "frame");
    }
}

fn left(cell: usize) -> f64 {
    MARGIN + LABEL + cell as f64 * CELL.0
}

/// The bins that hold chunks; where the list ends.
fn bins(canvas: &mut Canvas, scene: &Scene, y: f64) -> f64 {
    let bins = &scene.picture.bins;
    let columns = [BINS_X + 30.0, BINS_X + 200.0, BINS_X + 270.0, BINS_X + 290.0];
    let mut y = heading(canvas, BINS_X, y, "Bins with free chunks: lists by size");
    canvas.text(columns[0], y + 11.0, "bin", Text::SMALL.right());
    canvas.text(columns[1], y + 11.0, "bytes", Text::SMALL.right());
    canvas.text(columns[2], y + 11.0, "chunks", Text::SMALL.right());
    canvas.text(columns[3], y + 11.0, "first", Text::SMALL);
    y += 17.0;
    canvas.line((BINS_X, y), (MARGIN + INNER, y), "rule");
    for Bin { number, chunks, smallest, largest, head } in bins.iter().take(BIN_ROWS) {
        let sizes = match smallest == largest {
            true => grouped(smallest * GRANULE),
            false => format!("{} to {}", grouped(smallest * GRANULE), grouped(largest * GRANULE)),
        };
        let head = head.map_or(String::new(), |head| scene.name(head));
        canvas.text(columns[0], y + 15.0, &number.to_string(), Text::CODE.right());
        canvas.text(columns[1], y + 15.0, &sizes, Text::CODE.right());
        canvas.text(columns[2], y + 15.0, &grouped(*chunks), Text::CODE.right());
        canvas.text(columns[3], y + 15.0, &head, Text::CODE);
        y += 17.0;
    }
    if bins.len() > BIN_ROWS {
        let rest = bins.len() - BIN_ROWS;
        canvas.text(BINS_X, y + 15.0, &format!("and {} of larger chunks", count(rest, "bin")), Text::SMALL);
        y += 17.0;
    }
    y
}
