//! From corners in degrees to a line as it is kept: cut off around the districts, simplified to a metre, in millionths of
//! a degree.

use dorbank_shared::{
    geo::LatLon,
    line::{Form, Geometry, Kind, Line, Micro},
};
use geo::{BooleanOps as _, BoundingRect as _, Coord, Intersects as _, LineString, MapCoords as _, MultiPolygon, Polygon, Rect, Simplify as _};

use crate::import::area::repair::Scale;

/// A line may run beside its true place by so much, in metres.
const TOLERANCE: f64 = 1.0;

/// A line as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// Its parts in degrees, longitude first: lines, or the rings of an area.
    pub parts: Vec<Vec<Coord>>,
    /// Which of both.
    pub form: Form,
}

/// What is kept, and how degrees are metres there.
#[derive(Debug, Clone, Copy)]
pub struct Clip {
    bounds: Rect,
    scale: Scale,
}

impl Clip {
    /// So many metres more than a box on each side.
    pub fn around(bounds: Rect, margin: f64) -> Self {
        let scale = Scale::of(&[bounds.min(), bounds.max()]);
        let (x, y) = scale.degrees(margin);
        let (low, high) = (bounds.min(), bounds.max());
        Self { bounds: Rect::new((low.x - x, low.y - y), (high.x + x, high.y + y)), scale }
    }

    /// The same with more around it.
    pub fn wider(self, margin: f64) -> Self {
        Self::around(self.bounds, margin)
    }

    /// Whether a corner is kept.
    pub fn holds(&self, at: Coord) -> bool {
        self.bounds.intersects(&at)
    }

    /// The line as it is kept; nothing where none of it lies within, or nothing is left of it.
    pub fn line(&self, raw: Raw) -> Option<Line> {
        let parts = match raw.form {
            Form::Lines => raw.parts.iter().flat_map(|part| self.cut(part)).filter_map(|part| self.simple(part)).collect(),
            Form::Area => self.area(raw.parts),
        };
        let parts: Vec<Vec<Micro>> = parts;
        (!parts.is_empty()).then_some(Line { kind: raw.kind, name: raw.name, geometry: Geometry { form: raw.form, parts } })
    }

    /// The parts of a line that lie within.
    fn cut(&self, corners: &[Coord]) -> Vec<Vec<Coord>> {
        if corners.iter().all(|at| self.holds(*at)) {
            return vec![corners.to_vec()];
        }
        let mut out: Vec<Vec<Coord>> = Vec::new();
        for pair in corners.windows(2) {
            let Some((from, to)) = self.within(pair[0], pair[1]) else { continue };
            match out.last_mut().filter(|part| part.last() == Some(&from)) {
                Some(part) => part.push(to),
                None => out.push(vec![from, to]),
            }
        }
        out
    }

    /// The part of a straight line that lies within, by how far along it each edge is crossed (Liang and Barsky, 1984).
    fn within(&self, from: Coord, to: Coord) -> Option<(Coord, Coord)> {
        let (low, high, step) = (self.bounds.min(), self.bounds.max(), to - from);
        let (mut begin, mut end) = (0.0f64, 1.0f64);
        for (step, low, high) in [(step.x, low.x - from.x, high.x - from.x), (step.y, low.y - from.y, high.y - from.y)] {
            if step == 0.0 {
                if low > 0.0 || high < 0.0 {
                    return None;
                }
                continue;
            }
            let (a, b) = (low / step, high / step);
            begin = begin.max(a.min(b));
            end = end.min(a.max(b));
        }
        let at = |along: f64| {
            if along <= 0.0 {
                from
            } else if along >= 1.0 {
                to
            } else {
                from + step * along
            }
        };
        (begin < end).then(|| (at(begin), at(end)))
    }

    fn simple(&self, corners: Vec<Coord>) -> Option<Vec<Micro>> {
        let line = self.in_metres(&LineString::new(corners)).simplify(TOLERANCE);
        self.micro(line).filter(|points| points.len() > 1)
    }

    fn area(&self, rings: Vec<Vec<Coord>>) -> Vec<Vec<Micro>> {
        let mut rings = rings.into_iter().map(LineString::new);
        let Some(outer) = rings.next() else { return Vec::new() };
        let whole = Polygon::new(outer, rings.collect());
        let Some(extent) = whole.bounding_rect().filter(|extent| extent.intersects(&self.bounds)) else { return Vec::new() };
        let inside = self.holds(extent.min()) && self.holds(extent.max());
        let kept = if inside { MultiPolygon::new(vec![whole]) } else { whole.intersection(&self.bounds.to_polygon()) };
        let rings = kept.0.into_iter().flat_map(|part| {
            let (outer, holes) = self.polygon_in_metres(&part).simplify(TOLERANCE).into_inner();
            std::iter::once(outer).chain(holes)
        });
        // What is nowhere a metre wide is no area.
        let is_seen = |ring: &LineString| ring.bounding_rect().is_some_and(|extent| extent.width().max(extent.height()) >= TOLERANCE);
        rings.filter(is_seen).filter_map(|ring| self.micro(ring)).filter(|ring| ring.len() > 3).collect()
    }

