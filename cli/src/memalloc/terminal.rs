//! A heap drawn in characters.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::draw::Scene;
use super::overview::{Overview, Shade};
use super::picture::{Bin, Chunk, Kind, Place};
use super::report::grouped;
use memalloc_core::GRANULE;

/// How to draw.
pub(crate) struct Terminal {
    pub(crate) width: usize,
    pub(crate) colours: bool,
}

const OVERHEAD: Style = AnsiColor::Yellow.on_default();
const USED: Style = AnsiColor::Blue.on_default();
const FREE: Style = AnsiColor::Green.on_default();
const HEADING: Style = Style::new().bold();
const PLAIN: Style = Style::new();

/// Columns before a row of the overview and of the enlarged granules.
const LABEL: usize = 10;
/// Columns that a line on a chunk takes with its longest words.
pub(crate) const NARROWEST: usize = 54;
/// Columns of a granule, enlarged.
const CELL: usize = 3;
const OVERVIEW_ROWS: usize = 16;
const ENLARGED_ROWS: usize = 2;
const BINS: usize = 12;

impl Terminal {
    /// The whole drawing.
    pub(crate) fn draw(&self, scene: &Scene) -> String {
        let mut out = String::new();
        self.heading(&mut out, &scene.title());
        self.totals(&mut out, scene);
        self.overview(&mut out, scene);
        self.enlarged(&mut out, scene);
        self.bins(&mut out, scene);
        out
    }

    fn totals(&self, out: &mut String, scene: &Scene) {
        let totals = &scene.picture.totals;
        let free = scene.picture.chunks.iter().filter(|chunk| chunk.is_free()).count();
        let text = format!(
            "{} bytes held in {}: {} in use in {}, {} free in {}, {} of header, map and bins.",
            grouped(totals.source()),
            count(totals.spans(), "span"),
            grouped(totals.used()),
            count(totals.used_chunks(), "chunk"),
            grouped(totals.free()),
            count(free, "chunk"),
            grouped(totals.overhead()),
        );
        self.paragraph(out, &text);
    }

    fn overview(&self, out: &mut String, scene: &Scene) {
        let columns = self.width - LABEL;
        let overview = Overview::of(&scene.picture, columns, OVERVIEW_ROWS);
        let unit = match overview.scale {
            1 => format!("a granule, {GRANULE} bytes"),
            scale => format!("{} granules, {} bytes", grouped(scale), grouped(scale * GRANULE)),
        };
        out.push('\n');
        self.heading(out, &format!("All of it. Each character is {unit}:"));
        self.legend(out);
        for strip in &overview.strips {
            for (row, cells) in strip.cells.chunks(columns).enumerate() {
                let granule = row * columns * overview.scale;
                self.label(out, &scene.name(Place { span: strip.span, granule }));
                for run in cells.chunk_by(|one, other| one == other) {
                    let (character, style) = shade(run[0]);
                    self.paint(out, style, &character.to_string().repeat(run.len()));
                }
                out.push('\n');
            }
            if strip.left_out > 0 {
                self.label(out, "");
                let _ = writeln!(out, "{} more granules, free, to the span's end", grouped(strip.left_out));
            }
        }
        if overview.left_out > 0 {
            let _ = writeln!(out, "and {} more", count(overview.left_out, "span"));
        }
    }

    fn legend(&self, out: &mut String) {
        let entries = [
            (OVERHEAD, "#", "header, map, bins"),
            (USED, "█▓▒░", "in use, wholly or partly"),
            (FREE, "·", "free"),
        ];
        let mut at = 0;
        for (style, sample, meaning) in entries {
            let columns = sample.chars().count() + 1 + meaning.len();
            if at > 0 && at + 2 + columns > self.width {
                out.push('\n');
                at = 0;
            }
            out.push_str(if at > 0 { "  " } else { "" });
            self.paint(out, style, sample);
            let _ = write!(out, " {meaning}");
            at += columns + 2;
        }
        out.push('\n');
    }

