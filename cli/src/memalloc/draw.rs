//! `memalloc map`: replays a trace up to some operation, and draws the heap that it leaves.

use std::io::{self, Write};
use std::path::Path;

use memalloc_core::{General, Heap, Mode, PageSource, RealTime};

use super::colour::may_be_coloured;
use super::harmless::harmless;
use super::options::{HeapKind, Map};
use super::picture::{Chunk, Picture, Place};
use super::replay::Replayer;
use super::run::{Outcome, arena, complain};
use super::supply::{Mapped, Supply};
use super::terminal::{NARROWEST, Terminal, count};
use super::trace::Trace;
use super::{input, overview, svg};

/// A heap to be drawn, and what to say about it.
pub(crate) struct Scene {
    /// What was replayed.
    pub(crate) trace: String,
    /// Operations done, and in the trace.
    pub(crate) done: usize,
    pub(crate) operations: usize,
    /// Whether most payload is live.
    pub(crate) is_peak: bool,
    pub(crate) picture: Picture,
    /// The chunk to enlarge from on, if the user chose.
    pub(crate) chosen: Option<usize>,
}

impl Scene {
    /// One line that says what is drawn.
    pub(crate) fn title(&self) -> String {
        let peak = if self.is_peak { ", when most payload is live" } else { "" };
        let (done, all) = (super::report::grouped(self.done), super::report::grouped(self.operations));
        format!("The heap of {} after {done} of {all} operations{peak}", self.trace_name())
    }

    /// The file's name alone, and not for ever.
    fn trace_name(&self) -> String {
        const MOST: usize = 28;
        let name = self.trace.rsplit('/').next().unwrap_or_default();
        match name.chars().count() {
            0..=MOST => name.to_owned(),
            _ => name.chars().take(MOST - 1).chain(['…']).collect(),
        }
    }

    /// The chunk to enlarge from on: the user's, or that with most to see in `room`, given what each chunk takes.
    pub(crate) fn enlarge_from(&self, room: usize, width: impl Fn(&Chunk) -> usize) -> usize {
        self.chosen.unwrap_or_else(|| overview::stretch(&self.picture, room, width))
    }

    /// A granule's name: `g7`, or `2:g7` where there is more than one span.
    pub(crate) fn name(&self, place: Place) -> String {
        match self.picture.spans.len() {
            1 => format!("g{}", place.granule),
            _ => format!("{}:g{}", place.span + 1, place.granule),
        }
    }
}

/// Draws what the options ask for.
pub(crate) fn map(options: &Map, out: &mut impl Write) -> io::Result<Outcome> {
    let scene = match input::read(&options.trace).and_then(|trace| scene(&trace, options)) {
        Ok(scene) => scene,
        Err(message) => return Ok(complain(&message)),
    };
    match &options.svg {
        None => {
            let terminal =
                Terminal { width: options.width.unwrap_or_else(width), colours: may_be_coloured() };
            out.write_all(terminal.draw(&scene).as_bytes())?;
        }
        Some(file) if file.as_os_str() == "-" => out.write_all(svg::draw(&scene).as_bytes())?,
        Some(file) => return Ok(write_file(file, &svg::draw(&scene))),
    }
    Ok(Outcome::Done)
}

fn write_file(file: &Path, text: &str) -> Outcome {
    match std::fs::write(file, text) {
        Ok(()) => Outcome::Done,
        Err(error) => complain(&format!("{}: {error}", harmless(file.display().to_string().chars()))),
    }
}

/// The terminal's width, within reason.
fn width() -> usize {
    const WITHOUT_TERMINAL: usize = 100;
    let width = terminal_size::terminal_size().map(|(terminal_size::Width(width), _)| usize::from(width));
    width.unwrap_or(WITHOUT_TERMINAL).clamp(NARROWEST, 200)
}

fn scene(trace: &Trace, options: &Map) -> Result<Scene, String> {
    let peak = trace.peak().operations;
    let done = options.at.unwrap_or(peak);
    if done > trace.operations.len() {
        return Err(format!("--at {done}: {} has {} operations", trace.name, trace.operations.len()));
    }
    let picture = picture(trace, done, options.heap)?;
    if picture.spans.is_empty() {
        return Err(format!("{} has no memory yet after {done} operations: nothing to draw", trace.name));
    }
    let chosen = options.granule.map(|(span, granule)| chosen(&picture, span, granule)).transpose()?;
    let is_peak = done == peak;
    Ok(Scene {
        trace: trace.name.clone(),
        done,
        operations: trace.operations.len(),
        is_peak,
        picture,
        chosen,
    })
}

/// The chunk at a granule that the user names.
fn chosen(picture: &Picture, span: usize, granule: usize) -> Result<usize, String> {
    let Some(there) = picture.spans.get(span - 1) else {
        return Err(format!(
            "--granule {span}:{granule}: the heap has {}",
            count(picture.spans.len(), "span")
        ));
    };
    picture.chunk_at(Place { span: span - 1, granule }).ok_or_else(|| {
        let (first, last) = (there.first, there.end - 1);
        format!("--granule {span}:{granule}: the chunks of span {span} are granules {first} to {last}")
    })
}

fn picture(trace: &Trace, done: usize, kind: HeapKind) -> Result<Picture, String> {
    match kind.arena {
        None => replayed_in_mode(trace, done, &mut Mapped, kind.real_time),
        Some(size) => replayed_in_mode(trace, done, &mut arena(size)?, kind.real_time),
    }
}

fn replayed_in_mode(
    trace: &Trace,
    done: usize,
    supply: &mut impl Supply,
    real_time: bool,
) -> Result<Picture, String> {
    if real_time {
        replayed(trace, done, &mut supply.heap::<RealTime>())
    } else {
        replayed(trace, done, &mut supply.heap::<General>())
    }
}

fn replayed<S: PageSource, M: Mode>(
    trace: &Trace,
    done: usize,
    heap: &mut Heap<S, M>,
) -> Result<Picture, String> {
    let mut replayer = Replayer::new(trace, heap);
    for (index, &operation) in trace.operations[..done].iter().enumerate() {
        replayer.step(operation).map_err(|error| format!("{}: {error}", trace.place(index)))?;
    }
    let blocks = replayer.blocks;
    // A picture shows free chunks, coalesced as the heap would before it asks for more.
    heap.flush();
    Ok(Picture::of(heap, &blocks, &trace.ids))
}