    fn in_metres(&self, line: &LineString) -> LineString {
        line.map_coords(|at| self.scale.to_metres(at))
    }

    fn polygon_in_metres(&self, part: &Polygon) -> Polygon {
        part.map_coords(|at| self.scale.to_metres(at))
    }

    /// As millionths, without points that became the same.
    fn micro(&self, line: LineString) -> Option<Vec<Micro>> {
        let near = |at: Coord| {
            let at = self.scale.to_degrees(at);
            Micro::near(LatLon { lat: at.y, lon: at.x })
        };
        let mut points: Vec<Micro> = line.0.into_iter().map(near).collect::<Option<_>>()?;
        points.dedup();
        Some(points)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clip() -> Clip {
        Clip::around(Rect::new((10.0, 60.0), (10.1, 60.1)), 0.0)
    }

    fn line(form: Form, parts: &[&[(f64, f64)]]) -> Option<Line> {
        let parts = parts.iter().map(|part| part.iter().map(|(x, y)| Coord { x: *x, y: *y }).collect()).collect();
        clip().line(Raw { kind: Kind::Street, name: "Rognegata".into(), parts, form })
    }

    fn points(line: Option<Line>) -> Vec<Vec<(i32, i32)>> {
        line.map_or_else(Vec::new, |line| line.geometry.parts.iter().map(|part| part.iter().map(|at| (at.lon, at.lat)).collect()).collect())
    }

    #[test]
    fn a_line_is_cut_where_it_leaves() {
        let found = points(line(
            Form::Lines,
            &[&[(9.95, 60.05), (10.05, 60.05), (10.15, 60.05), (10.15, 60.02), (10.05, 60.02)], &[(9.0, 60.0), (9.0, 60.1)]],
        ));
        assert_eq!(found, [vec![(10_000_000, 60_050_000), (10_100_000, 60_050_000)], vec![(10_100_000, 60_020_000), (10_050_000, 60_020_000)]]);
        // Both ends are outside, and what is between is not.
        assert_eq!(points(line(Form::Lines, &[&[(9.9, 60.05), (10.2, 60.05)]])).len(), 1);
        assert_eq!(line(Form::Lines, &[&[(9.9, 59.9), (9.9, 60.2)]]), None);
    }

    #[test]
    fn corners_that_change_less_than_a_metre_are_left_out() {
        // 0.000005 degrees north are half a metre, 0.00005 are five.
        let found = points(line(Form::Lines, &[&[(10.01, 60.05), (10.02, 60.050_005), (10.03, 60.05), (10.04, 60.050_05), (10.05, 60.05)]]));
        assert_eq!(found, [vec![(10_010_000, 60_050_000), (10_030_000, 60_050_000), (10_040_000, 60_050_050), (10_050_000, 60_050_000)]]);
        assert_eq!(line(Form::Lines, &[&[(10.05, 60.05), (10.05, 60.05)], &[]]), None);
    }

    #[test]
    fn an_area_is_cut_and_keeps_its_islands() {
        let found = points(line(
            Form::Area,
            &[
                &[(10.05, 60.05), (10.2, 60.05), (10.2, 60.07), (10.05, 60.07), (10.05, 60.05)],
                &[(10.06, 60.055), (10.07, 60.055), (10.07, 60.06), (10.06, 60.055)],
            ],
        ));
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [5, 4]);
        assert!(found.iter().flatten().all(|(lon, _)| *lon <= 10_100_000) && found.iter().all(|ring| ring.first() == ring.last()), "{found:?}");
        // A pond of half a metre is none.
        assert_eq!(line(Form::Area, &[&[(10.05, 60.05), (10.050_005, 60.05), (10.05, 60.050_003), (10.05, 60.05)]]), None);
    }

    proptest! {
        #[test]
        fn whatever_is_cut_lies_within_and_near_where_it_was(corners in prop::collection::vec((99i32..103, 599i32..603), 0..20), jitter in 0.0f64..0.09) {
            let corners: Vec<(f64, f64)> = corners.iter().map(|(x, y)| (f64::from(*x) / 10.0 + jitter, f64::from(*y) / 10.0 + jitter / 2.0)).collect();
            for part in points(line(Form::Lines, &[&corners])) {
                for (lon, lat) in part {
                    prop_assert!((10_000_000..=10_100_000).contains(&lon) && (60_000_000..=60_100_000).contains(&lat));
                }
            }
        }
    }
}
