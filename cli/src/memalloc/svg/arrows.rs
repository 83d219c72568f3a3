//! Arrows from links to chunks, led through the space above each row so that they cross no text.

use std::cell::RefCell;

use super::canvas::Canvas;
use super::{MARGIN, WIDTH};

/// Where an arrow starts or ends: at the chunk whose left edge is at `x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct End {
    pub(super) row: usize,
    pub(super) x: f64,
}

/// Where an arrow leaves a chunk, and where it comes in, from the left edge.
const OUT: f64 = 40.0;
const IN: f64 = 16.0;
/// The space between lanes, and that of a row's number below its lanes.
const LANE: f64 = 7.0;
const NUMBER: f64 = 18.0;
const BETWEEN_ROWS: f64 = 14.0;
/// The most lanes beside the rows.
const SIDE_LANES: usize = 6;

/// One arrow: the lane it takes above its first row, beside the rows, and above its last.
#[derive(Debug)]
struct Route {
    from: End,
    to: End,
    start: usize,
    side: Option<usize>,
    end: usize,
}

/// All arrows, and where the rows are.
pub(super) struct Arrows {
    routes: Vec<Route>,
    lanes: Vec<usize>,
    tops: RefCell<Vec<f64>>,
}

/// Lanes in use: the stretches taken of each.
#[derive(Default, Clone)]
struct Lanes(Vec<Vec<(f64, f64)>>);

impl Lanes {
    /// The lowest lane that is free over a stretch.
    fn take(&mut self, one: f64, other: f64) -> usize {
        let (from, to) = (one.min(other), one.max(other));
        let clear =
            |taken: &Vec<(f64, f64)>| taken.iter().all(|&(start, end)| to + 3.0 < start || from - 3.0 > end);
        let lane = self.0.iter().position(clear).unwrap_or(self.0.len());
        if lane == self.0.len() {
            self.0.push(Vec::new());
        }
        self.0[lane].push((from, to));
        lane
    }
}

/// Finds lanes for the links. One that finds none beside the rows is left out.
pub(super) fn plan(links: &[(End, End)], rows: usize) -> Arrows {
    let mut above = vec![Lanes::default(); rows];
    let mut beside = Lanes::default();
    let mut routes = Vec::new();
    for &(from, to) in links {
        let (out, into) = (from.x + OUT, to.x + IN);
        if from.row == to.row {
            let start = above[from.row].take(out, into);
            routes.push(Route { from, to, start, side: None, end: start });
            continue;
        }
        let side = beside.take(from.row as f64 * 10.0, to.row as f64 * 10.0);
        if side < SIDE_LANES {
            let start = above[from.row].take(out, WIDTH);
            let end = above[to.row].take(into, WIDTH);
            routes.push(Route { from, to, start, side: Some(side), end });
        }
    }
    let lanes = above.iter().map(|lanes| lanes.0.len()).collect();
    Arrows { routes, lanes, tops: RefCell::new(vec![0.0; rows]) }
}

impl Arrows {
    /// The space that a row needs above its boxes.
    pub(super) fn gutter(&self, row: usize) -> f64 {
        BETWEEN_ROWS + NUMBER + LANE * self.lanes[row] as f64
    }

    /// Says where a row's boxes start.
    pub(super) fn put(&self, row: usize, y: f64) {
        self.tops.borrow_mut()[row] = y;
    }

    pub(super) fn draw(&self, canvas: &mut Canvas) {
        let tops = self.tops.borrow();
        let lane = |row: usize, lane: usize| tops[row] - NUMBER - LANE * lane as f64;
        for route in &self.routes {
            let (out, into) = (route.from.x + OUT, route.to.x + IN);
            let (start, end) = (lane(route.from.row, route.start), lane(route.to.row, route.end));
            let mut points = vec![(out, tops[route.from.row]), (out, start)];
            if let Some(side) = route.side {
                let beside = WIDTH - MARGIN + 4.0 + 5.0 * side as f64;
                points.extend([(beside, start), (beside, end)]);
            }
            points.extend([(into, end), (into, tops[route.to.row])]);
            canvas.arrow(&points);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(row: usize, x: f64) -> End {
        End { row, x }
    }

    #[test]
    fn arrows_that_would_meet_take_different_lanes() {
        let links =
            [(end(0, 0.0), end(0, 500.0)), (end(0, 100.0), end(0, 300.0)), (end(0, 700.0), end(0, 900.0))];
        let arrows = plan(&links, 1);
        let lanes: Vec<usize> = arrows.routes.iter().map(|route| route.start).collect();
        assert_eq!(lanes, [0, 1, 0]);
        assert_eq!(arrows.gutter(0), BETWEEN_ROWS + NUMBER + 2.0 * LANE);
    }

    #[test]
    fn what_finds_no_lane_beside_the_rows_is_left_out() {
        let links = vec![(end(0, 0.0), end(1, 0.0)); SIDE_LANES + 3];
        assert_eq!(plan(&links, 2).routes.len(), SIDE_LANES);
    }

    #[test]
    fn an_arrow_to_another_row_goes_round_by_the_side() {
        let arrows = plan(&[(end(1, 100.0), end(0, 200.0))], 2);
        arrows.put(0, 100.0);
        arrows.put(1, 300.0);
        let mut canvas = Canvas::new();
        arrows.draw(&mut canvas);
        let text = canvas.finish(1.0, 1.0);
        assert!(text.contains("points=\"140,300 140,282 1364,282 1364,82 216,82 216,100\""), "{text}");
    }
}