    fn enlarged(&self, out: &mut String, scene: &Scene) {
        let per_row = (self.width - LABEL) / CELL;
        let from = scene.enlarge_from(per_row * ENLARGED_ROWS, |chunk| Drawn::of(chunk).cells());
        let rows = rows(&scene.picture.chunks[from..], per_row);
        out.push('\n');
        self.heading(
            out,
            &format!("From {} on, with the map's two bits for each granule:", name_of(scene, from)),
        );
        for row in &rows {
            self.granules(out, scene, row);
        }
        out.push('\n');
        self.heading(out, "What is kept of these:");
        let _ = writeln!(out, "{:>LABEL$} {:>9}  used lower", "granule", "bytes");
        for chunk in rows.concat() {
            self.chunk(out, scene, &chunk);
        }
        self.paragraph(
            out,
            "used: a chunk in use starts here. lower: a free chunk starts here, or, with used, ends here. next, back: \
             the bin's list. size, footer: in granules, so that either end finds the other.",
        );
    }

    /// A row of granules: their numbers, what lies there, and their two bits.
    fn granules(&self, out: &mut String, scene: &Scene, row: &[Chunk]) {
        let mut numbers = String::new();
        for (chunk, next) in row.iter().zip(row.iter().skip(1).map(Some).chain([None])) {
            let columns = Drawn::of(chunk).cells() * CELL;
            let name = scene.name(chunk.at);
            // A number too long for its chunk would hide the next one's.
            let fits = name.len() < columns || next.is_none();
            let _ = write!(numbers, "{:<columns$}", if fits { &name } else { "" });
        }
        self.label(out, "");
        let _ = writeln!(out, "{}", numbers.trim_end());
        self.label(out, "memory");
        for chunk in row {
            let (character, style) = if chunk.is_free() { ("·", FREE) } else { ("█", USED) };
            let memory = |whole: usize| character.repeat(whole * CELL);
            let text = match Drawn::of(chunk) {
                Drawn::Whole(cells) => memory(cells),
                Drawn::Cut => format!("{} … {}", memory(2), memory(1)),
            };
            out.push('|');
            self.paint(out, style, &text.chars().skip(1).collect::<String>());
        }
        out.push_str("|\n");
        for (name, bit) in [("used", 0), ("lower", 1)] {
            self.label(out, name);
            let bits = row.iter().map(|chunk| {
                let first = <[bool; 2]>::from(chunk.bits())[bit];
                let others = match Drawn::of(chunk) {
                    Drawn::Whole(cells) => " 0 ".repeat(cells - 1),
                    Drawn::Cut => " 0  …  0 ".to_owned(),
                };
                format!(" {} {others}", u8::from(first))
            });
            let _ = writeln!(out, "{}", bits.collect::<String>().trim_end());
        }
    }

    /// A line on a chunk.
    fn chunk(&self, out: &mut String, scene: &Scene, chunk: &Chunk) {
        let (used, lower) = chunk.bits();
        let (name, bytes) = (scene.name(chunk.at), grouped(chunk.granules * GRANULE));
        let start = format!("{name:>LABEL$} {bytes:>9}   {}    {}    ", u8::from(used), u8::from(lower));
        let style = if used { USED } else { FREE };
        let text = match chunk.kind {
            Kind::Used { id, asked, .. } => {
                let note = chunk.note().map_or(String::new(), |entry| {
                    let end = scene.name(Place { granule: chunk.end(), ..chunk.at });
                    format!("; map entry {entry} notes its end: {end}")
                });
                format!("in use: {}, id {id}{note}", count(asked, "byte"))
            }
            Kind::Free { bin, next, back, footer } => {
                let next = next.map_or("none".to_owned(), |next| scene.name(next));
                let back = back.map_or(format!("bin {bin}"), |back| scene.name(back));
                match chunk.granules {
                    1 => format!("free: next {next}, back {back} (its footer too)"),
                    size => format!("free: next {next}, back {back}, size {size}, footer {footer}"),
                }
            }
        };
        out.push_str(&start);
        let indent = start.len();
        for (index, line) in wrapped(&text, self.width.saturating_sub(indent)).iter().enumerate() {
            if index > 0 {
                let _ = write!(out, "{:indent$}", "");
            }
            self.paint(out, style, line);
            out.push('\n');
        }
    }

