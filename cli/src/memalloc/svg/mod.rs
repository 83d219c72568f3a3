//! A heap drawn as one self-contained SVG page.
//!
//! ```text
//!   title, totals
//!   how to read it               the map's codes, what a free chunk keeps
//!   the span, not to scale       header │ map │ bins │ granules
//!   all of it                    cells, and the bins at the side
//!   a stretch, enlarged          granules, their words, their bits, links as arrows
//! ```

mod arrows;
mod canvas;
mod enlarged;
mod guide;
mod heap;

use super::draw::Scene;
use super::report::grouped;
use super::terminal::count;
use canvas::{Canvas, Text};

/// Units across the page, and its margin.
const WIDTH: f64 = 1400.0;
const MARGIN: f64 = 40.0;
/// Units between the margins.
const INNER: f64 = WIDTH - 2.0 * MARGIN;

/// The page.
pub(crate) fn draw(scene: &Scene) -> String {
    let mut canvas = Canvas::new();
    let mut y = title(&mut canvas, scene, MARGIN);
    y = guide::draw(&mut canvas, y + 24.0);
    let shown = enlarged::layout(scene);
    y = heap::span(&mut canvas, scene, y + 30.0);
    y = heap::overview(&mut canvas, scene, &shown, y + 34.0);
    y = enlarged::draw(&mut canvas, scene, &shown, y + 40.0);
    canvas.finish(WIDTH, y + MARGIN)
}

fn title(canvas: &mut Canvas, scene: &Scene, y: f64) -> f64 {
    let totals = &scene.picture.totals;
    let free = scene.picture.chunks.iter().filter(|chunk| chunk.is_free()).count();
    let facts = format!(
        "{} bytes held in {}:  {} in use in {},  {} free in {},  {} of header, map and bins",
        grouped(totals.source()),
        count(totals.spans(), "span"),
        grouped(totals.used()),
        count(totals.used_chunks(), "chunk"),
        grouped(totals.free()),
        count(free, "chunk"),
        grouped(totals.overhead()),
    );
    canvas.text(MARGIN, y + 22.0, &scene.title(), Text::TITLE);
    canvas.text(MARGIN, y + 46.0, &facts, Text::BODY);
    y + 46.0
}

/// A section's heading; where what is under it starts.
fn heading(canvas: &mut Canvas, x: f64, y: f64, text: &str) -> f64 {
    canvas.text(x, y + 14.0, text, Text::HEADING);
    y + 26.0
}
