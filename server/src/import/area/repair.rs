//! Outlines as people draw them and programs round them, made sound where there is only one way to read them.
//!
//! A ring that is open, turns the wrong way, repeats a corner, runs out and back on itself or touches itself still says
//! what lies inside; a ring that was rounded until nothing lies inside says nothing. A ring that crosses itself says two
//! things: what lies inside by the rule that each crossing of the line changes sides, and what by how often the line goes
//! round. Where the two differ by more than [`AMBIGUOUS`] nobody here chooses, and the feature is refused.
//!
//! Everything is kept to seven decimals of a degree, a centimetre, and is reckoned in them: as whole numbers a corner lies
//! on a line or it does not, where fractions of a degree come down now on one side and now on the other.

use std::{cmp::Ordering, fmt};

use dorbank_shared::geo::{LatLon, Plane};
use geo::{
    Area, BooleanOps as _, Coord, Intersects as _, Line, LineString, MapCoords as _, MultiPolygon, Orient as _, Polygon,
    bool_ops::{FillRule, unary_union},
    line_intersection::{LineIntersection, line_intersection},
    orient::Direction,
};

use super::feature::{Ring, Rings};
use crate::import::tell;

/// So many square metres, about a garden, may lie inside by one reading and outside by another: what rounding does.
pub const AMBIGUOUS: f64 = 1_000.0;
/// A ring that is nowhere wider than this, in metres, has no area: less than the last decimal that is kept.
const FLAT: f64 = 0.02;
/// The last decimal that is kept: so many make a degree.
const UNITS: f64 = 1e7;
/// So often an outline is taken apart again where rounding moved a corner on to a line that ran past it. Once or twice is
/// what real ones took.
const SETTLING: usize = 8;

/// What was repaired of a district's outline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Repairs {
    /// Rings whose last corner was not the first.
    pub closed: usize,
    /// Corners that stood there twice.
    pub repeated: usize,
    /// Corners to which the line ran and from which it came straight back.
    pub spikes: usize,
    /// Rings in which nothing lay.
    pub flat: usize,
    /// Rings that turned the wrong way.
    pub turned: usize,
    /// Polygons that touched themselves, and were taken apart there.
    pub touching: usize,
    /// Polygons that overlapped or shared a border, and became one.
    pub merged: usize,
    /// So many square metres were inside by one reading and outside by another.
    pub crossing: f64,
}

impl Repairs {
    /// Whether anything was repaired.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl fmt::Display for Repairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: usize, one: &str, more: &str| (n > 0).then(|| if n == 1 { format!("1 {one}") } else { format!("{n} {more}") });
        let said = [
            count(self.closed, "ring closed", "rings closed"),
            count(self.repeated, "repeated corner left out", "repeated corners left out"),
            count(self.spikes, "spike cut off", "spikes cut off"),
            count(self.flat, "ring without area left out", "rings without area left out"),
            count(self.turned, "ring turned round", "rings turned round"),
            count(self.touching, "part that touched itself taken apart there", "parts that touched themselves taken apart there"),
            count(self.merged, "part merged with one that it met", "parts merged with others that they met"),
            (self.crossing > 0.0).then(|| format!("crossed itself, by {} at most", tell::area(self.crossing.max(1.0)))),
        ];
        f.write_str(&said.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }
}

/// Why an outline cannot be used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unsound {
    /// A ring has one or two corners.
    TooFewCorners,
    /// No ring has an area.
    NoArea,
    /// It crosses itself, there, and so much is inside or outside.
    Crosses(LatLon, f64),
    /// It touches itself, there, however often it is taken apart. None is known; one is better refused than drawn wrong.
    Touches(LatLon),
}

impl fmt::Display for Unsound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewCorners => f.write_str("an outline of fewer than three corners"),
            Self::NoArea => f.write_str("an outline in which nothing lies"),
            Self::Crosses(at, by) => write!(
                f,
                "an outline that crosses itself near {:.5} north, {:.5} east, so that {} are inside or outside; draw it anew there",
                at.lat,
                at.lon,
                tell::area(*by)
            ),
            Self::Touches(at) => write!(
                f,
                "an outline that still touches itself near {:.5} north, {:.5} east once it is taken apart there; move a corner there by a metre",
                at.lat, at.lon
            ),
        }
    }
}

