//! A tree with bars, fitted to the width of the terminal.

use std::env;
use std::io;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::colour::may_be_coloured;
use super::colours::Colours;
use super::held::Held;
use super::quote::locale_is_utf8;
use super::scale::Scale;

/// Columns of the percentages.
const SHARE: usize = 4;

/// A bar is as wide as there is room, but no wider than that, and there is none narrower than this.
const WIDEST: usize = 30;
const NARROWEST: usize = 5;

/// Columns that are kept for names, before there is a bar.
const NAME: usize = 20;

/// How names and bars are drawn.
pub(super) struct Canvas {
    /// Columns of a line.
    columns: usize,
    /// Characters may be more than ASCII.
    utf8: bool,
    colours: Option<Colours>,
}

impl Canvas {
    /// What standard output is.
    pub(super) fn of_stdout() -> Self {
        Self { columns: columns(), utf8: locale_is_utf8(), colours: colours() }
    }

    /// Draws a tree, whose root comes first.
    pub(super) fn draw(&self, tree: &[Held], scale: &Scale) -> Vec<u8> {
        let whole = tree.first().map_or(0, |root| root.weight);
        let sizes: Vec<_> = tree.iter().map(|line| size(line, scale)).collect();
        let wide = sizes.iter().map(String::len).max().unwrap_or(0);
        let names: Vec<_> = branches(tree, self.utf8).into_iter().zip(tree).collect();
        let widths =
            names.iter().map(|(branches, line)| branches.width() + self.printable(line.name()).width());
        let room = self.columns.saturating_sub(wide + SHARE + 2);
        let bar = bar_width(room, widths.max().unwrap_or(0));
        let mut out = String::new();
        for ((branches, line), size) in names.into_iter().zip(sizes) {
            let share = percent(line.weight, whole);
            let bars = self.bar(line.weight, whole, bar);
            let name = self.name(line, &branches, room.saturating_sub(bars.width()));
            out += &format!("{size:>wide$} {share:>SHARE$} {bars}{branches}{name}\n");
        }
        out.into_bytes()
    }

    /// The name of a line, in its colour, in the columns that its branches leave.
    fn name(&self, line: &Held, branches: &str, room: usize) -> String {
        let room = room.saturating_sub(branches.width()).max(1);
        let name = cut(&self.printable(line.name()), room, self.utf8);
        match self.colours.as_ref().and_then(|colours| colours.code(&line.path)) {
            Some(code) => format!("\x1b[{code}m{name}\x1b[0m"),
            None => name,
        }
    }

    /// A name without what would move the cursor.
    fn printable(&self, name: &[u8]) -> String {
        let odd = if self.utf8 { '\u{fffd}' } else { '?' };
        let is_odd = |character: char| character.is_control() || (!self.utf8 && !character.is_ascii());
        String::from_utf8_lossy(name).chars().map(|it| if is_odd(it) { odd } else { it }).collect()
    }

    /// A bar of so many columns, and a space.
    fn bar(&self, weight: u64, whole: u64, width: usize) -> String {
        if width == 0 {
            return String::new();
        }
        let filled = (u128::from(weight) * width as u128).div_ceil(u128::from(whole.max(1))) as usize;
        let (full, empty) = if self.utf8 { ("█", "░") } else { ("#", ".") };
        full.repeat(filled.min(width)) + &empty.repeat(width.saturating_sub(filled)) + " "
    }
}

/// The width that is asked for, or that of the terminal, or 80.
fn columns() -> usize {
    let asked = env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|&columns| columns > 0);
    let found = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    asked.or_else(found).unwrap_or(80)
}

/// The colours of names, on a terminal that has any, unless none are wanted.
fn colours() -> Option<Colours> {
    may_be_coloured().then(Colours::of_environment)
}

