//! Where outlines of two districts cover the same ground: an address there gets the lower number, which may be wrong.

use std::collections::BTreeMap;

use geo::{Area as _, BooleanOps as _, BoundingRect as _, Intersects as _, LinesIter as _, MultiPolygon};

use super::repair::Scale;

/// Two outlines that were simplified apart overlap along their border in slivers. What is thinner than this on the
/// average, in metres, is one.
const SLIVER: f64 = 20.0;

/// Two districts that overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlap {
    /// The lower number.
    pub first: String,
    /// The higher.
    pub second: String,
    /// How much both cover, in square metres, without slivers.
    pub square_metres: f64,
}

/// Every pair of districts that overlap by more than slivers, by number.
pub fn overlaps(outlines: &BTreeMap<String, MultiPolygon>) -> Vec<Overlap> {
    let boxes: Vec<_> = outlines.iter().filter_map(|(number, outline)| Some((number, outline, outline.bounding_rect()?))).collect();
    let mut out = Vec::new();
    for (index, (first, a, a_box)) in boxes.iter().enumerate() {
        for (second, b, b_box) in &boxes[index + 1..] {
            if !a_box.intersects(b_box) {
                continue;
            }
            let square_metres = covered(&a.intersection(*b));
            if square_metres > 0.0 {
                out.push(Overlap { first: (*first).clone(), second: (*second).clone(), square_metres });
            }
        }
    }
    out
}

/// How many square metres the parts have that are no slivers.
fn covered(common: &MultiPolygon) -> f64 {
    let scale = Scale::of(common.0.iter().flat_map(|part| &part.exterior().0));
    let thick = common.0.iter().filter_map(|part| {
        let area = scale.square_metres(part.unsigned_area());
        let round: f64 = part.lines_iter().map(|line| scale.metres(line)).sum();
        (2.0 * area > SLIVER * round).then_some(area)
    });
    thick.sum()
}

#[cfg(test)]
mod tests {
    use geo::{Rect, coord};

    use super::*;

    fn outlines(boxes: &[(&str, f64, f64)]) -> BTreeMap<String, MultiPolygon> {
        let square = |west: f64, east: f64| Rect::new(coord! { x: west, y: 60.0 }, coord! { x: east, y: 60.1 }).to_polygon();
        boxes.iter().map(|(number, west, east)| ((*number).to_owned(), MultiPolygon::new(vec![square(*west, *east)]))).collect()
    }

    #[test]
    fn neighbours_and_slivers_are_not_overlaps() {
        assert_eq!(overlaps(&outlines(&[("01", 10.0, 10.1), ("02", 10.1, 10.2), ("03", 10.3, 10.4)])), []);
        // Eleven metres wide and eleven kilometres long.
        assert_eq!(overlaps(&outlines(&[("01", 10.0, 10.1), ("02", 10.0998, 10.2)])), []);
    }

    #[test]
    fn what_two_cover_is_told_with_its_area() {
        let found = overlaps(&outlines(&[("02", 10.0, 10.1), ("01", 10.09, 10.2), ("03", 10.05, 10.06)]));
        let pairs: Vec<_> = found.iter().map(|overlap| (overlap.first.as_str(), overlap.second.as_str())).collect();
        assert_eq!(pairs, [("01", "02"), ("02", "03")]);
        // 558 metres by 11.1 kilometres.
        assert!((6_100_000.0..6_300_000.0).contains(&found[0].square_metres), "{found:?}");
    }
}
