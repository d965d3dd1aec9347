//! Whatever the seed: the districts tile the land, corner by corner.

#![expect(clippy::cast_possible_truncation, reason = "degrees are small")]

use std::collections::BTreeMap;

use geo::{Area as _, BoundingRect as _, Contains as _, Intersects as _, MapCoords as _, Validation as _};
use proptest::prelude::*;

use super::{super::city::DISTRICTS, *};

/// A directed edge, in whole ten millionths of a degree.
type Edge = ((i64, i64), (i64, i64));

fn edges(shape: &MultiPolygon) -> Vec<Edge> {
    let whole = |at: geo::Coord| ((at.x * 1e7).round() as i64, (at.y * 1e7).round() as i64);
    let rings = shape.0.iter().flat_map(|part| std::iter::once(part.exterior()).chain(part.interiors()));
    rings.flat_map(|ring| ring.lines().map(|line| (whole(line.start), whole(line.end))).collect::<Vec<_>>()).collect()
}

fn square_km(shape: &MultiPolygon) -> f64 {
    let flat = shape.map_coords(|at| {
        let at = plane().project(LatLon { lat: at.y, lon: at.x });
        geo::Coord { x: at.x, y: at.y }
    });
    flat.unsigned_area() / 1e6
}

fn tiling(seed: u64) -> Tiling {
    Tiling::build(seed, &super::super::city::claims())
}

/// The size of all districts but the forest, in square kilometres: as they are, and as they really are.
fn sizes(tiling: &Tiling) -> (f64, f64) {
    let town = DISTRICTS.iter().zip(&tiling.districts).filter(|(known, _)| known.square_km().is_some());
    (town.map(|(_, shape)| square_km(shape)).sum(), DISTRICTS.iter().filter_map(super::super::city::Known::square_km).sum())
}

/// Every edge of a district is an edge of exactly one neighbour, the other way round, or lies on the land's outline.
fn borders_are_shared(tiling: &Tiling) -> Result<(), TestCaseError> {
    let mut of: BTreeMap<Edge, usize> = BTreeMap::new();
    for (district, shape) in tiling.districts.iter().enumerate() {
        for edge in edges(shape) {
            prop_assert_eq!(of.insert(edge, district), None, "an edge that two districts have on the same side");
        }
    }
    let outline = edges(&tiling.land());
    let on_outline: std::collections::BTreeSet<Edge> = outline.iter().copied().collect();
    prop_assert_eq!(on_outline.len(), outline.len());
    for (from, to) in of.keys() {
        let across = of.contains_key(&(*to, *from));
        prop_assert!(across != on_outline.contains(&(*from, *to)), "an edge with a gap behind it, or two neighbours");
    }
    prop_assert!(outline.iter().all(|edge| of.contains_key(edge)), "a part of the outline that no district has");
    // The shore is the same for the fjord.
    let shore = edges(&tiling.fjord).into_iter().filter(|(from, to)| on_outline.contains(&(*to, *from))).count();
    prop_assert!(shore > 50, "{shore} edges of shore");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_districts_tile_the_land(seed in any::<u64>(), points in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0), 200)) {
        let tiling = tiling(seed);
        let land = tiling.land();
        let (town, claimed) = sizes(&tiling);
        prop_assert!((town / claimed - 1.0).abs() < 0.04, "{town} km² for {claimed}");
        borders_are_shared(&tiling)?;
        for (known, shape) in DISTRICTS.iter().zip(&tiling.districts) {
            prop_assert!(shape.is_valid(), "{}: {:?}", known.name(), shape.validation_errors());
            let at = known.centre();
            prop_assert!(shape.contains(&Point::new(at.lon, at.lat)), "{} does not hold its centre", known.name());
            prop_assert!(shape.0.len() <= if known.square_km().is_some() { 1 } else { 2 }, "{} lies in {} parts", known.name(), shape.0.len());
            if let Some(wanted) = known.square_km() {
                let (is, share) = (square_km(shape), wanted / claimed * town);
                // Five in a hundred; of the smallest some hexagons.
                prop_assert!((is - share).abs() < (0.05 * share).max(0.12), "{} has {is:.2} km² of {share:.2}", known.name());
            }
        }
        prop_assert!(land.is_valid() && tiling.fjord.is_valid());
        prop_assert_eq!((land.0.len(), tiling.fjord.0.len()), (1, 1));
        let whole: f64 = tiling.districts.iter().map(geo::Area::unsigned_area).sum();
        prop_assert!((whole / land.unsigned_area() - 1.0).abs() < 1e-9);

        let bounds = land.bounding_rect().unwrap();
        for (east, north) in points {
            let at = Point::new(bounds.min().x + east * bounds.width(), bounds.min().y + north * bounds.height());
            let inside = tiling.districts.iter().filter(|shape| shape.contains(&at)).count();
            let on_border = tiling.districts.iter().any(|shape| shape.intersects(&at) && !shape.contains(&at));
            prop_assert!(on_border || inside == usize::from(land.contains(&at)), "{at:?} lies in {inside} districts");
            prop_assert!(!(land.contains(&at) && tiling.fjord.contains(&at)));
            let place = plane().project(LatLon { lat: at.y(), lon: at.x() });
            for (district, shape) in tiling.districts.iter().enumerate() {
                prop_assert!(on_border || tiling.is_in(place, district) == shape.contains(&at));
            }
        }
    }
}

#[test]
fn the_demos_own_city_is_as_large_as_it_says() {
    let tiling = tiling(2026);
    let (town, claimed) = sizes(&tiling);
    println!("town {town:.1} km², really {claimed:.1}");
    for (known, shape) in DISTRICTS.iter().zip(&tiling.districts) {
        let is = square_km(shape);
        let off = known.square_km().map_or(0.0, |wanted| (is / wanted - 1.0) * 100.0);
        let corners: usize = edges(shape).len();
        println!("{} {:<18} {is:7.2} km², {off:+.1} %, {corners} corners, {} part(s)", known.number, known.name(), shape.0.len());
    }
    println!("land {:.1} km², fjord {:.1} km²", square_km(&tiling.land()), square_km(&tiling.fjord));
    let forest = square_km(&tiling.districts[16]);
    assert!(forest > 200.0 && (50.0..120.0).contains(&(square_km(&tiling.fjord) + 40.0)), "{forest}");
}