/// What stands before each name.
fn branches(tree: &[Held], utf8: bool) -> Vec<String> {
    let [through, corner, fork, none] =
        if utf8 { ["│ ", "└─", "├─", "  "] } else { ["| ", "`-", "|-", "  "] };
    // Whether anything follows at a depth, seen from the end.
    let mut follows = Vec::new();
    let mut all: Vec<String> = Vec::new();
    for line in tree.iter().rev() {
        follows.resize(line.depth + 1, false);
        let above =
            follows.iter().take(line.depth).skip(1).map(|&goes_on| if goes_on { through } else { none });
        let own = (line.depth > 0).then(|| if follows[line.depth] { fork } else { corner });
        all.push(above.chain(own).collect());
        follows[line.depth] = true;
    }
    all.reverse();
    all
}

fn bar_width(room: usize, longest_name: usize) -> usize {
    if room < NAME + NARROWEST { 0 } else { room.saturating_sub(longest_name + 1).clamp(NARROWEST, WIDEST) }
}

fn size(line: &Held, scale: &Scale) -> String {
    let mut size = Vec::new();
    scale.append(line.weight, &mut size);
    String::from_utf8_lossy(&size).into_owned()
}

fn percent(weight: u64, whole: u64) -> String {
    let share = u128::from(weight) * 100 / u128::from(whole.max(1));
    format!("{share}%")
}

/// A text of so many columns at most.
fn cut(text: &str, columns: usize, utf8: bool) -> String {
    if text.width() <= columns {
        return text.into();
    }
    let mut left = columns.saturating_sub(1);
    let fits = |character: &char| {
        let width = character.width().unwrap_or(0);
        let fits = width <= left;
        left = if fits { left - width } else { 0 };
        fits
    };
    text.chars().take_while(fits).chain([if utf8 { '…' } else { '~' }]).collect()
}

#[cfg(test)]
mod tests {
    use memalloc_os::walk::Totals;

    use super::*;

    fn canvas(columns: usize, utf8: bool) -> Canvas {
        Canvas { columns, utf8, colours: None }
    }

    fn drawn(columns: usize, utf8: bool) -> String {
        let lines = [
            ("a", 0, 2000),
            ("a/a name that is long", 1, 1500),
            ("a/a name that is long/x\n\u{4e2d}", 2, 1000),
            ("a/a name that is long/y", 2, 500),
            ("a/z", 1, 500),
            ("a/z/q", 2, 0),
        ];
        let held = |(path, depth, weight): (&str, usize, u64)| Held {
            path: path.into(),
            depth,
            totals: Totals::NONE,
            weight,
        };
        let tree = lines.map(held);
        String::from_utf8(canvas(columns, utf8).draw(&tree, &Scale::Powers(1024))).unwrap()
    }

    #[test]
    fn a_tree_has_branches_bars_and_shares() {
        let expected = "\
2.0K 100% ########## a
1.5K  75% ########.. |-a name that is long
1000  50% #####..... | |-x??
 500  25% ###....... | `-y
 500  25% ###....... `-z
   0   0% ..........   `-q
";
        assert_eq!(drawn(42, false), expected);
        let expected = "\
2.0K 100% ██████████ a
1.5K  75% ████████░░ ├─a name that is long
1000  50% █████░░░░░ │ ├─x\u{fffd}\u{4e2d}
 500  25% ███░░░░░░░ │ └─y
 500  25% ███░░░░░░░ └─z
   0   0% ░░░░░░░░░░   └─q
";
        assert_eq!(drawn(42, true), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 16..100 {
            for utf8 in [false, true] {
                let drawn = drawn(columns, utf8);
                assert!(drawn.lines().all(|line| line.width() <= columns), "{columns}\n{drawn}");
            }
        }
        assert!(drawn(20, true).contains("  75% ├─a name …\n"), "{}", drawn(20, true));
        assert!(drawn(16, false).contains(" | |-x~\n"), "{}", drawn(16, false));
    }

    #[test]
    fn nothing_weighs_nothing() {
        let empty = Held { path: b"e".into(), depth: 0, totals: Totals::NONE, weight: 0 };
        assert_eq!(
            canvas(37, false).draw(&[empty], &Scale::unit(1)),
            format!("0   0% {} e\n", ".".repeat(28)).into_bytes()
        );
    }
}
