//! What the options mean together, and what GNU du says where they mean nothing.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use memalloc_os::walk::{Follow, Listing, Size, Time};

use super::choice::{chosen, time, wrong_choice};
use super::command::Line;
use super::environment::{scale_of_environment, style_of_environment};
use super::face::Face;
use super::files::Files;
use super::groups::By;
use super::message::reason;
use super::order::{Key, Order};
use super::processes::{forks, jobs};
use super::quote::{cited, locale_is_utf8, quoted_if_needed};
use super::scale::Scale;
use super::standard::Input;
use super::time::TimeFormat;
use super::view::View;
use super::{pattern, size};

/// What to do.
pub(super) struct Settings {
    pub(super) view: View,
    pub(super) listing: Listing,
    pub(super) scale: Scale,
    /// What ends a line.
    pub(super) end: u8,
    /// A grand total is to follow.
    pub(super) total: bool,
    /// At least so much is listed, or, if negative, at most.
    pub(super) threshold: i64,
    /// Inodes are printed, not sizes.
    pub(super) inodes: bool,
    /// What others use too is printed.
    pub(super) shared: bool,
    pub(super) time: Option<TimeFormat>,
    /// The order of lines, if it is not that of the view.
    pub(super) order: Option<Order>,
    pub(super) operands: Operands,
    /// Messages that are no errors.
    pub(super) warnings: Vec<Vec<u8>>,
}

/// Where the operands are.
pub(super) enum Operands {
    Here(Vec<OsString>),
    In(OsString),
}

/// What there is instead of settings.
pub(super) enum Otherwise {
    Help,
    Version,
    /// Messages, the first of each having the program's name; the last points to the help or not.
    Wrong {
        messages: Vec<Vec<u8>>,
        usage: bool,
    },
}

/// What options say one by one.
struct Draft<'f> {
    face: &'f Face,
    /// The arguments as they were written.
    form: &'f [OsString],
    view: View,
    listing: Listing,
    /// A unit that was asked for.
    scale: Option<Scale>,
    apparent: Option<bool>,
    depth: Option<usize>,
    summarize: bool,
    null: bool,
    total: bool,
    inodes: bool,
    threshold: i64,
    style: Option<OsString>,
    key: Option<Key>,
    reverse: bool,
    files0: Option<OsString>,
    patterns: Vec<Vec<u8>>,
    files: Files,
    /// What is wrong, but does not keep the other options from being read.
    wrong: Vec<Vec<u8>>,
}

/// Reads options, in order, and operands.
pub(super) fn settings(face: &Face, line: Line) -> Result<Settings, Otherwise> {
    let mut draft = Draft::new(face, &line.form);
    for (name, argument) in &line.options {
        draft.option(name, argument)?;
    }
    if let Some(message) = draft.view.conflict(&line.options) {
        draft.wrong.push(message);
    }
    if draft.view == View::Tree && draft.threshold < 0 {
        draft.wrong.push(b"a tree needs its root: --threshold must not be negative".into());
    }
    draft.finish(line.operands)
}

impl<'f> Draft<'f> {
    fn new(face: &'f Face, form: &'f [OsString]) -> Self {
        let mut listing = Listing::default();
        if !face.is_du {
            listing.follow = Follow::All;
            listing.count_dangling = true;
        }
        Self {
            face,
            form,
            view: View::default(),
            listing,
            scale: None,
            apparent: None,
            depth: None,
            summarize: false,
            null: false,
            total: false,
            inodes: false,
            threshold: 0,
            style: None,
            key: None,
            reverse: false,
            files0: None,
            patterns: Vec::new(),
            files: Files::default(),
            wrong: Vec::new(),
        }
    }

