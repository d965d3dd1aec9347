//! The outlines of the demo's districts: made from their real centres and sizes, not drawn after the real ones.
//!
//! Each district gets the points that are nearest to its centre, where a larger district's centre reaches farther
//! (a power diagram). Such cells are convex, cover the city without a gap, and never overlap.

use dorbank_shared::geo::{LatLon, Metres, Plane};

/// The middle of the demo's city.
pub const MIDDLE: LatLon = LatLon { lat: 59.93, lon: 10.78 };
/// Half the city's width and height, in metres.
const HALF: (f64, f64) = (11_000.0, 15_000.0);
/// Corners of the city's own outline.
const CORNERS: u32 = 40;

/// A convex outline in metres from [`MIDDLE`], counter-clockwise, without a repeated corner.
pub type Cell = Vec<Metres>;

/// A centre and the square of how far it reaches, in square metres.
#[derive(Debug, Clone, Copy)]
pub struct Site {
    /// Its place.
    pub at: Metres,
    /// Its weight.
    pub reach_squared: f64,
}

/// The plane on which the city lies.
pub fn plane() -> Plane {
    Plane::at(MIDDLE)
}

/// A site at `at` that reaches as far as a disc of so many square kilometres.
pub fn site(at: LatLon, square_km: f64) -> Site {
    Site { at: plane().project(at), reach_squared: square_km * 1e6 / std::f64::consts::PI }
}

/// The city's outline.
pub fn city() -> Cell {
    (0..CORNERS)
        .map(|corner| {
            let turn = f64::from(corner) / f64::from(CORNERS) * std::f64::consts::TAU;
            Metres { x: HALF.0 * turn.cos(), y: HALF.1 * turn.sin() }
        })
        .collect()
}

/// The cell of each site, in their order.
pub fn cells(sites: &[Site]) -> Vec<Cell> {
    sites
        .iter()
        .enumerate()
        .map(|(own, site)| {
            let others = sites.iter().enumerate().filter(|(other, _)| *other != own);
            others.fold(city(), |cell, (_, other)| {
                let (dx, dy) = (other.at.x - site.at.x, other.at.y - site.at.y);
                let squared = |at: Metres| at.x * at.x + at.y * at.y;
                let limit = f64::midpoint(squared(other.at) - other.reach_squared, site.reach_squared - squared(site.at));
                cut(&cell, dx, dy, limit)
            })
        })
        .collect()
}

/// The part of a convex cell where `dx * x + dy * y <= limit`.
fn cut(cell: &Cell, dx: f64, dy: f64, limit: f64) -> Cell {
    let side = |at: Metres| dx * at.x + dy * at.y - limit;
    let mut kept = Vec::with_capacity(cell.len() + 1);
    for (index, here) in cell.iter().enumerate() {
        let next = cell[(index + 1) % cell.len()];
        let (a, b) = (side(*here), side(next));
        if a <= 0.0 {
            kept.push(*here);
        }
        if (a < 0.0) != (b < 0.0) && a != 0.0 && b != 0.0 {
            let share = a / (a - b);
            kept.push(Metres { x: here.x + (next.x - here.x) * share, y: here.y + (next.y - here.y) * share });
        }
    }
    kept
}

/// Whether a point lies in a cell, at least `margin` metres from its edge.
pub fn holds(cell: &Cell, at: Metres, margin: f64) -> bool {
    cell.len() > 2
        && cell.iter().enumerate().all(|(index, a)| {
            let b = cell[(index + 1) % cell.len()];
            let length = a.distance(b).max(f64::EPSILON);
            ((b.x - a.x) * (at.y - a.y) - (b.y - a.y) * (at.x - a.x)) / length >= margin
        })
}

/// Several cells as one GeoJSON geometry.
pub fn geojson(cells: &[&Cell]) -> String {
    let plane = plane();
    let polygons = cells.iter().map(|cell| {
        let ring: Vec<geo::Coord> = cell
            .iter()
            .map(|at| {
                let at = plane.unproject(*at);
                geo::Coord { x: at.lon, y: at.lat }
            })
            .collect();
        geo::Polygon::new(geo::LineString::new(ring), Vec::new())
    });
    crate::import::write_outline(&geo::MultiPolygon::new(polygons.collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(cell: &Cell) -> f64 {
        (0..cell.len())
            .map(|i| {
                let (a, b) = (cell[i], cell[(i + 1) % cell.len()]);
                (a.x * b.y - b.x * a.y) / 2.0
            })
            .sum()
    }

    /// What two convex cells share.
    fn shared(a: &Cell, b: &Cell) -> f64 {
        // A site that others crowd out, or that lies outside the city, has no cell.
        if b.len() < 3 {
            return 0.0;
        }
        let part = (0..b.len()).fold(a.clone(), |part, i| {
            let (from, to) = (b[i], b[(i + 1) % b.len()]);
            let (dx, dy) = (to.y - from.y, from.x - to.x);
            cut(&part, dx, dy, dx * from.x + dy * from.y)
        });
        area(&part)
    }

    proptest! {
        #[test]
        fn cells_cover_the_city_and_never_overlap(
            places in prop::collection::vec((-10_000.0f64..10_000.0, -14_000.0f64..14_000.0, 0.0f64..4e6), 1..20),
        ) {
            let sites: Vec<Site> = places.iter().map(|(x, y, w)| Site { at: Metres { x: *x, y: *y }, reach_squared: *w }).collect();
            let cells = cells(&sites);
            let whole: f64 = cells.iter().map(area).sum();
            prop_assert!((whole - area(&city())).abs() < 10.0, "{whole}");
            for (i, a) in cells.iter().enumerate() {
                for b in &cells[i + 1..] {
                    prop_assert!(shared(a, b).abs() < 1.0);
                }
            }
        }
    }
}
