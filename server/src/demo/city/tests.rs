//! What a city is like, from some seeds and at two sizes.

use std::collections::{BTreeMap, HashMap, HashSet};

use geo::{Contains as _, Point};

use super::*;

fn city(seed: u64, scale: i64) -> City {
    City::build(&mut Maker::new(seed, 0), scale)
}

fn near(points: &[LatLon], at: LatLon) -> (f64, f64) {
    let (plane, at) = (plane(), plane().project(at));
    let line: Vec<Metres> = points.iter().map(|point| plane.project(*point)).collect();
    let mut before = 0.0;
    let mut best = (f64::INFINITY, 0.0);
    for pair in line.windows(2) {
        let length = pair[0].distance(pair[1]);
        let (dx, dy) = ((pair[1].x - pair[0].x) / length, (pair[1].y - pair[0].y) / length);
        let along = ((at.x - pair[0].x) * dx + (at.y - pair[0].y) * dy).clamp(0.0, length);
        let far = at.distance(Metres { x: pair[0].x + along * dx, y: pair[0].y + along * dy });
        if far < best.0 {
            best = (far, before + along);
        }
        before += length;
    }
    best
}

/// Which side of its street an entrance stands on.
fn is_left(points: &[LatLon], at: LatLon) -> bool {
    let (plane, at) = (plane(), plane().project(at));
    let line: Vec<Metres> = points.iter().map(|point| plane.project(*point)).collect();
    let nearest = line.windows(2).min_by(|a, b| {
        let far = |pair: &[Metres]| at.distance(pair[0]) + at.distance(pair[1]) - pair[0].distance(pair[1]);
        far(a).total_cmp(&far(b))
    });
    nearest.is_some_and(|pair| (pair[1].x - pair[0].x) * (at.y - pair[0].y) - (pair[1].y - pair[0].y) * (at.x - pair[0].x) > 0.0)
}

fn points(line: &Line) -> Vec<LatLon> {
    line.geometry.parts.iter().flatten().map(|at| at.degrees()).collect()
}

#[test]
fn houses_stand_along_their_street_in_their_district_and_on_land() {
    for (seed, scale) in [(1, 30), (2, 30), (2026, 12)] {
        let city = city(seed, scale);
        let shapes: Vec<MultiPolygon> = Tiling::build(Maker::new(seed, 0).rng.random_range(0..u64::MAX), &claims()).districts;
        let streets: HashMap<&str, &Line> =
            city.lines.iter().filter(|line| line.kind == Kind::Street).map(|line| (line.name.as_str(), line)).collect();
        assert_eq!(streets.len(), city.lines.iter().filter(|line| line.kind == Kind::Street).count(), "no name is given twice");
        let mut used: HashSet<&str> = HashSet::new();
        for ((known, shape), entrances) in DISTRICTS.iter().zip(&shapes).zip(&city.entrances) {
            let own: BTreeMap<&str, Vec<&Entrance>> = entrances.iter().fold(BTreeMap::new(), |mut own, entrance| {
                own.entry(entrance.street.as_str()).or_insert_with(Vec::new).push(entrance);
                own
            });
            for (street, houses) in own {
                assert!(used.insert(street), "{street} lies in one district");
                let line = &points(streets[street]);
                let mut last = [f64::NEG_INFINITY; 2];
                for house in houses {
                    assert_eq!(house.district.as_deref(), Some(known.number));
                    assert!(shape.contains(&Point::new(house.at.lon, house.at.lat)), "{} lies in {}", house.address(), known.name);
                    let (far, along) = near(line, house.at);
                    assert!((9.0..17.0).contains(&far), "{} is {far:.1} m from its street", house.address());
                    assert_eq!(is_left(line, house.at), house.number % 2 == 1, "{}", house.address());
                    let side = usize::from(house.number % 2 == 1);
                    assert!(along > last[side] - 1.0, "{} comes after the one before it", house.address());
                    last[side] = along;
                }
            }
        }
        assert_eq!(used.len(), streets.len(), "every street has a house");
    }
}

#[test]
fn every_district_has_its_share_of_doors_and_of_blocks() {
    let scale = 12;
    let city = city(1, scale);
    for (known, entrances) in DISTRICTS.iter().zip(&city.entrances) {
        let doors: usize = entrances.iter().map(|entrance| entrance.units.len()).sum();
        let wanted = usize::try_from(known.households / scale).unwrap();
        assert!((wanted..wanted + 60).contains(&doors), "{}: {doors} for {wanted}", known.name);
        // Four dwellings and more under one roof are a block, but for a few houses.
        let in_blocks: usize = entrances.iter().map(|entrance| entrance.units.len()).filter(|doors| *doors > 4).sum();
        let share = in_blocks as f64 / doors as f64;
        assert!((share - known.blocks).abs() < 0.12, "{}: {share:.2} of {:.2}", known.name, known.blocks);
    }
    let labels: HashSet<char> = city.entrances.iter().flatten().flat_map(|e| &e.units).filter_map(|unit| unit.label.chars().next()).collect();
    assert_eq!(labels, HashSet::from(['H', 'U', 'L']));
    assert!(city.entrances.iter().flatten().any(|entrance| entrance.letter == "D"));
    assert!(city.entrances.iter().flatten().any(|entrance| entrance.letter == "E" && entrance.units.len() == 1), "a row of houses");
}

#[test]
fn lines_are_whole_and_each_kind_is_there() {
    let city = city(3, 30);
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    for line in &city.lines {
        *kinds.entry(line.kind).or_default() += 1;
        let points = points(line);
        assert!(points.len() >= 2 && line.name.is_empty() == (line.kind == Kind::Path), "{line:?}");
        assert!(points.windows(2).all(|pair| pair[0] != pair[1]), "{line:?}");
    }
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    assert!(kinds[&Kind::Street] > 60 && kinds[&Kind::Path] > 20, "{kinds:?}");
}
