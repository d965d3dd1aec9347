//! Places on the ground: distances, boxes, and the order in which a pair walks a street.
//!
//! Coordinates are ETRS89, which a phone's WGS84 equals to within a metre. Distances are taken on a plane that touches
//! the ground at a point near by: over a city the error is far below the width of a street.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A point, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatLon {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

/// A point on a [`Plane`], in metres east and north of its origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metres {
    /// Metres east.
    pub x: f64,
    /// Metres north.
    pub y: f64,
}

impl Metres {
    /// How far it is to `other`, in metres.
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A plane that touches the ground at `origin`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    origin: LatLon,
    metres_per_lat: f64,
    metres_per_lon: f64,
}

impl Plane {
    /// Half the longer axis of the ellipsoid GRS80, in metres.
    const AXIS: f64 = 6_378_137.0;
    /// The square of its eccentricity.
    const ECCENTRICITY_SQUARED: f64 = 0.006_694_380_022_90;

    /// The plane at `origin`.
    pub fn at(origin: LatLon) -> Self {
        let (sin, cos) = origin.lat.to_radians().sin_cos();
        let flat = 1.0 - Self::ECCENTRICITY_SQUARED * sin * sin;
        let meridian = Self::AXIS * (1.0 - Self::ECCENTRICITY_SQUARED) / (flat * flat.sqrt());
        let parallel = Self::AXIS / flat.sqrt() * cos;
        Self { origin, metres_per_lat: meridian.to_radians(), metres_per_lon: parallel.to_radians() }
    }

    /// A point of the ground on the plane.
    pub fn project(&self, at: LatLon) -> Metres {
        Metres { x: (at.lon - self.origin.lon) * self.metres_per_lon, y: (at.lat - self.origin.lat) * self.metres_per_lat }
    }

    /// A point of the plane on the ground.
    pub fn unproject(&self, at: Metres) -> LatLon {
        LatLon { lat: self.origin.lat + at.y / self.metres_per_lat, lon: self.origin.lon + at.x / self.metres_per_lon }
    }
}

/// How far two points are apart, in metres.
pub fn distance(a: LatLon, b: LatLon) -> f64 {
    let plane = Plane::at(LatLon { lat: f64::midpoint(a.lat, b.lat), lon: f64::midpoint(a.lon, b.lon) });
    plane.project(a).distance(plane.project(b))
}

/// The smallest box along the meridians that holds some points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Its southern and western corner.
    pub min: LatLon,
    /// Its northern and eastern corner.
    pub max: LatLon,
}

impl Bounds {
    /// The box of `points`; nothing where there is none.
    pub fn of(points: impl IntoIterator<Item = LatLon>) -> Option<Self> {
        points.into_iter().fold(None, |bounds: Option<Self>, at| {
            Some(bounds.map_or(Self { min: at, max: at }, |b| Self {
                min: LatLon { lat: b.min.lat.min(at.lat), lon: b.min.lon.min(at.lon) },
                max: LatLon { lat: b.max.lat.max(at.lat), lon: b.max.lon.max(at.lon) },
            }))
        })
    }

    /// Whether a point lies in it or on its edge.
    pub fn contains(&self, at: LatLon) -> bool {
        (self.min.lat..=self.max.lat).contains(&at.lat) && (self.min.lon..=self.max.lon).contains(&at.lon)
    }

    /// Its middle.
    pub fn centre(&self) -> LatLon {
        LatLon { lat: f64::midpoint(self.min.lat, self.max.lat), lon: f64::midpoint(self.min.lon, self.max.lon) }
    }
}

/// What the walk needs to know of an entrance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop<'a> {
    /// The entrance; settles what is otherwise equal, so that the order never depends on the order of the input.
    pub id: Uuid,
    /// Its street.
    pub street: &'a str,
    /// Its house number.
    pub number: i64,
    /// The letter after the number, or nothing.
    pub letter: &'a str,
    /// Where it stands.
    pub at: LatLon,
}

/// The entrances of a turf in the order in which they are walked, as indexes into `stops`.
///
/// A street is walked up its odd side and back down its even one, so a pair crosses it once and ends where it began.
/// Then follows the street that begins nearest by. The walk starts at the street end that is farthest from the
/// middle, so that it does not leave a far corner for the end.
pub fn walk_order(stops: &[Stop]) -> Vec<usize> {
    let Some(bounds) = Bounds::of(stops.iter().map(|stop| stop.at)) else { return Vec::new() };
    let plane = Plane::at(bounds.centre());
    let place = |index: usize| plane.project(stops[index].at);
    let mut left = streets(stops);
    let mut here: Option<Metres> = None;
    let mut order = Vec::with_capacity(stops.len());
    while !left.is_empty() {
        let mut best: Option<(f64, usize, bool)> = None;
        for (index, street) in left.iter().enumerate() {
            for (backwards, end) in [(false, street.first()), (true, street.last())] {
                let Some(end) = end else { continue };
                let cost = here.map_or_else(|| -place(*end).distance(Metres { x: 0.0, y: 0.0 }), |here| here.distance(place(*end)));
                // Strictly less: of equals the street that sorts first is taken, walked forwards.
                if best.is_none_or(|(least, ..)| cost < least) {
                    best = Some((cost, index, backwards));
                }
            }
        }
        let Some((_, index, backwards)) = best else { break };
        let mut street = left.remove(index);
        if backwards {
            street.reverse();
        }
        here = street.last().map(|last| place(*last));
        order.extend(street);
    }
    order
}