    fn bins(&self, out: &mut String, scene: &Scene) {
        let bins = &scene.picture.bins;
        out.push('\n');
        self.heading(out, "Bins with free chunks:");
        let _ = writeln!(out, "{:>6} {:>19} {:>7}  first", "bin", "bytes", "chunks");
        for Bin { number, chunks, smallest, largest, head } in bins.iter().take(BINS) {
            let sizes = match smallest == largest {
                true => grouped(smallest * GRANULE),
                false => format!("{} to {}", grouped(smallest * GRANULE), grouped(largest * GRANULE)),
            };
            let head = head.map_or(String::new(), |head| scene.name(head));
            let _ = writeln!(out, "{number:>6} {sizes:>19} {:>7}  {head}", grouped(*chunks));
        }
        if bins.len() > BINS {
            let _ = writeln!(out, "and {} more", bins.len() - BINS);
        }
    }

    fn heading(&self, out: &mut String, text: &str) {
        for line in wrapped(text, self.width) {
            self.paint(out, HEADING, &line);
            out.push('\n');
        }
    }

    fn paragraph(&self, out: &mut String, text: &str) {
        for line in wrapped(text, self.width) {
            out.push_str(&line);
            out.push('\n');
        }
    }

    fn label(&self, out: &mut String, text: &str) {
        let _ = write!(out, "{text:>width$} ", width = LABEL - 1);
    }

    fn paint(&self, out: &mut String, style: Style, text: &str) {
        let style = if self.colours { style } else { PLAIN };
        let _ = write!(out, "{style}{text}{style:#}");
    }
}

/// How a chunk is drawn, enlarged.
enum Drawn {
    /// All its granules.
    Whole(usize),
    /// Two granules, a gap, and the last.
    Cut,
}

impl Drawn {
    fn of(chunk: &Chunk) -> Self {
        if chunk.granules <= 6 { Self::Whole(chunk.granules) } else { Self::Cut }
    }

    fn cells(&self) -> usize {
        match *self {
            Self::Whole(cells) => cells,
            Self::Cut => 4,
        }
    }
}

/// As many chunks as fit on the rows, none of them broken.
fn rows(chunks: &[Chunk], per_row: usize) -> Vec<&[Chunk]> {
    let (mut rows, mut at) = (Vec::new(), 0);
    while rows.len() < ENLARGED_ROWS && at < chunks.len() {
        let mut left = per_row;
        let fits = |chunk: &&Chunk| {
            let fits = left.checked_sub(Drawn::of(chunk).cells());
            left = fits.unwrap_or(0);
            fits.is_some() && chunk.at.span == chunks[at].at.span
        };
        let count = chunks[at..].iter().take_while(fits).count();
        rows.push(&chunks[at..at + count]);
        at += count;
    }
    rows
}

fn shade(shade: Shade) -> (char, Style) {
    match shade {
        Shade::Overhead => ('#', OVERHEAD),
        Shade::Free => ('·', FREE),
        Shade::Used(level) => (['░', '▒', '▓', '█'][usize::from(level.clamp(1, Shade::FULL)) - 1], USED),
    }
}

fn name_of(scene: &Scene, chunk: usize) -> String {
    scene.picture.chunks.get(chunk).map_or("g0".to_owned(), |chunk| scene.name(chunk.at))
}

/// `1 chunk`, `2 chunks`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// The words of a text in lines of at most `width` characters, where the words allow it.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("one line at least");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
