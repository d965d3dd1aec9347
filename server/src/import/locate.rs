//! Which district a point lies in.

use std::{collections::HashMap, fmt};

use dorbank_shared::geo::LatLon;
use geo::{
    BoundingRect as _, Contains as _, CoordsIter as _, Intersects as _, MultiPolygon, Orient as _, Point, Rect, indexed::IntervalTreeMultiPolygon,
    orient::Direction,
};
use geojson::{Geometry, GeometryValue, PolygonType};

use crate::store::{StoreError, Tx, district};

/// Finds the district of an address: by its basic statistical unit where a table says so, else by the outlines.
#[derive(Debug, Default)]
pub struct Locator {
    by_unit: HashMap<String, String>,
    outlines: Vec<Outline>,
}

/// An outline, ready to be asked many times. A whole city's addresses were asked one corner after the other in a second;
/// by the tree, in a tenth of it.
struct Outline {
    number: String,
    bounds: Rect,
    shape: MultiPolygon,
    /// The sides by the latitudes that they span.
    sides: IntervalTreeMultiPolygon<f64>,
}

impl fmt::Debug for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outline").field("number", &self.number).field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl Outline {
    /// So many degrees, a tenth of a millimetre, lie between what is on a border and what is beside it.
    const BESIDE: f64 = 1e-9;

    fn new(number: String, shape: &MultiPolygon) -> Option<Self> {
        // The tree counts turns, so holes must turn the other way.
        let shape = shape.orient(Direction::Default);
        Some(Self { number, bounds: shape.bounding_rect()?, sides: IntervalTreeMultiPolygon::new(&shape), shape })
    }

    /// Whether a point lies inside, not on the border.
    fn contains(&self, point: Point) -> bool {
        self.bounds.intersects(&point) && self.sides.contains(&point)
    }

    /// Whether a point lies on the border: one beside it lies inside, or it is a corner. Only then is it worth the long way.
    fn borders(&self, point: Point) -> bool {
        let is_beside = || {
            let steps = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
            steps.iter().any(|(x, y)| self.sides.contains(&Point::new(point.x() + x * Self::BESIDE, point.y() + y * Self::BESIDE)))
        };
        let is_corner = || self.shape.coords_iter().any(|corner| corner == point.0);
        self.bounds.intersects(&point) && (is_beside() || is_corner()) && self.shape.intersects(&point)
    }
}

impl Locator {
    /// From a table (`unit, district`) and outlines (`district, GeoJSON geometry`). An outline that cannot be read is left out.
    pub fn new(units: Vec<(String, String)>, boundaries: Vec<(String, String)>) -> Self {
        let mut outlines: Vec<Outline> = boundaries.into_iter().filter_map(|(number, text)| Outline::new(number, &read_outline(&text)?)).collect();
        // A database sorts by the rules of a language, if it is told to, and the lower number is to be the same everywhere.
        outlines.sort_by(|a, b| a.number.cmp(&b.number));
        Self { by_unit: units.into_iter().collect(), outlines }
    }

    /// From what the database holds.
    pub async fn load(tx: &mut Tx) -> Result<Self, StoreError> {
        Ok(Self::new(district::grunnkretser(tx).await?, district::boundaries(tx).await?))
    }

    /// The number of the district, or nothing outside all of them. On a shared border, and where two overlap, the lower
    /// number wins.
    pub fn district(&self, grunnkrets: Option<&str>, at: LatLon) -> Option<&str> {
        if let Some(district) = grunnkrets.and_then(|unit| self.by_unit.get(unit)) {
            return Some(district);
        }
        let point = Point::new(at.lon, at.lat);
        let found = self.outlines.iter().find(|outline| outline.contains(point));
        found.or_else(|| self.outlines.iter().find(|outline| outline.borders(point))).map(|outline| outline.number.as_str())
    }

    /// The district of an entrance. Its unit goes with the published place, so where that was corrected the outlines are
    /// asked first.
    pub fn district_of(&self, grunnkrets: Option<&str>, at: LatLon, is_corrected: bool) -> Option<&str> {
        let by_outline = if is_corrected { self.district(None, at) } else { None };
        by_outline.or_else(|| self.district(grunnkrets, at))
    }

    /// Whether it knows any district at all.
    pub fn is_empty(&self) -> bool {
        self.by_unit.is_empty() && self.outlines.is_empty()
    }
}

/// A stored outline.
pub fn read_outline(text: &str) -> Option<MultiPolygon> {
    let geometry: Geometry = serde_json::from_str(text).ok()?;
    as_shape(&geometry)
}

/// A polygon or several, as one shape.
pub fn as_shape(geometry: &Geometry) -> Option<MultiPolygon> {
    // The conversion takes for granted that each position has a longitude and a latitude.
    let whole = |polygon: &PolygonType| polygon.iter().flatten().all(|position| position.len() >= 2);
    let is_whole = match &geometry.value {
        GeometryValue::Polygon { coordinates } => whole(coordinates),
        GeometryValue::MultiPolygon { coordinates } => coordinates.iter().all(whole),
        _ => false,
    };
    if !is_whole {
        return None;
    }
    match &geometry.value {
        GeometryValue::Polygon { .. } => Some(MultiPolygon::new(vec![(&geometry.value).try_into().ok()?])),
        GeometryValue::MultiPolygon { .. } => (&geometry.value).try_into().ok(),
        _ => None,
    }
}