/// Makes polygons one sound outline.
///
/// # Errors
/// When there is more than one way to read them, or none.
pub fn mend(polygons: &[Rings]) -> Result<(MultiPolygon, Repairs), Unsound> {
    let mut repairs = Repairs::default();
    let scale = Scale::of(polygons.iter().flatten().flatten()).of_units();
    let mut parts: Vec<Polygon> = Vec::new();
    for rings in polygons {
        let in_units = |ring: &Ring| ring.iter().map(|at| whole(Coord { x: at.x * UNITS, y: at.y * UNITS })).collect();
        parts.extend(polygon(&rings.iter().map(in_units).collect::<Rings>(), scale, &mut repairs)?);
    }
    if meet(&parts) {
        let merged = unary_union(&parts).0;
        // As many as before: they only touch.
        if merged.len() < parts.len() {
            repairs.merged += parts.len() - merged.len();
            parts = settled(&merged, scale);
        }
    }
    if parts.is_empty() {
        return Err(Unsound::NoArea);
    }
    if let Some(at) = parts.iter().find_map(touches_itself) {
        return Err(Unsound::Touches(in_degrees(at)));
    }
    let mut parts: Vec<Polygon> = parts.iter().map(|part| from_the_west(&part.orient(Direction::Default))).collect();
    parts.sort_by(|a, b| order(&a.exterior().0[0], &b.exterior().0[0]));
    Ok((MultiPolygon::new(parts).map_coords(|at| Coord { x: at.x / UNITS, y: at.y / UNITS }), repairs))
}

/// The nearest corner in whole units.
fn whole(at: Coord) -> Coord {
    Coord { x: at.x.round(), y: at.y.round() }
}

/// Where a corner in units lies.
fn in_degrees(at: Coord) -> LatLon {
    LatLon { lat: at.y / UNITS, lon: at.x / UNITS }
}

/// From west to east, then from south to north.
fn order(a: &Coord, b: &Coord) -> Ordering {
    a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y))
}

/// The same with each ring beginning at its western corner, so that the same outline is always written the same.
fn from_the_west(part: &Polygon) -> Polygon {
    let ring = |ring: &LineString| {
        let mut corners = ring.0.clone();
        corners.pop();
        let first = (0..corners.len()).min_by(|a, b| order(&corners[*a], &corners[*b])).unwrap_or(0);
        corners.rotate_left(first);
        let mut ring = LineString::new(corners);
        ring.close();
        ring
    };
    let mut holes: Vec<LineString> = part.interiors().iter().map(ring).collect();
    holes.sort_by(|a, b| order(&a.0[0], &b.0[0]));
    Polygon::new(ring(part.exterior()), holes)
}

/// How many metres a degree is, near some corners.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    x: f64,
    y: f64,
}

impl Scale {
    /// Near the middle of these corners.
    pub fn of<'a>(corners: impl IntoIterator<Item = &'a Coord>) -> Self {
        let (low, high) = corners.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at.y), high.max(at.y)));
        let lat = if low <= high { f64::midpoint(low, high) } else { 60.0 };
        let one = Plane::at(LatLon { lat, lon: 0.0 }).project(LatLon { lat: lat + 1.0, lon: 1.0 });
        Self { x: one.x, y: one.y }
    }

    /// The same for corners in [`UNITS`].
    fn of_units(self) -> Self {
        Self { x: self.x / UNITS, y: self.y / UNITS }
    }

    /// Square degrees as square metres.
    pub fn square_metres(self, square_degrees: f64) -> f64 {
        square_degrees * self.x * self.y
    }

    /// So many metres as degrees, east and north.
    pub fn degrees(self, metres: f64) -> (f64, f64) {
        (metres / self.x, metres / self.y)
    }

    /// A corner in degrees as one in metres, on a plane that is right near by.
    pub fn to_metres(self, at: Coord) -> Coord {
        Coord { x: at.x * self.x, y: at.y * self.y }
    }

    /// The same backwards.
    pub fn to_degrees(self, at: Coord) -> Coord {
        Coord { x: at.x / self.x, y: at.y / self.y }
    }

    /// The length of a line in metres.
    pub fn metres(self, line: Line) -> f64 {
        (line.dx() * self.x).hypot(line.dy() * self.y)
    }
}