/// Each street's entrances: the odd numbers upwards, then the even ones downwards; streets by name.
fn streets(stops: &[Stop]) -> Vec<Vec<usize>> {
    let mut indexes: Vec<usize> = (0..stops.len()).collect();
    indexes.sort_by(|a, b| {
        let (a, b) = (&stops[*a], &stops[*b]);
        let even = |stop: &Stop| stop.number % 2 == 0;
        let house = (a.number, a.letter, a.id).cmp(&(b.number, b.letter, b.id));
        a.street.cmp(b.street).then(even(a).cmp(&even(b))).then(if even(a) { house.reverse() } else { house })
    });
    indexes.chunk_by(|a, b| stops[*a].street == stops[*b].street).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OSLO: LatLon = LatLon { lat: 59.9139, lon: 10.7522 };

    #[test]
    fn a_minute_of_latitude_is_a_sea_mile() {
        let north = LatLon { lat: OSLO.lat + 1.0 / 60.0, ..OSLO };
        assert!((distance(OSLO, north) - 1857.0).abs() < 2.0);
        // At 60 degrees a minute of longitude is half a sea mile.
        let east = LatLon { lon: OSLO.lon + 1.0 / 60.0, ..OSLO };
        assert!((distance(OSLO, east) - 932.0).abs() < 2.0);
    }

    #[test]
    fn a_street_is_walked_up_its_odd_side_and_down_its_even_one() {
        let stop = |number: i64, letter: &'static str| Stop {
            id: Uuid::from_u128(u128::try_from(number).unwrap()),
            street: "Rognegata",
            number,
            letter,
            at: LatLon { lat: OSLO.lat + number as f64 * 1e-4, lon: OSLO.lon },
        };
        let stops = [stop(4, ""), stop(1, "B"), stop(6, ""), stop(3, ""), stop(1, "A"), stop(2, "")];
        let walked: Vec<String> = walk_order(&stops).into_iter().map(|i| format!("{}{}", stops[i].number, stops[i].letter)).collect();
        // It may also begin at the other end: the same loop backwards.
        assert!(walked == ["1A", "1B", "3", "6", "4", "2"] || walked == ["2", "4", "6", "3", "1B", "1A"], "{walked:?}");
    }

    #[test]
    fn the_nearest_street_comes_next() {
        let stop = |street: &'static str, number: i64, lon: f64| Stop {
            id: Uuid::from_u128(u128::try_from(number).unwrap()),
            street,
            number,
            letter: "",
            at: LatLon { lat: OSLO.lat, lon },
        };
        let stops = [stop("C", 1, 10.70), stop("A", 1, 10.72), stop("B", 1, 10.71)];
        let walked: Vec<&str> = walk_order(&stops).into_iter().map(|i| stops[i].street).collect();
        assert!(walked == ["C", "B", "A"] || walked == ["A", "B", "C"]);
    }

    #[test]
    fn no_entrances_have_no_order() {
        assert!(walk_order(&[]).is_empty());
        assert_eq!(Bounds::of([]), None);
    }

    proptest! {
        #[test]
        fn a_point_comes_back_from_the_plane(lat in 57.0f64..72.0, lon in 4.0f64..32.0, north in -0.1f64..0.1, east in -0.1f64..0.1) {
            let plane = Plane::at(LatLon { lat, lon });
            let at = LatLon { lat: lat + north, lon: lon + east };
            let back = plane.unproject(plane.project(at));
            prop_assert!((back.lat - at.lat).abs() < 1e-9 && (back.lon - at.lon).abs() < 1e-9);
        }

        #[test]
        fn distances_obey_the_triangle(points in prop::collection::vec((59.8f64..60.1, 10.5f64..11.0), 3)) {
            let at: Vec<LatLon> = points.iter().map(|(lat, lon)| LatLon { lat: *lat, lon: *lon }).collect();
            prop_assert!(distance(at[0], at[2]) <= distance(at[0], at[1]) + distance(at[1], at[2]) + 50.0);
            prop_assert!((distance(at[0], at[1]) - distance(at[1], at[0])).abs() < 1e-6);
        }

        #[test]
        fn a_walk_passes_every_entrance_once_whatever_order_they_came_in(
            houses in prop::collection::vec((0usize..4, 0i64..40, 0usize..3, 59.90f64..59.95, 10.7f64..10.8), 0..60),
            turn in 0usize..60,
        ) {
            let streets = ["Aspegata", "Bjørkeveien", "Granlia", "Øvre Hegg"];
            let letters = ["", "A", "B"];
            let mut stops: Vec<Stop> = houses
                .iter()
                .enumerate()
                .map(|(i, (street, number, letter, lat, lon))| Stop {
                    id: Uuid::from_u128(i as u128),
                    street: streets[*street],
                    number: *number,
                    letter: letters[*letter],
                    at: LatLon { lat: *lat, lon: *lon },
                })
                .collect();
            let walked: Vec<Uuid> = walk_order(&stops).into_iter().map(|i| stops[i].id).collect();
            let mut sorted = walked.clone();
            sorted.sort();
            prop_assert_eq!(sorted, (0..stops.len()).map(|i| Uuid::from_u128(i as u128)).collect::<Vec<_>>());
            if !stops.is_empty() {
                let by = turn % stops.len();
                stops.rotate_left(by);
                let again: Vec<Uuid> = walk_order(&stops).into_iter().map(|i| stops[i].id).collect();
                prop_assert_eq!(walked, again);
            }
        }

        #[test]
        fn a_box_holds_its_points(points in prop::collection::vec((59.0f64..60.0, 10.0f64..11.0), 1..20)) {
            let at: Vec<LatLon> = points.iter().map(|(lat, lon)| LatLon { lat: *lat, lon: *lon }).collect();
            let bounds = Bounds::of(at.iter().copied()).unwrap();
            prop_assert!(at.iter().all(|p| bounds.contains(*p)) && bounds.contains(bounds.centre()));
        }
    }
}
