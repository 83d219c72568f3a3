//! A bar chart, as SVG.

use std::fmt::Write as _;
use std::path::Path;

const LABEL: f64 = 230.0;
const LENGTH: f64 = 520.0;
const BAR: f64 = 15.0;
const COLOURS: [&str; 7] = ["#2563a8", "#c26a1e", "#3b8a4c", "#8c4aa0", "#7a7a7a", "#b33a4b", "#3a9aa8"];

/// Bars for each row, one a series.
pub struct Chart {
    pub title: &'static str,
    pub series: Vec<&'static str>,
    pub rows: Vec<(&'static str, Vec<f64>)>,
    /// Bars longer than this are cut, so that one slow peer does not flatten the others.
    pub most: f64,
}

impl Chart {
    /// Writes the chart.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, self.svg())
    }

    fn svg(&self) -> String {
        let row = BAR * self.series.len() as f64 + 12.0;
        let top = 34.0 + 18.0 * self.series.len() as f64;
        let (width, height) = (LABEL + LENGTH + 70.0, top + row * self.rows.len() as f64 + 6.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
             <text x=\"10\" y=\"20\" font-size=\"14\">{}</text>\n",
            self.title
        );
        for (index, name) in self.series.iter().enumerate() {
            let y = 40.0 + 18.0 * index as f64;
            let colour = COLOURS[index % COLOURS.len()];
            let _ = writeln!(
                svg,
                "<rect x=\"10\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>",
                y - 10.0
            );
            let _ = writeln!(svg, "<text x=\"28\" y=\"{y}\">{name}</text>");
        }
        for (index, (name, values)) in self.rows.iter().enumerate() {
            self.row(&mut svg, top + row * index as f64, name, values);
        }
        svg + "</svg>\n"
    }

    fn row(&self, svg: &mut String, y: f64, name: &str, values: &[f64]) {
        let _ =
            writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>", LABEL - 8.0, y + 12.0);
        for (index, value) in values.iter().enumerate() {
            let (y, colour) = (y + BAR * index as f64, COLOURS[index % COLOURS.len()]);
            let length = LENGTH * value.min(self.most) / self.most;
            let _ = writeln!(
                svg,
                "<rect x=\"{LABEL}\" y=\"{y}\" width=\"{length:.1}\" height=\"{}\" fill=\"{colour}\"/>\n\
                 <text x=\"{:.1}\" y=\"{}\" font-size=\"11\">{value:.1}{}</text>",
                BAR - 3.0,
                LABEL + length + 5.0,
                y + 10.0,
                if *value > self.most { " (cut)" } else { "" }
            );
        }
    }
}
