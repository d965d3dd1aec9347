//! Borders as they are drawn: the edges between hexagons, smoothed once for both sides, and rings read off them.
//!
//! A corner of the lattice is moved once, whoever asks, and never farther than [`MOST`] of an edge. Two edges that share
//! no corner lie at least an edge apart, and two that do meet at 120 degrees; with both ends moved by less than 0.43 of an
//! edge they still cannot touch. So no border crosses itself or another, from any seed, and both sides have the same corners.

use std::collections::BTreeMap;

use dorbank_shared::geo::Metres;
use geo::{Coord, LineString, MultiPolygon, Polygon};

use super::{
    lattice::{Corner, Lattice},
    noise::chance,
    plane,
    share::Owner,
};

/// The farthest that a corner is moved, in edges.
const MOST: f64 = 0.4;
/// How far it is thrown off before it is smoothed, in edges.
const ROUGH: f64 = 0.22;
/// So often each corner moves half way to the middle of its neighbours on the border.
const PASSES: usize = 3;

/// Where each corner lies that a border passes, as longitude and latitude of seven decimals.
pub type Places = BTreeMap<Corner, Coord>;

/// Smooths all borders.
pub fn places(lattice: &Lattice, owners: &[Owner], seed: u64) -> Places {
    let mut beside: BTreeMap<Corner, Vec<Corner>> = BTreeMap::new();
    for (a, b) in borders(lattice, owners) {
        beside.entry(a).or_default().push(b);
        beside.entry(b).or_default().push(a);
    }
    let most = MOST * lattice.edge;
    let near = |corner: Corner, at: Metres| {
        let from = lattice.place(corner);
        let far = from.distance(at);
        let share = if far > most { most / far } else { 1.0 };
        Metres { x: from.x + (at.x - from.x) * share, y: from.y + (at.y - from.y) * share }
    };
    let rough = |corner: Corner| {
        let by = |seed: u64| chance(seed, corner.0.into(), corner.1.into()) * ROUGH * lattice.edge;
        let from = lattice.place(corner);
        Metres { x: from.x + by(seed ^ 0x31), y: from.y + by(seed ^ 0x32) }
    };
    let mut places: BTreeMap<Corner, Metres> = beside.keys().map(|corner| (*corner, rough(*corner))).collect();
    for _ in 0..PASSES {
        let moved = beside.iter().map(|(corner, beside)| {
            let at = places[corner];
            let share = 0.5 / beside.len() as f64;
            let sum = beside.iter().fold(Metres { x: at.x * 0.5, y: at.y * 0.5 }, |sum, next| {
                let next = places[next];
                Metres { x: sum.x + next.x * share, y: sum.y + next.y * share }
            });
            (*corner, near(*corner, sum))
        });
        places = moved.collect();
    }
    let plane = plane();
    let stored = |at: Metres| {
        let at = crate::import::round(plane.unproject(at));
        Coord { x: at.lon, y: at.lat }
    };
    places.into_iter().map(|(corner, at)| (corner, stored(at))).collect()
}

/// The edges between hexagons of two owners, each once.
fn borders(lattice: &Lattice, owners: &[Owner]) -> Vec<(Corner, Corner)> {
    let mut borders = Vec::new();
    for cell in 0..lattice.len() {
        let corners = lattice.corners(cell);
        for (side, other) in lattice.beside(cell).into_iter().enumerate() {
            if other.is_some_and(|other| other > cell && owners[other] != owners[cell]) {
                borders.push((corners[side], corners[(side + 1) % 6]));
            }
        }
    }
    borders
}

/// The shape of all hexagons of some owners: its parts with their holes, outer rings counter-clockwise.
pub fn shape(lattice: &Lattice, owners: &[Owner], places: &Places, is_in: impl Fn(Owner) -> bool) -> MultiPolygon {
    let mut part_of: Vec<Option<usize>> = vec![None; owners.len()];
    let mut parts = 0;
    // At each corner of a border exactly one edge of the shape begins, since three hexagons meet there.
    let mut next: BTreeMap<Corner, (Corner, usize)> = BTreeMap::new();
    for start in 0..owners.len() {
        if part_of[start].is_some() || !is_in(owners[start]) {
            continue;
        }
        let mut open = vec![start];
        part_of[start] = Some(parts);
        while let Some(cell) = open.pop() {
            let corners = lattice.corners(cell);
            for (side, other) in lattice.beside(cell).into_iter().enumerate() {
                match other.filter(|other| is_in(owners[*other])) {
                    None => {
                        next.insert(corners[side], (corners[(side + 1) % 6], parts));
                    }
                    Some(other) if part_of[other].is_none() => {
                        part_of[other] = Some(parts);
                        open.push(other);
                    }
                    Some(_) => {}
                }
            }
        }
        parts += 1;
    }
    let mut outer: Vec<Option<LineString>> = vec![None; parts];
    let mut holes: Vec<Vec<LineString>> = vec![Vec::new(); parts];
    while let Some((start, (_, part))) = next.first_key_value().map(|(corner, next)| (*corner, *next)) {
        let mut ring = Vec::new();
        let (mut here, mut twice) = (start, 0);
        while let Some((to, _)) = next.remove(&here) {
            twice += i64::from(here.0) * i64::from(to.1) - i64::from(to.0) * i64::from(here.1);
            ring.extend(places.get(&here));
            here = to;
        }
        let ring = LineString::new(ring);
        if twice > 0 {
            outer[part] = Some(ring);
        } else {
            holes[part].push(ring);
        }
    }
    let polygons = outer.into_iter().zip(holes).filter_map(|(outer, holes)| outer.map(|outer| Polygon::new(outer, holes)));
    MultiPolygon::new(polygons.collect())
}