fn polygon(rings: &[Ring], scale: Scale, repairs: &mut Repairs) -> Result<Vec<Polygon>, Unsound> {
    let mut cleaned = Vec::with_capacity(rings.len());
    for ring in rings {
        cleaned.push(clean(ring, scale, repairs)?);
    }
    let mut cleaned = cleaned.into_iter();
    // What the holes were cut from is gone, and they with it.
    let Some(Some(outer)) = cleaned.next() else { return Ok(Vec::new()) };
    let holes: Vec<LineString> = cleaned.flatten().collect();
    let turns = |ring: &LineString| Polygon::new(ring.clone(), Vec::new()).signed_area();
    repairs.turned += usize::from(turns(&outer) < 0.0) + holes.iter().filter(|hole| turns(hole) > 0.0).count();
    let by_turns = turns(&outer).abs() - holes.iter().map(|hole| turns(hole).abs()).sum::<f64>();
    let meetings = Meetings::of(std::iter::once(&outer).chain(&holes));
    let drawn = Polygon::new(outer, holes).orient(Direction::Default);
    if meetings.first.is_none() && drawn.interiors().is_empty() {
        return Ok(vec![drawn]);
    }
    let read = inside(&MultiPolygon::new(vec![drawn.clone()]));
    // Where nothing can be said, all that was drawn is in doubt.
    let area = read.as_ref().map_or(0.0, Area::unsigned_area);
    let differ = scale.square_metres((area - by_turns.abs()).abs());
    let Some(read) = read.filter(|_| differ <= AMBIGUOUS) else {
        let at = meetings.first.or_else(|| drawn.interiors().first().and_then(|hole| hole.0.first().copied())).unwrap_or_default();
        return Err(Unsound::Crosses(in_degrees(at), differ));
    };
    if differ > 1.0 {
        repairs.crossing += differ;
    } else if meetings.in_one_ring {
        repairs.touching += 1;
    } else {
        // A hole may touch the outer ring at a corner.
        return Ok(vec![drawn]);
    }
    Ok(settled(&read.0, scale))
}

/// What lies inside, where each crossing of a line changes sides. Nothing where that cannot be said: of rings that cross
/// themselves at random, one set in some ten thousand makes `i_overlay` 4.5 reach past the end of a list of its own.
fn inside(drawn: &MultiPolygon) -> Option<MultiPolygon> {
    // It takes all by reference and keeps nothing: what it leaves behind is dropped.
    std::panic::catch_unwind(|| drawn.union_with_fill_rule(&MultiPolygon::new(Vec::new()), FillRule::EvenOdd)).ok()
}

/// A ring without repeated corners and spikes, closed; nothing where it has no area.
fn clean(ring: &[Coord], scale: Scale, repairs: &mut Repairs) -> Result<Option<LineString>, Unsound> {
    let is_closed = ring.len() > 1 && ring.first() == ring.last();
    if ring.len() - usize::from(is_closed) < 3 {
        return Err(Unsound::TooFewCorners);
    }
    repairs.closed += usize::from(!is_closed);
    let (mut repeated, mut spikes) = (0, 0);
    let mut corners: Vec<Coord> = Vec::with_capacity(ring.len());
    for corner in &ring[usize::from(is_closed)..] {
        if corners.last() == Some(corner) {
            repeated += 1;
            continue;
        }
        while let [.., before, tip] = corners[..]
            && turns_back(before, tip, *corner, scale)
        {
            corners.pop();
            spikes += 1;
        }
        if corners.last() != Some(corner) {
            corners.push(*corner);
        }
    }
    // The same where the list ends and begins.
    while corners.len() > 2 {
        let last = corners.len() - 1;
        if corners[0] == corners[last] {
            repeated += 1;
            corners.pop();
            continue;
        }
        if turns_back(corners[last - 1], corners[last], corners[0], scale) {
            corners.pop();
        } else if turns_back(corners[last], corners[0], corners[1], scale) {
            corners.remove(0);
        } else {
            break;
        }
        spikes += 1;
        // It came back to the very corner from which it ran.
        if corners.len() > 2 && corners.first() == corners.last() {
            corners.pop();
        }
    }
    if is_flat(&corners, scale) {
        // What else was wrong with it is gone with it.
        repairs.flat += 1;
        return Ok(None);
    }
    repairs.repeated += repeated;
    repairs.spikes += spikes;
    let mut closed = LineString::new(corners);
    closed.close();
    Ok(Some(closed))
}