    fn option(&mut self, name: &str, argument: &OsStr) -> Result<(), Otherwise> {
        match name {
            "all" => self.listing.files = true,
            "total" => self.total = true,
            "max-depth" => self.max_depth(argument),
            "summarize" => self.summarize = true,
            "separate-dirs" => self.listing.separate = true,
            "threshold" => {
                self.threshold = size::threshold(argument.as_bytes())
                    .map_err(|kind| self.wrong_size(kind, ["-t", "--threshold"], argument))?
            }
            "exclude" => self.patterns.push(argument.as_bytes().into()),
            "exclude-from" => self.exclude_from(argument),
            "files0-from" => self.files0 = Some(argument.into()),
            "exclude-caches" => self.listing.exclude_caches = true,
            "exclude-kernfs" => self.listing.exclude_kernfs = true,
            "one-file-system" => self.listing.one_file_system = true,
            "apparent-size" | "A" => self.apparent = Some(true),
            "disk-usage" => self.apparent = Some(false),
            "inodes" => self.inodes = true,
            "count-links" => self.listing.count_links = true,
            "dereference" => self.listing.follow = Follow::All,
            "dereference-args" | "H" => self.listing.follow = Follow::Operands,
            "no-dereference" => self.listing.follow = Follow::Nothing,
            "bytes" => (self.apparent, self.scale) = (Some(true), Some(Scale::unit(1))),
            "null" => self.null = true,
            "block-size" => {
                self.scale = Some(
                    size::block(argument.as_bytes())
                        .map_err(|kind| self.wrong_size(kind, ["-B", "--block-size"], argument))?,
                )
            }
            "human-readable" => self.scale = Some(Scale::Powers(1024)),
            "si" => self.scale = Some(Scale::Powers(1000)),
            "k" => self.scale = Some(Scale::unit(1 << 10)),
            "m" => self.scale = Some(Scale::unit(1 << 20)),
            "time" => self.listing.time = Some(time(argument)?),
            "time-style" => self.style = Some(argument.into()),
            "exclude-hidden" => self.listing.exclude_hidden = true,
            "larger" | "smaller" | "newer" | "older" | "include" => {
                self.files.option(name, argument).unwrap_or_else(|message| self.wrong.push(message));
            }
            "sort" => match Key::read(argument) {
                Ok(key) => self.key = Some(key),
                Err(message) => self.wrong.push(message),
            },
            "reverse" => self.reverse = true,
            "by" => match By::read(argument) {
                Ok(by) => self.view = View::Groups(by),
                Err(message) => self.wrong.push(message),
            },
            "shared" => self.listing.shared = true,
            "json" => self.view = View::Json,
            "tree" => self.view = View::Tree,
            "top" => match View::top(argument) {
                Ok(view) => self.view = view,
                Err(message) => self.wrong.push(message),
            },
            "jobs" => self.listing.walk.jobs = Some(jobs(argument)?),
            "fork" => self.listing.walk.forks = forks(argument)?,
            "help" => return Err(Otherwise::Help),
            _ => return Err(Otherwise::Version),
        }
        Ok(())
    }

    /// What is wrong with a size, in a message that names the option as it was written.
    fn wrong_size(&self, kind: size::Wrong, [short, long]: [&str; 2], argument: &OsStr) -> Otherwise {
        let argument = argument.as_bytes();
        let as_short = [short.as_bytes(), b"=", argument].concat();
        let is_short = self.form.iter().any(|arg| arg.as_bytes() == as_short);
        // GNU du looks for a negative zero by itself.
        let is_short = is_short && !(short == "-t" && argument == b"-0");
        wrong(kind.message(if is_short { short } else { long }, argument), false)
    }

    fn max_depth(&mut self, argument: &OsStr) {
        match size::plain(argument.as_bytes()) {
            Some(depth) => self.depth = Some(depth),
            None => self.wrong.push([b"invalid maximum depth ", &*cited(argument.as_bytes())].concat()),
        }
    }