/// A shape as it is stored.
pub fn write_outline(shape: &MultiPolygon) -> String {
    Geometry::new(GeometryValue::from(shape)).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIDE: usize = 4;

    /// A grid of districts whose inner borders are moved to and fro, each border the same for both sides; corners at full
    /// ten-millionths, as imports keep them.
    fn tiling(moves: &[(i32, i32)]) -> Vec<(String, String)> {
        let corner = |x: usize, y: usize| {
            let inner = |at: usize| at > 0 && at < SIDE;
            let (dx, dy) = moves[(x + y * (SIDE + 1)) % moves.len()];
            let tenths =
                |base: i64, at: usize, by: i32, moved: bool| base + i64::try_from(at).unwrap() * 100_000 + i64::from(if moved { by } else { 0 });
            (tenths(100_000_000, x, dx, inner(x)), tenths(600_000_000, y, dy, inner(y)))
        };
        let mut out = Vec::new();
        for y in 0..SIDE {
            for x in 0..SIDE {
                let ring = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y)].map(|(x, y)| corner(x, y));
                let corners: Vec<String> = ring.iter().map(|(x, y)| format!("[{},{}]", *x as f64 / 1e7, *y as f64 / 1e7)).collect();
                out.push((format!("{:02}", x + y * SIDE), format!("{{\"type\":\"Polygon\",\"coordinates\":[[{}]]}}", corners.join(","))));
            }
        }
        out
    }

    proptest! {
        /// Every point of a tiling lies in exactly one district, or on a border, where the lowest of those that share it wins.
        #[test]
        fn a_tiling_gives_every_point_to_exactly_one(moves in prop::collection::vec((-40_000i32..40_000, -40_000i32..40_000), 25), points in prop::collection::vec((0i64..=400_000, 0i64..=400_000), 1..40)) {
            let outlines = tiling(&moves);
            let all = Locator::new(Vec::new(), outlines.clone());
            for (x, y) in points {
                let at = LatLon { lat: (600_000_000 + y) as f64 / 1e7, lon: (100_000_000 + x) as f64 / 1e7 };
                let point = Point::new(at.lon, at.lat);
                let inside: Vec<&str> = all.outlines.iter().filter(|outline| outline.contains(point)).map(|outline| outline.number.as_str()).collect();
                // The long way, corner by corner.
                let touching: Vec<&str> = all.outlines.iter().filter(|outline| outline.shape.intersects(&point)).map(|outline| outline.number.as_str()).collect();
                prop_assert!(inside.len() <= 1 && !touching.is_empty(), "{at:?}: {inside:?} {touching:?}");
                prop_assert_eq!(all.district(None, at), touching.first().copied());
                if let [only] = inside.as_slice() {
                    prop_assert_eq!(&touching, &vec![*only]);
                }
            }
        }

        /// Corners and the middles of sides, where borders are shared.
        #[test]
        fn on_a_shared_border_the_lower_number_wins(moves in prop::collection::vec((-40_000i32..40_000, -40_000i32..40_000), 25)) {
            let all = Locator::new(Vec::new(), tiling(&moves));
            for outline in &all.outlines {
                for corner in outline.shape.coords_iter() {
                    let lowest = all.outlines.iter().find(|other| other.shape.intersects(&Point::from(corner))).map(|other| other.number.as_str());
                    prop_assert_eq!(all.district(None, LatLon { lat: corner.y, lon: corner.x }), lowest);
                }
            }
        }
    }

    #[test]
    fn the_lower_number_won_only_where_the_database_sorted_by_bytes() {
        let text = "{\"type\":\"Polygon\",\"coordinates\":[[[10,60],[11,60],[11,61],[10,61],[10,60]]]}";
        // As PostgreSQL sorts them in Norwegian and in most other languages.
        let sorted = ["a", "B", "Å"].map(|number| (number.to_owned(), text.to_owned())).to_vec();
        assert_eq!(Locator::new(Vec::new(), sorted).district(None, LatLon { lat: 60.5, lon: 10.5 }), Some("B"));
    }

    #[test]
    fn a_hole_is_outside_whichever_way_it_turns() {
        for hole in ["[10.4,60.4],[10.6,60.4],[10.6,60.6],[10.4,60.6],[10.4,60.4]", "[10.4,60.4],[10.4,60.6],[10.6,60.6],[10.6,60.4],[10.4,60.4]"] {
            let text = format!("{{\"type\":\"Polygon\",\"coordinates\":[[[10,60],[11,60],[11,61],[10,61],[10,60]],[{hole}]]}}");
            let locator = Locator::new(vec![("03010101".into(), "16".into())], vec![("01".into(), text)]);
            let at = |lat, lon| locator.district(None, LatLon { lat, lon });
            assert_eq!(
                (at(60.5, 10.5), at(60.5, 10.2), at(60.0, 10.5), at(60.0, 10.0), at(59.99, 10.5)),
                (None, Some("01"), Some("01"), Some("01"), None)
            );
            assert_eq!(locator.district(Some("03010101"), LatLon { lat: 60.5, lon: 10.5 }), Some("16"));
        }
    }
}