/// Whether a line runs to `tip` and straight back, to where it came from, not as far, or beyond.
fn turns_back(before: Coord, tip: Coord, after: Coord, scale: Scale) -> bool {
    let [there, back] = [Line::new(before, tip), Line::new(tip, after)];
    let towards = there.dx() * back.dx() * scale.x * scale.x + there.dy() * back.dy() * scale.y * scale.y;
    before == after || towards < 0.0 && is_flat(&[before, tip, after], scale)
}

/// Whether all corners lie on one line, as good as.
fn is_flat(corners: &[Coord], scale: Scale) -> bool {
    let Some(first) = corners.first().filter(|_| corners.len() > 2) else { return true };
    let from = |at: &Coord| Coord { x: (at.x - first.x) * scale.x, y: (at.y - first.y) * scale.y };
    let length = |at: Coord| at.x.hypot(at.y);
    let far = corners.iter().map(from).fold(Coord { x: 0.0, y: 0.0 }, |far, at| if length(at) > length(far) { at } else { far });
    let along = length(far);
    along < FLAT || corners.iter().map(from).all(|at| (at.x * far.y - at.y * far.x).abs() / along < FLAT)
}

/// Polygons that were computed, in whole units, and taken apart again where that made one touch itself.
fn settled(computed: &[Polygon], scale: Scale) -> Vec<Polygon> {
    let mut parts: Vec<Polygon> = computed.iter().filter_map(|part| rounded(part, scale)).collect();
    for _ in 0..SETTLING {
        if !parts.iter().any(|part| touches_itself(part).is_some()) {
            break;
        }
        let Some(read) = inside(&MultiPolygon::new(parts.clone())) else { break };
        parts = read.iter().filter_map(|part| rounded(part, scale)).collect();
    }
    parts
}

/// A polygon that was computed, in whole units like all others.
fn rounded(part: &Polygon, scale: Scale) -> Option<Polygon> {
    let ring = |ring: &LineString| {
        let corners: Vec<Coord> = ring.0.iter().map(|at| whole(*at)).collect();
        clean(&corners, scale, &mut Repairs::default()).ok().flatten()
    };
    Some(Polygon::new(ring(part.exterior())?, part.interiors().iter().filter_map(ring).collect()).orient(Direction::Default))
}

/// Where a ring of it meets itself.
fn touches_itself(part: &Polygon) -> Option<Coord> {
    let mut rings = std::iter::once(part.exterior()).chain(part.interiors());
    rings.find_map(|ring| Meetings::of(std::iter::once(ring)).first)
}

/// Whether any two parts have a point in common.
fn meet(parts: &[Polygon]) -> bool {
    let boxes: Vec<_> = parts.iter().map(geo::BoundingRect::bounding_rect).collect();
    (0..parts.len())
        .any(|a| (a + 1..parts.len()).any(|b| boxes[a].zip(boxes[b]).is_some_and(|(a, b)| a.intersects(&b)) && parts[a].intersects(&parts[b])))
}

