//! How to read the page.

use memalloc_core::GRANULE;

use super::canvas::{Canvas, Text};
use super::{INNER, MARGIN, heading};

const HEIGHT: f64 = 186.0;
const LINE: f64 = 18.0;
const COLUMNS: [f64; 3] = [MARGIN + 18.0, MARGIN + 452.0, MARGIN + 890.0];

/// Draws the guide; where it ends.
pub(super) fn draw(canvas: &mut Canvas, y: f64) -> f64 {
    canvas.rect(MARGIN, y, INNER, HEIGHT, "panel");
    colours(canvas, COLUMNS[0], y + 10.0);
    codes(canvas, COLUMNS[1], y + 10.0);
    words(canvas, COLUMNS[2], y + 10.0);
    y + HEIGHT
}

fn lines(canvas: &mut Canvas, x: f64, y: f64, lines: &[&str]) -> f64 {
    for (line, text) in lines.iter().enumerate() {
        canvas.text(x, y + 13.0 + LINE * line as f64, text, Text::BODY);
    }
    y + LINE * lines.len() as f64
}

fn colours(canvas: &mut Canvas, x: f64, y: f64) {
    let y = heading(canvas, x, y, "Memory, granules, chunks");
    let granule = format!("Memory is cut in granules of {GRANULE} bytes: two words.");
    let text = [
        &granule,
        "A chunk is a whole number of granules. One in use",
        "keeps nothing in itself: the map tells all of it.",
    ];
    let mut y = lines(canvas, x, y, &text) + 8.0;
    for (class, meaning) in [
        ("overhead", "header, map and bins, at the start of a span"),
        ("used", "chunks in use; paler where a cell is used in part"),
        ("free", "free chunks"),
    ] {
        canvas.rect(x, y, 26.0, 14.0, class);
        canvas.text(x + 36.0, y + 12.0, meaning, Text::BODY);
        y += 22.0;
    }
}

/// The four codes of the map.
fn codes(canvas: &mut Canvas, x: f64, y: f64) {
    let y = heading(canvas, x, y, "The map: two bits for each granule");
    canvas.text(x + 17.0, y + 11.0, "used", Text::SMALL.centred());
    canvas.text(x + 55.0, y + 11.0, "lower", Text::SMALL.centred());
    let codes = [
        (false, false, "inside a chunk, not its first granule"),
        (false, true, "first of a free chunk"),
        (true, false, "first of a chunk in use"),
        (true, true, "first of one in use above a free chunk"),
    ];
    let mut y = y + 18.0;
    for (used, lower, meaning) in codes {
        bit(canvas, x + 17.0, y, used);
        bit(canvas, x + 55.0, y, lower);
        canvas.text(x + 80.0, y + 13.0, meaning, Text::BODY);
        y += 23.0;
    }
    canvas.text(
        x,
        y + 14.0,
        "A long chunk in use has its end noted too, in the map entry named.",
        Text::SMALL,
    );
}

/// A bit of the map, its top middle at the point.
pub(super) fn bit(canvas: &mut Canvas, x: f64, y: f64, set: bool) {
    canvas.rect(x - 9.0, y, 18.0, 17.0, if set { "on" } else { "off" });
    let how = if set { Text::ON_DARK } else { Text::SMALL };
    canvas.text(x, y + 13.0, if set { "1" } else { "0" }, how.centred());
}

fn words(canvas: &mut Canvas, x: f64, y: f64) {
    let y = heading(canvas, x, y, "What a free chunk keeps in itself");
    let entries = [
        ("next", "the next free chunk of the same bin"),
        ("size", "its granules (kept as bytes + 1: odd)"),
        ("back", "where the link to this one stands"),
        ("footer", "its size again, in its last word: from it,"),
        ("", "the chunk above finds where this one starts"),
        ("back", "of a chunk of one granule: its second word, and"),
        ("", "its last: even, it is a footer that says one"),
    ];
    for (line, (word, meaning)) in entries.into_iter().enumerate() {
        let base = y + 13.0 + 20.0 * line as f64;
        canvas.text(x, base, word, Text::CODE);
        canvas.text(x + 70.0, base, meaning, Text::BODY);
    }
}