    /// Takes the lines of a file as patterns, without white space at their ends.
    fn exclude_from(&mut self, path: &OsStr) {
        let text = if path == "-" {
            let mut text = Vec::new();
            Input.read_to_end(&mut text).map(|_| text)
        } else {
            fs::read(path)
        };
        match text {
            Ok(text) => {
                let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
                self.patterns.extend(lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec));
            }
            Err(error) => {
                self.wrong.push([&*quoted_if_needed(path), b": ", reason(&error).as_bytes()].concat());
            }
        }
    }

    fn finish(mut self, mut operands: Vec<OsString>) -> Result<Settings, Otherwise> {
        match std::mem::take(&mut self.files).finish() {
            Ok(filter) => self.listing.filter = filter,
            Err(message) => self.wrong.push(message),
        }
        if !self.wrong.is_empty() {
            return Err(Otherwise::Wrong { messages: self.wrong, usage: true });
        }
        let mut warnings = Vec::new();
        self.listing.files |= matches!(self.view, View::Top(_) | View::Groups(_));
        self.listing.origins = matches!(self.view, View::Groups(_));
        self.settle_depth(&mut warnings)?;
        if self.inodes && self.apparent == Some(true) {
            warnings.push(b"warning: options --apparent-size and -b are ineffective with --inodes".to_vec());
        }
        let apparent = self.apparent.unwrap_or(!self.face.is_du);
        self.listing.size = if apparent { Size::Apparent } else { Size::Disk };
        let scale = self.scale();
        let time = if self.listing.time.is_some() { Some(self.time_format()?) } else { None };
        let order = self.order();
        self.settle_patterns();
        let operands = match self.files0.take() {
            Some(_) if !operands.is_empty() => {
                let message = [b"extra operand ", &*cited(operands[0].as_bytes())].concat();
                let more = b"\nfile operands cannot be combined with --files0-from".as_slice();
                return Err(wrong([&message, more].concat(), true));
            }
            Some(list) => Operands::In(list),
            None => {
                if operands.is_empty() {
                    operands.push(".".into());
                }
                Operands::Here(operands)
            }
        };
        self.listing.several_operands = !matches!(&operands, Operands::Here(operands) if operands.len() == 1);
        if self.view == View::Json {
            self.settle_json(&operands)?;
        }
        Ok(Settings {
            shared: self.listing.shared,
            view: self.view,
            listing: self.listing,
            scale,
            end: if self.null { 0 } else { b'\n' },
            total: self.total,
            threshold: self.threshold,
            inodes: self.inodes,
            time,
            order,
            operands,
            warnings,
        })
    }

    fn settle_json(&mut self, operands: &Operands) -> Result<(), Otherwise> {
        if let Operands::Here(operands) = operands
            && let [_, extra, ..] = operands.as_slice()
        {
            let extra = cited(extra.as_bytes());
            return Err(wrong([b"extra operand ", &*extra, b"\n--json takes one DIR"].concat(), true));
        }
        (self.listing.size, self.listing.both_sizes) = (Size::Apparent, true);
        (self.listing.files, self.listing.depth) = (true, usize::MAX);
        Ok(())
    }

    fn settle_depth(&mut self, warnings: &mut Vec<Vec<u8>>) -> Result<(), Otherwise> {
        if self.listing.files && self.summarize {
            return Err(wrong(b"cannot both summarize and show all entries".to_vec(), true));
        }
        match self.depth {
            Some(0) if self.summarize => {
                warnings.push(b"warning: summarizing is the same as using --max-depth=0".to_vec());
            }
            Some(depth) if self.summarize => {
                let message = format!("warning: summarizing conflicts with --max-depth={depth}");
                return Err(wrong(message.into(), true));
            }
            _ => {}
        }
        let lists_operands = self.summarize || (!self.face.is_du && !self.listing.files);
        self.listing.depth = match self.depth {
            Some(depth) => depth,
            None if matches!(self.view, View::Groups(_)) => usize::MAX,
            None if self.view == View::Tree && !self.summarize => 2,
            None if lists_operands => 0,
            None => usize::MAX,
        };
        Ok(())
    }

    fn scale(&mut self) -> Scale {
        let counts_bytes = !self.face.is_du && self.listing.size == Size::Apparent;
        let scale = self.scale.take().unwrap_or_else(|| match self.view {
            View::Tree if !self.inodes => Scale::Powers(1024),
            _ if counts_bytes => Scale::unit(1),
            _ => scale_of_environment(),
        });
        match scale {
            // What is left of kB and of KiB for single inodes.
            Scale::Unit { suffix, .. } if self.inodes && suffix.ends_with('B') => {
                Scale::Unit { bytes: 1, suffix: "B".into() }
            }
            Scale::Unit { .. } if self.inodes => Scale::unit(1),
            scale => scale,
        }
    }

    fn time_format(&self) -> Result<TimeFormat, Otherwise> {
        let style = match &self.style {
            Some(style) => style.as_bytes().to_vec(),
            None => style_of_environment(),
        };
        if let Some(format) = style.strip_prefix(b"+") {
            return Ok(TimeFormat(format.to_vec()));
        }
        let formats = [("full-iso", FULL_ISO), ("long-iso", LONG_ISO), ("iso", ISO)];
        let format = chosen(&formats, &style).map_err(|kind| {
            wrong_choice(kind, &style, "time style", &[&["full-iso"], &["long-iso"], &["iso"]])
        })?;
        Ok(TimeFormat(format.into()))
    }

    fn order(&mut self) -> Option<Order> {
        if self.key == Some(Key::Time) {
            self.listing.time = self.listing.time.or(Some(Time::Modified));
        }
        let (key, reverse) = (self.key, self.reverse);
        (key.is_some() || reverse).then(|| Order { key: key.unwrap_or_default(), reverse })
    }

    fn settle_patterns(&mut self) {
        let patterns = std::mem::take(&mut self.patterns);
        if !patterns.is_empty() {
            let utf8 = locale_is_utf8();
            self.listing.exclude = Some(Rc::new(move |path| {
                patterns.iter().any(|pattern| pattern::excludes(pattern, path, utf8))
            }));
        }
    }
}

const FULL_ISO: &str = "%Y-%m-%d %H:%M:%S.%N %z";
const LONG_ISO: &str = "%Y-%m-%d %H:%M";
const ISO: &str = "%Y-%m-%d";

/// A message that ends it all.
pub(super) fn wrong(message: Vec<u8>, usage: bool) -> Otherwise {
    Otherwise::Wrong { messages: vec![message], usage }
}