/// Where lines of a polygon meet that do not follow one another.
#[derive(Debug, Default)]
struct Meetings {
    /// The first place, one where they truly cross before one where they touch.
    first: Option<Coord>,
    /// Whether any is of two lines of the same ring.
    in_one_ring: bool,
}

impl Meetings {
    fn of<'a>(rings: impl Iterator<Item = &'a LineString>) -> Self {
        // Ring, place in the ring, lines in the ring, the line.
        let mut lines: Vec<(usize, usize, usize, Line)> = Vec::new();
        for (ring, lines_of) in rings.enumerate() {
            let count = lines_of.0.len() - 1;
            lines.extend(lines_of.lines().enumerate().map(|(place, line)| (ring, place, count, line)));
        }
        let west = |line: &Line| line.start.x.min(line.end.x);
        let east = |line: &Line| line.start.x.max(line.end.x);
        lines.sort_by(|(.., a), (.., b)| west(a).total_cmp(&west(b)));
        let mut out = Self::default();
        let mut is_proper = false;
        for (index, (ring, place, count, line)) in lines.iter().enumerate() {
            // In the order of their western ends, what begins east of this one's eastern end cannot meet it.
            for (other_ring, other_place, _, other) in lines[index + 1..].iter().take_while(|(.., other)| west(other) <= east(line)) {
                let Some(meeting) = line_intersection(*line, *other) else { continue };
                let follows = ring == other_ring && ((place + 1) % count == *other_place || (other_place + 1) % count == *place);
                let at = match meeting {
                    LineIntersection::SinglePoint { .. } if follows => continue,
                    LineIntersection::SinglePoint { intersection, .. } => intersection,
                    LineIntersection::Collinear { intersection } => intersection.start,
                };
                out.in_one_ring |= ring == other_ring;
                if out.first.is_none() || (meeting.is_proper() && !is_proper) {
                    (out.first, is_proper) = (Some(at), meeting.is_proper());
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use geo::CoordsIter as _;
    use proptest::prelude::*;

    use super::*;

    /// Corners in thousandths of a degree, some 56 by 111 metres, from 10 east and 60 north.
    fn ring(corners: &[(i32, i32)]) -> Ring {
        let at = |thousandths: i32, from: f64| ((from + f64::from(thousandths) / 1000.0) * 1e7).round() / 1e7;
        corners.iter().map(|(x, y)| Coord { x: at(*x, 10.0), y: at(*y, 60.0) }).collect()
    }

    fn mended(rings: &[&[(i32, i32)]]) -> Result<(MultiPolygon, Repairs), Unsound> {
        mend(&[rings.iter().map(|corners| ring(corners)).collect()])
    }

    /// In thousandths of a degree squared.
    fn size(outline: &MultiPolygon) -> f64 {
        (outline.unsigned_area() * 1e6 * 1e3).round() / 1e3
    }

    const SQUARE: [(i32, i32); 5] = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)];

    #[test]
    fn a_sound_outline_is_left_as_it_is() {
        let hole: &[(i32, i32)] = &[(2, 2), (2, 4), (4, 4), (4, 2), (2, 2)];
        let (outline, repairs) = mended(&[&SQUARE, hole]).unwrap();
        assert!(!repairs.any(), "{repairs}");
        assert_eq!(
            (outline.0[0].exterior().0.as_slice(), outline.0[0].interiors()[0].0.as_slice()),
            (ring(&SQUARE).as_slice(), ring(hole).as_slice())
        );
        // A hole may touch the outline at one corner.
        let (outline, repairs) = mended(&[&SQUARE, &[(0, 0), (2, 4), (4, 2), (0, 0)]]).unwrap();
        assert_eq!((size(&outline), repairs.any()), (94.0, false));
    }

    #[test]
    fn what_has_one_reading_is_repaired_and_said() {
        type Case<'a> = (&'a str, &'a [&'a [(i32, i32)]], f64);
        let cases: [Case; 9] = [
            ("1 ring closed", &[&[(0, 0), (10, 0), (10, 10), (0, 10)]], 100.0),
            ("2 repeated corners left out", &[&[(0, 0), (0, 0), (10, 0), (10, 10), (0, 10), (0, 0), (0, 0)]], 100.0),
            ("1 ring turned round", &[&[(0, 0), (0, 10), (10, 10), (10, 0), (0, 0)]], 100.0),
            ("1 spike cut off", &[&[(0, 0), (10, 0), (20, 5), (10, 0), (10, 10), (0, 10), (0, 0)]], 100.0),
            // Where the list begins.
            ("1 spike cut off", &[&[(20, 5), (10, 0), (10, 10), (0, 10), (0, 0), (10, 0), (20, 5)]], 100.0),
            // A spike that comes back past where it left.
            ("1 spike cut off", &[&[(0, 0), (20, 0), (8, 0), (10, 10), (0, 10), (0, 0)]], 90.0),
            // Two squares that share a corner; and a hole that hangs on the outline by one.
            (
                "1 part that touched itself taken apart there",
                &[&[(0, 0), (10, 0), (10, 10), (20, 10), (20, 20), (10, 20), (10, 10), (0, 10), (0, 0)]],
                200.0,
            ),
            ("1 part that touched itself taken apart there", &[&[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0), (2, 4), (4, 2), (0, 0)]], 94.0),
            ("1 ring without area left out", &[&SQUARE, &[(2, 2), (4, 4), (3, 3), (2, 2)]], 100.0),
        ];
        for (said, rings, expected) in cases {
            let (outline, repairs) = mended(rings).unwrap_or_else(|unsound| panic!("{rings:?}: {unsound}"));
            assert_eq!((repairs.to_string().as_str(), size(&outline)), (said, expected), "{rings:?}");
        }
    }

    #[test]
    fn what_has_two_readings_is_refused_with_the_place() {
        let refused = mended(&[&[(0, 0), (10, 10), (10, 0), (0, 10), (0, 0)]]).unwrap_err();
        let Unsound::Crosses(at, by) = refused else { panic!("{refused:?}") };
        assert!((at.lat - 60.005).abs() < 1e-9 && (at.lon - 10.005).abs() < 1e-9 && (300_000.0..320_000.0).contains(&by), "{refused}");
        assert!(refused.to_string().contains("60.00500 north, 10.00500 east, so that 31.1 ha"), "{refused}");
        // The ring twice; a hole beside the outline; a hole that reaches over it.
        let twice = [&SQUARE[..4], &SQUARE[..]].concat();
        assert!(matches!(mended(&[&twice]), Err(Unsound::Crosses(..))));
        assert!(matches!(mended(&[&SQUARE, &[(20, 0), (25, 0), (25, 5), (20, 0)]]), Err(Unsound::Crosses(..))));
        assert!(matches!(mended(&[&SQUARE, &[(5, 2), (15, 2), (15, 4), (5, 2)]]), Err(Unsound::Crosses(..))));
        assert_eq!(mended(&[&[(0, 0), (10, 0)]]), Err(Unsound::TooFewCorners));
        assert_eq!(mended(&[&[]]), Err(Unsound::TooFewCorners));
        assert_eq!(mended(&[&SQUARE, &[(2, 2), (4, 4), (2, 2)]]), Err(Unsound::TooFewCorners));
        assert_eq!(mended(&[&[(1, 1), (1, 1), (1, 1), (1, 1)]]), Err(Unsound::NoArea));
        assert_eq!(mend(&[]), Err(Unsound::NoArea));
    }

    #[test]
    fn a_crossing_no_larger_than_rounding_makes_it_is_taken_and_said() {
        // The last corner lies a metre or so over the first line.
        let mut corners = ring(&SQUARE);
        corners.insert(4, Coord { x: 10.0001, y: 59.99999 });
        let (outline, repairs) = mend(&[vec![corners]]).unwrap();
        assert!(repairs.crossing > 1.0 && repairs.crossing < 20.0 && repairs.to_string().starts_with("crossed itself, by "), "{repairs}");
        assert!((size(&outline) - 99.5).abs() < 0.1, "{}", size(&outline));
    }

    #[test]
    fn a_line_that_ran_beyond_a_corner_and_back_was_left_on_itself() {
        for corners in [&[(6, 0), (8, 2), (7, 1), (3, 3)], &[(8, 2), (7, 1), (3, 3), (6, 0)], &[(7, 1), (3, 3), (6, 0), (8, 2)]] {
            let (outline, repairs) = mended(&[corners]).unwrap();
            assert_eq!((outline.coords_count(), repairs.spikes, repairs.touching), (4, 1, 0), "{repairs}");
            assert!((size(&outline) - 3.0).abs() < 0.1, "{}", size(&outline));
        }
    }

    #[test]
    fn parts_that_meet_become_one() {
        let beside: Rings = vec![ring(&[(10, 0), (20, 0), (20, 10), (10, 10), (10, 0)])];
        let over: Rings = vec![ring(&[(5, 5), (15, 5), (15, 15), (5, 15), (5, 5)])];
        let apart: Rings = vec![ring(&[(30, 0), (40, 0), (40, 10), (30, 10), (30, 0)])];
        let (outline, repairs) = mend(&[vec![ring(&SQUARE)], beside, over, apart]).unwrap();
        assert_eq!((outline.0.len(), size(&outline), repairs.merged), (2, 350.0, 2));
        assert_eq!(repairs.to_string(), "2 parts merged with others that they met");
        // Corners that were there before are where they were.
        assert!(ring(&[(0, 0), (20, 10), (5, 15)]).iter().all(|corner| outline.coords_iter().any(|at| at == *corner)));
    }

    proptest! {
        /// Whatever the corners are, what comes out is sound: no ring meets itself, and mending it again changes nothing.
        #[test]
        fn what_was_mended_is_sound(rings in prop::collection::vec(prop::collection::vec((0i32..12, 0i32..12), 0..9), 1..3)) {
            let rings: Vec<&[(i32, i32)]> = rings.iter().map(Vec::as_slice).collect();
            let read = mended(&rings);
            prop_assert!(!matches!(read, Err(Unsound::Touches(_))), "{read:?}");
            if let Ok((outline, _)) = read {
                for part in &outline.0 {
                    for one in std::iter::once(part.exterior()).chain(part.interiors()) {
                        prop_assert!(one.is_closed() && one.0.len() > 3);
                        let in_units = one.map_coords(|at| whole(Coord { x: at.x * UNITS, y: at.y * UNITS }));
                        prop_assert!(!Meetings::of(std::iter::once(&in_units)).in_one_ring, "{one:?}");
                    }
                }
                let again: Vec<Rings> = outline.0.iter().map(|part| std::iter::once(part.exterior()).chain(part.interiors()).map(|ring| ring.0.clone()).collect()).collect();
                let (again, repairs) = mend(&again).unwrap();
                prop_assert!(repairs.repeated + repairs.spikes + repairs.flat + repairs.closed + repairs.turned == 0, "{repairs}");
                prop_assert!((size(&again) - size(&outline)).abs() < 0.1);
            }
        }

        /// A star round a middle never crosses itself: it is taken whichever way it turns and wherever it begins.
        #[test]
        fn a_star_is_always_taken(radii in prop::collection::vec(20i32..200, 3..30), turn in any::<bool>(), begin in any::<prop::sample::Index>()) {
            let count = radii.len();
            let corner = |(i, radius): (usize, &i32)| {
                let angle = std::f64::consts::TAU * i as f64 / count as f64;
                Coord { x: 10.0 + f64::from(*radius) / 1e4 * angle.cos(), y: 60.0 + f64::from(*radius) / 1e4 * angle.sin() }
            };
            let mut corners: Ring = radii.iter().enumerate().map(corner).collect();
            corners.rotate_left(begin.index(count));
            if turn {
                corners.reverse();
            }
            let (outline, repairs) = mend(&[vec![corners]]).unwrap();
            prop_assert_eq!((outline.0.len(), repairs.closed, repairs.turned), (1, 1, usize::from(turn)));
            prop_assert_eq!(outline.coords_count(), count + 1);
        }
    }
}
