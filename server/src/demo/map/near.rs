//! Lines sorted into boxes, so that a place is held against the few that are near it.

use std::collections::HashMap;

use dorbank_shared::geo::Metres;

/// The side of a box, in metres.
const BOX: f64 = 150.0;

/// Pieces of lines, by the boxes that they pass.
#[derive(Debug, Default)]
pub struct Near(HashMap<(i32, i32), Vec<(Metres, Metres)>>);

#[expect(clippy::cast_possible_truncation, reason = "a city is some hundred boxes wide")]
fn boxes(from: Metres, to: Metres, around: f64) -> impl Iterator<Item = (i32, i32)> {
    let range = |a: f64, b: f64| ((a.min(b) - around) / BOX).floor() as i32..=((a.max(b) + around) / BOX).floor() as i32;
    let (columns, rows) = (range(from.x, to.x), range(from.y, to.y));
    columns.flat_map(move |column| rows.clone().map(move |row| (column, row)))
}

impl Near {
    /// Adds a line.
    pub fn add(&mut self, line: &[Metres]) {
        for pair in line.windows(2) {
            for at in boxes(pair[0], pair[1], 0.0) {
                self.0.entry(at).or_default().push((pair[0], pair[1]));
            }
        }
    }

    /// Whether a line passes nearer than so many metres.
    pub fn passes(&self, at: Metres, within: f64) -> bool {
        boxes(at, at, within).filter_map(|at| self.0.get(&at)).flatten().any(|(a, b)| distance(at, *a, *b) < within)
    }
}

/// How far a place lies from a piece of a line.
fn distance(at: Metres, a: Metres, b: Metres) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { (((at.x - a.x) * dx + (at.y - a.y) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    at.distance(Metres { x: a.x + along * dx, y: a.y + along * dy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_near_as_far_as_it_is() {
        let mut near = Near::default();
        near.add(&[Metres { x: -400.0, y: 0.0 }, Metres { x: 400.0, y: 0.0 }, Metres { x: 400.0, y: 300.0 }]);
        for (x, y, is) in [(0.0, 29.0, true), (0.0, 31.0, false), (425.0, 150.0, true), (435.0, 150.0, false), (-425.0, 0.0, true)] {
            assert_eq!(near.passes(Metres { x, y }, 30.0), is, "{x}, {y}");
        }
    }
}
