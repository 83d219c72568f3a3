//! SVG elements, as text.

use std::fmt::Write as _;

/// Elements so far.
pub(super) struct Canvas {
    body: String,
}

/// How a text is set: its class, and which end stands at the point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text {
    class: &'static str,
    anchor: &'static str,
}

impl Text {
    pub(super) const TITLE: Self = Self::of("title");
    pub(super) const HEADING: Self = Self::of("heading");
    pub(super) const BODY: Self = Self::of("body");
    pub(super) const SMALL: Self = Self::of("small");
    pub(super) const CODE: Self = Self::of("code");
    pub(super) const TINY: Self = Self::of("code tiny");
    pub(super) const ON_DARK: Self = Self::of("dark");

    const fn of(class: &'static str) -> Self {
        Self { class, anchor: "start" }
    }

    /// The text's middle stands at the point.
    pub(super) const fn centred(self) -> Self {
        Self { anchor: "middle", ..self }
    }

    /// The text's end stands at the point.
    pub(super) const fn right(self) -> Self {
        Self { anchor: "end", ..self }
    }
}

/// Colours keep their lightness apart, so that they differ in grey too.
const STYLE: &str = "\
text{font-family:'DejaVu Sans',Verdana,Helvetica,Arial,sans-serif;font-size:13px;fill:#1f2933}
.title{font-size:20px;font-weight:bold}.heading{font-size:15px;font-weight:bold}
.small{font-size:11px;fill:#52606d}.code{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:11px}
.tiny{font-size:9px}
.dark{fill:#fff;font-size:12px}
.page{fill:#fff}.panel{fill:#f5f7fa}
.overhead{fill:#e8c15b}.free{fill:#d5ecd8}.used{fill:#2f6db5}
.used1{fill:#b7d0ec}.used2{fill:#8cb3df}.used3{fill:#5f93cf}.used4{fill:#2f6db5}
.word{fill:#e6f4e8;stroke:#5d9b68}.blank{fill:#f3faf4;stroke:#5d9b68;stroke-dasharray:2 2}
.taken{fill:#2f6db5;stroke:#1d4a80}.edge{fill:none;stroke:#1f2933;stroke-width:2}
.on{fill:#1f2933}.off{fill:#fff;stroke:#9aa5b1}.frame{fill:none;stroke:#c2410c;stroke-width:2}
.arrow{fill:none;stroke:#c2410c;stroke-width:1.6}.head{fill:#c2410c}.tick{stroke:#b7d0ec}.rule{stroke:#cbd2d9}";

impl Canvas {
    pub(super) const fn new() -> Self {
        Self { body: String::new() }
    }

    pub(super) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"{class}\"/>",
            short(x),
            short(y),
            short(width),
            short(height)
        );
    }

    /// A text whose base line is at `y`.
    pub(super) fn text(&mut self, x: f64, y: f64, text: &str, how: Text) {
        let Text { class, anchor } = how;
        let anchor = if anchor == "start" { String::new() } else { format!(" text-anchor=\"{anchor}\"") };
        let _ = writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\" class=\"{class}\"{anchor}>{}</text>",
            short(x),
            short(y),
            escaped(text)
        );
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let _ = writeln!(
            self.body,
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{class}\"/>",
            short(from.0),
            short(from.1),
            short(to.0),
            short(to.1)
        );
    }

    /// An arrow along points.
    pub(super) fn arrow(&mut self, points: &[(f64, f64)]) {
        let path: Vec<String> =
            points.iter().map(|point| format!("{},{}", short(point.0), short(point.1))).collect();
        let _ = writeln!(
            self.body,
            "<polyline points=\"{}\" class=\"arrow\" stroke-linejoin=\"round\" marker-end=\"url(#head)\"/>",
            path.join(" ")
        );
    }

    /// The whole document.
    pub(super) fn finish(self, width: f64, height: f64) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\">\n<style>{STYLE}</style>\n<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" \
             refY=\"4\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
             <path d=\"M0,0 L8,4 L0,8 z\" class=\"head\"/></marker></defs>\n\
             <rect width=\"{width}\" height=\"{height}\" class=\"page\"/>\n{}</svg>\n",
            self.body,
            width = short(width),
            height = short(height),
        )
    }
}

/// A number without needless digits.
fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A text as XML: characters that XML has no way to hold are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        match char {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            char if char.is_control() => escaped.push('\u{fffd}'),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escaped("a<b>&\"\u{7}\u{ffff}é"), "a&lt;b&gt;&amp;&quot;\u{fffd}\u{fffd}é");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 1.25, -0.5, 1400.0].map(short), ["1", "1.2", "-0.5", "1400"]);
    }
}
