//! The elapsed times as a bar chart.

use std::io;
use std::path::Path;

use plotters::prelude::*;

use crate::report::Table;

/// Bars longer than this end there, and say how long they are.
const LONGEST: f64 = 2.5;

/// Draws a group of bars for each tree, one bar for each program.
pub(crate) fn draw(table: &Table, path: &Path) -> io::Result<()> {
    chart(table, path).map_err(|error| io::Error::other(error.to_string()))
}

fn chart(table: &Table, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(path, (900, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    let (groups, bars) = (table.rows.len(), table.peers.len());
    let title = format!("Elapsed over GNU du, caches {}", table.caches());
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(40)
        .build_cartesian_2d(0.0..groups as f64, 0.0..LONGEST)?;
    let names: Vec<_> = table.rows.iter().map(|row| row.tree).collect();
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(2 * groups + 1)
        .x_label_formatter(&|x| label(&names, *x))
        .y_desc("over GNU du")
        .draw()?;
    for (peer, name) in table.peers.iter().enumerate() {
        let colour = Palette99::pick(peer);
        let width = 0.8 / bars as f64;
        let bar = |(at, ratio): (usize, f64)| {
            let left = at as f64 + 0.1 + width * peer as f64;
            Rectangle::new([(left, 0.0), (left + 0.9 * width, ratio.min(LONGEST))], colour.filled())
        };
        let ratios = table.rows.iter().map(|row| row.ratio(peer)).enumerate();
        chart.draw_series(ratios.clone().map(bar))?.label(*name).legend(move |(x, y)| {
            Rectangle::new([(x, y - 4), (x + 12, y + 4)], Palette99::pick(peer).filled())
        });
        let cut = ratios.filter(|(_, ratio)| *ratio > LONGEST);
        chart.draw_series(cut.map(|(at, ratio)| {
            let left = at as f64 + 0.1 + width * peer as f64;
            Text::new(format!("{ratio:.1}"), (left, LONGEST - 0.02), ("sans-serif", 12))
        }))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperMiddle)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}

/// The name of a group in its middle.
fn label(names: &[&str], x: f64) -> String {
    let is_middle = (x.fract() - 0.5).abs() < 0.01;
    names.get(x as usize).filter(|_| is_middle).map_or_else(String::new, |name| (*name).into())
}
